"""Servers under load, visited in random order round after round: what claims are judged by.

It differs from Laboratory.compare in two ways: server and clients may share a core, and a server
may stand by and be asked again and again.
"""

import os
import random
from contextlib import ExitStack
from dataclasses import dataclass

from comparison import statistics
from comparison.contestants import Contestant
from comparison.engine_counters import difference, look
from comparison.kernel_calls import counted_run
from comparison.measure import Bench, amount, counted_values, timed_values
from comparison.processes import Failed
from comparison.workloads import Workload

ONE_CORE, TWO_CORES, ALL_CORES = "one core", "two cores", "all cores"


@dataclass(frozen=True)
class Cell:
    """Clients on the server's core never leave it idle and are never the limit, so that its CPU
    time per request is that of a busy server. On ALL_CORES it may use the clients' core too."""

    name: str
    contestant: Contestant
    workload: Workload
    place: str = ONE_CORE


class Figures:
    """What was measured. A sample says cell, round and values, or the reason why there are none."""

    def __init__(self, samples):
        self.samples = samples

    def by_round(self, cell, key):
        return {each["round"]: each["values"][key] for each in self.samples
                if each["cell"] == cell and key in each.get("values", ())}

    def estimate(self, cell, key):
        return statistics.estimate(self.by_round(cell, key).values())

    def ratio(self, cell, base, key):
        """Of two cells, formed within each round."""
        return statistics.ratio(self.by_round(cell, key), self.by_round(base, key))

    def derived(self, function, *places):
        """The Estimate of function(value, …) of places (cell, key), round by round."""
        columns = [self.by_round(*place) for place in places]
        common = set.intersection(*(set(column) for column in columns))
        return statistics.estimate(function(*(column[number] for column in columns))
                                   for number in sorted(common))

    def trouble(self, cells=None):
        """Of these cells, else of all: what could not be measured, and what the clients were too
        slow for, to be put behind a sentence; "" when there is nothing to say."""
        reasons = {each["cell"]: each["reason"] for each in self.samples
                   if "reason" in each and (cells is None or each["cell"] in cells)}
        parts = [f"{cell}: {reason}" for cell, reason in reasons.items()]
        limited = [cell for cell in self.limited() if cells is None or cell in cells]
        if limited:
            parts.append("the clients were the limit of " + ", ".join(limited))
        return f" ({'; '.join(parts)})" if parts else ""

    def limited(self):
        """Cells whose clients had no time left in at least every fourth round."""
        found = {}
        for each in self.samples:
            told = each.get("values", {}).get("limited_by_client")
            if told is not None:
                found.setdefault(each["cell"], []).append(told)
        return [cell for cell, told in found.items() if sum(told) * 4 >= len(told)]


class Stand:
    """A server with its load, from `with` on; every measuring is a phase of its own."""

    def __init__(self, lab, cell, seconds, hooked=False):
        self._workload, self._seconds = cell.workload, seconds
        self._run = _bench(lab, cell.place).under_load(
            cell.workload, cell.contestant, seconds, hooked)
        self._other_core = lab.client_core
        self._end = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(self._run)
            self._run.connect()
            self._end = stack.pop_all()
        return self

    def __exit__(self, *problem):
        return self._end.__exit__(*problem)

    @property
    def server(self):
        """The process."""
        return self._run.server.child

    def time(self):
        tree = self._run.tree
        cpu = tree.cpu_ns()
        load = self._run.measure(self._seconds)
        values = timed_values(self._workload, load, tree.cpu_ns() - cpu)
        values.pop("histogram", None)  # nothing is judged by it
        return values

    def count(self):
        """By a server that counts its calls; see Bench.counted."""
        first, before = look(self.server), look(self.server)
        load = self._run.measure(self._seconds)
        after = look(self.server)
        own = difference(before, first)
        return counted_values(self._workload, load, difference(difference(after, before), own))

    def trace(self):
        """What the kernel counts, of any server. Names begin with kernel_."""
        counts, load = counted_run(
            self._run.tree, self._other_core, lambda: self._run.measure(self._seconds))
        done = amount(self._workload, load)
        if not done:
            raise Failed("nothing was answered while it was counted")
        return {f"kernel_{name}": value for name, value in counts.per(done).items()
                if value is not None}


def _bench(lab, place):
    server, client, spin = lab.server_core, lab.client_core, lab.spin
    if place == ONE_CORE:
        return Bench(lab.build, server, server, server, spin)
    if place == TWO_CORES:
        return Bench(lab.build, server, server, client, spin)
    everywhere = os.sched_getaffinity(0)
    return Bench(lab.build, everywhere, everywhere, client, spin)


def timed(lab, cells, seconds, stand_by=False):
    """New processes for every sample, since where they lie in memory is part of the noise. Or
    servers that stand by: for differences so large that it does not matter, and for loads that
    take long to set up."""
    return _rounds(lab, cells, seconds, lab.rounds, stand_by, Stand.time, hooked=False)


def counted(lab, cells, seconds, rounds=1, stand_by=False):
    """As `timed`, by the twins that count their system calls."""
    return _rounds(lab, cells, seconds, rounds, stand_by, Stand.count, hooked=True)


def counted_by_kernel(lab, cells, seconds, rounds=1):
    """As `counted`, of any server; a tracer makes it slow, but tells all alike."""
    return _rounds(lab, cells, seconds, rounds, False, Stand.trace, hooked=False)


def once(measure):
    """Decorates what several claims are judged by: a laboratory measures it only once."""

    def remembered(lab):
        known = lab.__dict__.setdefault("measured_before", {})
        if measure not in known:
            known[measure] = measure(lab)
        return known[measure]

    return remembered


def _rounds(lab, cells, seconds, rounds, stand_by, act, hooked):
    chance = random.Random(lab.seed)
    samples, stands, failed = [], {}, set()
    with ExitStack() as stack:
        for number in range(1, rounds + 1):
            order = [cell for cell in cells if cell not in failed]
            chance.shuffle(order)
            for cell in order:
                lab.show(f"round {number} of {rounds}: {cell.name}")
                sample = {"cell": cell.name, "round": number}
                try:
                    if not stand_by:
                        with Stand(lab, cell, seconds, hooked) as stand:
                            sample["values"] = act(stand)
                    else:
                        if cell not in stands:
                            stands[cell] = stack.enter_context(Stand(lab, cell, seconds, hooked))
                        sample["values"] = act(stands[cell])
                except Failed as problem:
                    failed.add(cell)
                    sample["reason"] = str(problem)
                samples.append(sample)
    return samples
