"""Samples of all cells, the reasons of those that have none, and what they come to."""

from typing import NamedTuple

from comparison.contestants import Contestant
from comparison.statistics import estimate, ratio
from comparison.workloads import Workload

TIMED, COUNTED, KERNEL, KNEE = "timed", "counted", "kernel", "knee"


class Cell(NamedTuple):
    workload: Workload
    contestant: Contestant


class Run(NamedTuple):
    """One visit to a cell. The kind says how: timed; counted by the server itself; counted by the
    kernel; or ramped up to its knee."""

    kind: str
    round: int
    workload: Workload
    contestant: Contestant


class Results:
    """Figures of a cell are those of all rounds; a key is one of `values` of a sample."""

    def __init__(self, bases=None, samples=(), reasons=()):
        self.bases = dict(bases or {})  # name of a workload: of whom the others are held against
        self.samples = list(samples)  # dictionaries: workload, contestant, kind, round, values
        self.reasons = list(reasons)  # dictionaries: workload, contestant, reason

    def add(self, run, values):
        self.samples.append({
            "workload": run.workload.name,
            "contestant": run.contestant.name,
            "kind": run.kind,
            "round": run.round,
            "values": values,
        })

    def refuse(self, workload, contestant, reason):
        entry = {"workload": workload.name, "contestant": contestant.name, "reason": reason}
        if entry not in self.reasons:
            self.reasons.append(entry)

    def reasons_of(self, workload, contestant):
        """Those that were met in several kinds of run once, with all of these."""
        found = {}
        for entry in self.reasons:
            if (entry["workload"], entry["contestant"]) == (workload.name, contestant.name):
                when, colon, what = entry["reason"].partition(": ")
                found.setdefault(what if colon else None, []).append(when)
        return [reason for what, whens in found.items() for reason in (
            whens if what is None else [f"{' and '.join(dict.fromkeys(whens))}: {what}"])]

    def has_times(self, workload, contestant):
        """Of any round, or at least a ramp."""
        return any(sample["kind"] in (TIMED, KNEE) and
                   (sample["workload"], sample["contestant"]) == (workload.name, contestant.name)
                   for sample in self.samples)

    def base_of(self, workload):
        return self.bases.get(workload.name)

    def by_round(self, workload, name, key):
        """What the kernel has counted stands in for what the server did not count itself."""
        for kind in (TIMED, COUNTED, KERNEL, KNEE):
            if found := self.by_round_of(kind, workload, name, key):
                return found
        return {}

    def by_round_of(self, kind, workload, name, key):
        return {
            sample["round"]: sample["values"][key] for sample in self.samples
            if sample["kind"] == kind and sample["workload"] == workload.name
            and sample["contestant"] == name and sample["values"].get(key) is not None
        }

    def of(self, workload, name, key):
        """The Estimate of a figure; None when there is none."""
        return estimate(self.by_round(workload, name, key).values())

    def against_base(self, workload, name, key):
        """The Estimate of the ratio to the base of the workload in the same round."""
        return self.ratio_of(workload, name, self.base_of(workload), key)

    def at_least(self, workload, name, key):
        """By round, where the figure itself was out of the client's reach: what it is at least."""
        return self.by_round(workload, name, f"{key}_at_least")

    def lower_bound(self, workload, name, key):
        """The Estimate of what a figure is at least, of all rounds; None when each round has the
        figure itself. To leave out the rounds without it would leave out the highest ones."""
        bounds = self.at_least(workload, name, key)
        return estimate({**self.by_round(workload, name, key), **bounds}.values()) if bounds else (
            None)

    def ratio_of(self, workload, name, base, key):
        if any(self.at_least(workload, each, key) for each in (name, base)):
            return None
        return ratio(self.by_round(workload, name, key), self.by_round(workload, base, key))

    def estimate(self, cell, key):
        return self.of(cell[0], cell[1].name, key)

    def ratio(self, cell, base, key):
        """Of a cell to another one, or to another contestant under the same workload."""
        other = base if isinstance(base, tuple) else Cell(cell[0], base)
        return ratio(self.values(cell, key), self.values(other, key))

    def values(self, cell, key):
        """By round."""
        return self.by_round(cell[0], cell[1].name, key)
