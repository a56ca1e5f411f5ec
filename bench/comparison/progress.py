"""Says how far the measuring is: one line kept up to date on a terminal, else a line a round."""

import sys

from comparison.results import COUNTED, KERNEL, KNEE, TIMED

KINDS = {TIMED: "round", COUNTED: "counting calls, round",
         KERNEL: "calls as the kernel counts them, round", KNEE: "looking for the knee, round"}


def clock_time(seconds):
    seconds = max(0, round(seconds))
    return f"{seconds // 60}:{seconds % 60:02d}"


class Progress:
    def __init__(self, stream=sys.stderr):
        self._stream = stream
        self._updates = stream.isatty()
        self._round = None

    def show(self, run, done, total, seconds_left):
        what = f"{KINDS[run.kind]} {run.round}"
        if self._updates:
            text = (
                f"{done:4d} of {total} runs, {clock_time(seconds_left)} left   "
                f"{what}: {run.workload.name} {run.contestant.name}"
            )
            self._stream.write(f"\r{text[:100]:<100}")
        elif what != self._round:
            self._stream.write(
                f"{what}: {done} of {total} runs done, about {clock_time(seconds_left)} left\n"
            )
        self._round = what
        self._stream.flush()

    def end(self):
        if self._updates:
            self._stream.write("\r" + " " * 100 + "\r")
            self._stream.flush()
