"""The order of the runs and the time they take."""

import random
import time
from dataclasses import dataclass

from comparison.processes import Failed
from comparison.under_load import TooMany

SHORTEST, LONGEST = 0.05, 2.0  # seconds that a run may measure
COUNTING_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    counting: bool
    round: int
    workload: object
    mode: object


def plan(cells, rounds, counting_rounds, seed):
    """Every round visits every cell once: workload after workload, and within each the modes in
    random order, so that whatever drifts meets all modes alike."""
    chance = random.Random(seed)
    runs = []
    for counting, count in ((False, rounds), (True, counting_rounds)):
        for number in range(1, count + 1):
            for workload in dict.fromkeys(workload for workload, _ in cells):
                modes = [mode for owner, mode in cells if owner == workload]
                chance.shuffle(modes)
                runs += [Run(counting, number, workload, mode) for mode in modes]
    return runs


class Budget:
    """Shares the time that is left among the runs that are left. What a run costs beside the
    measuring is learned from those already made."""

    def __init__(self, seconds, clock=time.monotonic):
        self._clock = clock
        self._end = clock() + seconds
        self._overhead = {}

    def overhead(self, workload):
        return self._overhead.get(workload.name, 0.15 + workload.connections * 1e-4)

    def note(self, workload, overhead):
        known = self._overhead.get(workload.name, overhead)
        self._overhead[workload.name] = 0.7 * known + 0.3 * overhead

    def seconds_per_run(self, left):
        timed = sum(not run.counting for run in left)
        fixed = sum(self.overhead(run.workload) for run in left)
        fixed += COUNTING_SECONDS * (len(left) - timed)
        share = (self._end - self._clock() - fixed) / max(1, timed)
        return min(LONGEST, max(SHORTEST, share))

    def time_left(self, left, seconds):
        return sum(
            self.overhead(run.workload) + (COUNTING_SECONDS if run.counting else seconds)
            for run in left
        )


class Failures:
    """What failed, so that it is not waited for again: a cell that failed once, and a program that
    failed in two cells and worked in none."""

    def __init__(self):
        self._cells = set()
        self._programs = {}  # (counting, kind): failures so far; None once it has worked

    def worked(self, run):
        self._programs[run.counting, run.workload.kind] = None

    def failed(self, run, problem):
        self._cells.add((run.counting, run.workload, run.mode))
        if isinstance(problem, TooMany):
            return
        program = (run.counting, run.workload.kind)
        failures = self._programs.get(program, 0)
        if failures is not None:
            self._programs[program] = failures + 1

    def cell(self, run):
        return (run.counting, run.workload, run.mode) in self._cells

    def program(self, run):
        return (self._programs.get((run.counting, run.workload.kind), 0) or 0) >= 2


def carry_out(runs, bench, budget, progress, keep, clock=time.monotonic):
    """Makes the runs; `keep(run, values)` takes each sample, `keep(run, error)` the Failed of one
    that went wrong."""
    failures = Failures()
    seconds, lap = LONGEST, None
    for number, run in enumerate(runs):
        if lap != (run.counting, run.round, run.workload):  # the same length for all modes
            lap = (run.counting, run.round, run.workload)
            seconds = budget.seconds_per_run(runs[number:])
        progress.show(run, number, len(runs), budget.time_left(runs[number:], seconds))
        if failures.cell(run):
            continue
        if failures.program(run):
            problem = Failed("not tried, the program failed for two others")
            failures.failed(run, problem)
            keep(run, problem)
            continue
        length = COUNTING_SECONDS if run.counting else seconds
        make = bench.counting_run if run.counting else bench.timed_run
        started = clock()
        try:
            keep(run, make(run.workload, run.mode, length))
            failures.worked(run)
            budget.note(run.workload, clock() - started - length)
        except Failed as problem:
            failures.failed(run, problem)
            keep(run, problem)
