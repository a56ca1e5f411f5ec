"""The order of the runs and the time they take."""

import random
import time

from comparison.processes import Failed
from comparison.results import COUNTED, KERNEL, KNEE, TIMED, Run
from comparison.under_load import TooMany

SHORTEST, LONGEST = 0.05, 2.0  # seconds that a run may measure
# What is counted does not depend on how long. A ramp has many steps of this length.
FIXED_SECONDS = {COUNTED: 0.1, KERNEL: 0.1, KNEE: 0.25}


def plan(cells, rounds, seed):
    """`rounds` says for each kind of run how many. Every round visits every cell once: workload
    after workload, and within each the contestants in random order, so that whatever drifts meets
    all alike. What is counted comes before what is timed."""
    chance = random.Random(seed)
    runs = []
    for kind, count in rounds.items():
        for number in range(1, count + 1):
            for workload in dict.fromkeys(workload for workload, _ in cells):
                contestants = [each for owner, each in cells if owner == workload]
                chance.shuffle(contestants)
                runs += [Run(kind, number, workload, each) for each in contestants]
    return runs


class Budget:
    """Shares the time that is left among the runs that are left. What a run costs beside the
    measuring is learned from those already made."""

    def __init__(self, seconds, clock=time.monotonic):
        self._clock = clock
        self._end = clock() + seconds
        self._overhead = {}

    def overhead(self, run):
        usual = {KNEE: 4.0, KERNEL: 0.3}.get(run.kind, 0.1) + run.workload.connections * 1e-4
        return self._overhead.get(_like(run), usual)

    def note(self, run, overhead):
        known = self._overhead.get(_like(run), overhead)
        self._overhead[_like(run)] = 0.7 * known + 0.3 * overhead

    def seconds_per_run(self, left):
        timed = sum(run.kind == TIMED for run in left)
        fixed = sum(self.overhead(run) for run in left)
        fixed += sum(FIXED_SECONDS.get(run.kind, 0) for run in left)
        share = (self._end - self._clock() - fixed) / max(1, timed)
        return min(LONGEST, max(SHORTEST, share))

    def time_left(self, left, seconds):
        return sum(self.overhead(run) + FIXED_SECONDS.get(run.kind, seconds) for run in left)


class FixedLength:
    """In place of a Budget: every run measures as long."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._known = Budget(0)
        self.note, self.time_left = self._known.note, self._known.time_left

    def seconds_per_run(self, left):
        return self._seconds


def _like(run):
    return run.kind, run.workload.name


class Failures:
    """What failed, so that it is not waited for again: a cell that failed once, and a program that
    failed in two cells and worked in none."""

    def __init__(self):
        self._cells = set()
        self._programs = {}  # failures so far; None once it has worked

    def worked(self, run):
        self._programs[_program(run)] = None

    def failed(self, run, problem):
        self._cells.add((run.kind, run.workload, run.contestant))
        if isinstance(problem, TooMany):
            return
        failures = self._programs.get(_program(run), 0)
        if failures is not None:
            self._programs[_program(run)] = failures + 1

    def cell(self, run):
        return (run.kind, run.workload, run.contestant) in self._cells

    def program(self, run):
        return (self._programs.get(_program(run), 0) or 0) >= 2


def _program(run):
    """Modes of one program fail together; a peer fails for itself."""
    command = run.contestant.command
    return run.kind, run.workload.load, command[0] if command else run.contestant.name


def carry_out(runs, make, budget, progress, keep, clock=time.monotonic):
    """Makes the runs: `make[kind](workload, contestant, seconds)`. `keep(run, values)` takes each
    sample, `keep(run, error)` the Failed of one that went wrong."""
    failures = Failures()
    seconds, lap = LONGEST, None
    for number, run in enumerate(runs):
        if lap != run[:3]:  # the same length for all contestants
            lap = run[:3]
            seconds = budget.seconds_per_run(runs[number:])
        progress.show(run, number, len(runs), budget.time_left(runs[number:], seconds))
        if failures.cell(run):
            continue
        if failures.program(run):
            problem = Failed("not tried, the program failed for two others")
            failures.failed(run, problem)
            keep(run, problem)
            continue
        length = FIXED_SECONDS.get(run.kind, seconds)
        started = clock()
        try:
            keep(run, make[run.kind](run.workload, run.contestant, length))
            failures.worked(run)
            budget.note(run, clock() - started - length)
        except Failed as problem:
            failures.failed(run, problem)
            keep(run, problem)
