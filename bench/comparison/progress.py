"""Says how far the measuring is: one line kept up to date on a terminal, else a line a round."""

import sys

from comparison.results import COUNTED, KERNEL, KNEE, TIMED

KINDS = {TIMED: "round", COUNTED: "counting calls, round",
         KERNEL: "calls as the kernel counts them, round", KNEE: "looking for the knee, round"}


def clock_time(seconds):
    seconds = max(0, round(seconds))
    return f"{seconds // 60}:{seconds % 60:02d}"


class Line:
    """One line kept up to date on a terminal; else a line for each thing, not for each of its
    rounds."""

    def __init__(self, stream=sys.stderr):
        self._stream = stream
        self._updates = stream.isatty()
        self._last = None

    def __call__(self, text):
        what = text.partition(", round")[0]
        if self._updates or what != self._last:
            self.write(text)
        self._last = what

    def write(self, text):
        self._stream.write(f"\r{text[:100]:<100}" if self._updates else text + "\n")
        self._stream.flush()

    def end(self):
        if self._updates:
            self._stream.write("\r" + " " * 100 + "\r")
            self._stream.flush()


class Progress:
    """How far the runs are. `later` seconds of other things follow when they are done."""

    def __init__(self, later=0.0, stream=sys.stderr):
        self._later = later
        self._line = Line(stream)
        self._updates = stream.isatty()
        self._round = None
        self.end = self._line.end

    def show(self, run, done, total, seconds_left):
        what = f"{KINDS[run.kind]} {run.round}"
        left = clock_time(seconds_left + self._later)
        if self._updates:
            self._line.write(f"{done:4d} of {total} runs, {left} left   "
                             f"{what}: {run.workload.name} {run.contestant.name}")
        elif what != self._round:
            self._line.write(f"{what}: {done} of {total} runs done, about {left} left")
        self._round = what
