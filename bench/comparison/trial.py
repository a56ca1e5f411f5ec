"""Tries claims one after the other, and keeps what was found when one fails or Ctrl-C comes."""

import sys
import time
import traceback
from dataclasses import dataclass

from comparison.claims import NOT_TRIED, UNDECIDED, Finding
from comparison.processes import Failed
from comparison.progress import clock_time

QUICK_SHARE = 0.12  # of the time of a full attempt
TRUST = 60.0  # seconds until the pace so far counts as much as what the claims say of themselves
STOPPED = "Ctrl-C came first"


@dataclass
class Tried:
    claim: object
    finding: Finding
    seconds: float = 0.0
    stopped: bool = False  # Ctrl-C came before its end


@dataclass
class Trial:
    """What became of the claims, in their order."""

    tried: list
    complete: bool = True  # no Ctrl-C
    broken: bool = False  # an attempt failed in a way that is a bug


class Forecast:
    """How much longer, by what the claims say of themselves, corrected by what they took so far.
    What several claims are judged by is measured with the first of them that is tried. `share` is
    that of the time of a full attempt."""

    def __init__(self, claims, share=1.0):
        self._left, measured = [], set()
        for claim in claims:
            known = claim.measured_once and claim.measured_once in measured
            self._left.append(0.0 if known else claim.seconds * share)
            measured.add(claim.measured_once)
        self._said = self._took = 0.0

    def note(self, seconds):
        """The first of those left took so long."""
        self._said += self._left.pop(0)
        self._took += seconds

    def left(self, elapsed):
        """Seconds, `elapsed` into the first of those left."""
        pace = (self._took + TRUST) / (self._said + TRUST)
        return pace * sum(self._left[1:]) + max(0.0, pace * self._left[0] - elapsed)


class ClaimProgress:
    """One line kept up to date on a terminal, else a line a claim."""

    def __init__(self, claims, share=1.0, stream=sys.stderr, clock=time.monotonic):
        self._total = len(claims)
        self._forecast = Forecast(claims, share)
        self._stream, self._clock = stream, clock
        self._updates = stream.isatty()
        self._number = 0

    def begin(self, claim):
        self._claim, self._number, self._started = claim, self._number + 1, self._clock()
        self.show("")
        if not self._updates:
            self._stream.write(self._line("") + "\n")
            self._stream.flush()

    def show(self, text):
        """What the attempt is at."""
        if self._updates:
            self._stream.write(f"\r{self._line(text):<110}")
            self._stream.flush()

    def done(self):
        seconds = self._clock() - self._started
        self._forecast.note(seconds)
        return seconds

    def end(self):
        if self._updates:
            self._stream.write("\r" + " " * 110 + "\r")
            self._stream.flush()

    def _line(self, text):
        left = clock_time(self._forecast.left(self._clock() - self._started))
        what = f"{self._claim.id}: {text or self._claim.text}"
        return f"{self._number:2d} of {self._total}, {left} left   {what}"[:110]


def try_all(claims, laboratory, progress):
    trial = Trial([])
    for claim in claims:
        progress.begin(claim)
        try:
            finding = _finding(claim, laboratory, trial)
        except KeyboardInterrupt:
            trial.complete = False
            break
        trial.tried.append(Tried(claim, finding, progress.done()))
    progress.end()
    trial.tried += [Tried(claim, Finding(NOT_TRIED, claim.reason or STOPPED),
                          stopped=claim.attempt is not None)
                    for claim in claims[len(trial.tried):]]
    return trial


def _finding(claim, laboratory, trial):
    if claim.attempt is None:
        return Finding(NOT_TRIED, claim.reason)
    try:
        return claim.attempt(laboratory)
    except Failed as problem:
        return Finding(UNDECIDED, f"could not be measured: {problem}")
    except Exception as problem:
        traceback.print_exc()
        trial.broken = True
        return Finding(UNDECIDED, f"the attempt broke: {problem!r}")
