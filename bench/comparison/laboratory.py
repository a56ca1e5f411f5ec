"""What who tries a claim works with: where the programs are, how many rounds, and runs in them."""

import os
import random
import shutil
import sys

from comparison import machine
from comparison.contestants import program
from comparison.measure import Bench
from comparison.processes import Failed
from comparison.refusal import refusal
from comparison.results import COUNTED, KERNEL, KNEE, TIMED, Cell, Results
from comparison.rounds import FixedLength, carry_out, plan


class Laboratory:
    """`show` is called with a line that says what is done now."""

    def __init__(self, build, rounds=20, quick=False, seed=None, spin=False, show=None):
        self.build = build
        self.rounds = rounds
        self.quick = quick
        self.spin = spin
        self.seed = seed if seed is not None else random.randrange(2**32)
        self.show = show or (lambda text: print(text, file=sys.stderr))
        self.server_core, self.client_core = machine.core_pair()
        self.cores = sorted(os.sched_getaffinity(0))
        self.bench = Bench(build, self.server_core, machine.cores_beside(self.client_core),
                           self.client_core, spin)

    def program(self, name):
        """Path of a program of the build, or of one that PATH finds. Raises Failed."""
        path = program(self.build, name) or shutil.which(name)
        if path is None:
            raise Failed(f"{name} is missing in {self.build}")
        return path

    def compare(self, workloads, contestants=None, rounds=None, seconds=0.1, title=""):
        """Timed runs in interleaved rounds, contestants in random order, a fresh server for each.
        Workloads are crossed with the contestants; without contestants they are cells already. The
        first contestant of a workload is its base. What cannot be run has a reason in the
        Results."""
        return self._carry_out(TIMED, workloads, contestants, rounds or self.rounds, seconds, title)

    def counted(self, workloads, contestants=None, rounds=1, seconds=0.1, title=""):
        """As `compare`, and what the servers have counted: only those that have a counting twin."""
        return self._carry_out(COUNTED, workloads, contestants, rounds, seconds, title)

    def counted_by_kernel(self, workloads, contestants=None, rounds=1, seconds=0.1, title=""):
        """As `compare`, and what the kernel has counted, of any server."""
        return self._carry_out(KERNEL, workloads, contestants, rounds, seconds, title)

    def knees(self, workloads, contestants=None, rounds=1, title=""):
        """As `compare`, and the highest rate that each server keeps: the key "knee"."""
        return self._carry_out(KNEE, workloads, contestants, rounds, 0.0, title)

    def _carry_out(self, kind, workloads, contestants, rounds, seconds, title):
        if contestants is None:
            cells = [Cell(*each) for each in workloads]
        else:
            cells = [Cell(workload, each) for workload in workloads for each in contestants]
        results = Results()
        for workload, contestant in cells:
            results.bases.setdefault(workload.name, contestant.name)
        wanted = []
        for cell in cells:
            reason = refusal(*cell, machine.hard_descriptor_limit())
            results.refuse(*cell, reason) if reason else wanted.append(cell)

        def keep(run, values):
            if isinstance(values, Failed):
                results.refuse(run.workload, run.contestant, str(values))
            else:
                results.add(run, values)

        runs = plan(wanted, {kind: rounds}, self.seed)
        carry_out(runs, self.bench.ways(), FixedLength(seconds), _Shown(self.show, title), keep)
        return results


class _Shown:
    """Progress in one line for the show of the laboratory."""

    def __init__(self, show, title):
        self._show, self._title = show, title

    def show(self, run, done, total, seconds_left):
        what = f"{run.workload.name} {run.contestant.name}"
        self._show(f"{self._title + ': ' if self._title else ''}{done + 1} of {total}, {what}")
