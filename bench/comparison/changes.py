"""What differs between two runs: counts beyond their spread, times where their intervals say so."""

from dataclasses import dataclass, replace

from comparison.results import COUNTED, KERNEL
from comparison.statistics import (ENOUGH_COUNTS, beyond_doubt, chance, independent_ratio, median,
                                   paired_ratios)
from comparison.workloads import counted_metrics, timed_metrics

# A count that ends and begins with a measured phase is off by a call or two of thousands.
TOLERANCE = 0.02
SMALLEST = 0.005  # per request: less is opening and closing, not serving
MORE_IS_BETTER = {"rate", "events", "bytes_per_wake"}


@dataclass(frozen=True)
class Change:
    """Of one figure of one cell. `ratio` is that of after to before, an Estimate; None for
    counts. With a `base`, the figure is the ratio to it within a run: whatever else the machine did
    in one of the two runs has met both. `chance` is the probability of such a difference between
    times that are alike; `stands` says that it is small enough for all the comparisons made."""

    workload: str
    contestant: str
    metric: object
    before: float
    after: float
    ratio: object = None
    base: str = ""
    chance: float = 0.0
    stands: bool = False

    @property
    def worse(self):
        return (self.after < self.before) == (self.metric.key in MORE_IS_BETTER)

    @property
    def counted(self):
        return self.ratio is None

    @property
    def certain(self):
        return self.counted or self.ratio.decided and self.stands


def changes(before, after):
    """Of two runs that were read from files, cell by cell."""
    found = []
    for workload, contestant in common(before, after):
        found += counted_changes(before.results, after.results, workload, contestant)
        found += timed_changes(before.results, after.results, workload, contestant.name)
    stand = beyond_doubt({place: each.chance for place, each in enumerate(found)
                          if not each.counted}, comparisons(before, after))
    return [replace(each, stands=place in stand) for place, each in enumerate(found)]


def timed_changes(before, after, workload, name):
    found = []
    base = before.base_of(workload)
    paired = name != base and base == after.base_of(workload)
    for metric in timed_metrics(workload.load):
        old, new = (_values(results, workload, name, metric, base if paired else "")
                    for results in (before, after))
        ratio = independent_ratio(new, old)
        if ratio and ratio.direction:
            found.append(Change(workload.name, name, metric, median(old), median(new), ratio,
                                base if paired and metric.compared else "", chance(new, old)))
    return found


def _values(results, workload, name, metric, base):
    values = results.by_round(workload, name, metric.key)
    if not base or not metric.compared:
        return list(values.values())
    return paired_ratios(values, results.by_round(workload, base, metric.key))


def counted_changes(before, after, workload, contestant):
    """Of two Results. A count of the server's own is held against its like, and so is one of the
    kernel's."""
    found = []
    for metric in counted_metrics(workload.load):
        for kind in (COUNTED, KERNEL):
            old, new = (
                list(results.by_round_of(kind, workload, contestant.name, metric.key).values())
                for results in (before, after))
            if old and new and _differ(old, new, is_exact(workload, contestant)):
                found.append(Change(workload.name, contestant.name, metric, median(old),
                                    median(new)))
                break
    return found


def too_few_counts(before, after):
    """How many cells have counts that vary with timing, from too few rounds to be compared."""
    return sum(
        not is_exact(workload, each)
        and 0 < min(len(run.results.by_round_of(COUNTED, workload, each.name, "read"))
                    for run in (before, after)) < ENOUGH_COUNTS
        for workload, each in common(before, after))


def is_exact(workload, contestant):
    """One client that waits for each answer: every run makes the same calls on every machine. Not
    of those who read on until nothing is there: the next message may be."""
    return workload.one_at_a_time and "--drain" not in contestant.command


def _differ(old, new, exact):
    """By more than the tolerance and, where timing has a say, by more than both spread."""
    margin = max(SMALLEST, TOLERANCE * abs(median(old)))
    if not exact:
        if min(len(old), len(new)) < ENOUGH_COUNTS:
            return False
        margin += _width(old) + _width(new)
    return min(new) > max(old) + margin or max(new) < min(old) - margin


def _width(values):
    return max(values) - min(values)


def common(before, after):
    """Cells that both have figures of."""
    theirs = {(workload, each.name) for workload, each in cells(after)}
    return [(workload, each) for workload, each in cells(before)
            if (workload, each.name) in theirs]


def cells(run):
    """Those with figures."""
    measured = {(sample["workload"], sample["contestant"]) for sample in run.results.samples}
    return [(workload, each) for workload, contestants in run.contestants_of.items()
            for each in contestants if (workload.name, each.name) in measured]


def comparisons(before, after):
    """How many timed figures were held against each other: some of them differ by chance."""
    return sum(
        bool(before.results.by_round(workload, each.name, metric.key)
             and after.results.by_round(workload, each.name, metric.key))
        for workload, each in common(before, after) for metric in timed_metrics(workload.load))


def worse_counts(baseline, now):
    """Of the counts that are the same on every machine, those that have become worse."""
    return [change for workload, each in common(baseline, now) if is_exact(workload, each)
            for change in counted_changes(baseline.results, now.results, workload, each)
            if change.worse]


def guarded(baseline, counted):
    """Of the cells that are counted, those that `worse_counts` looks at."""
    names = {(workload, each.name) for workload, each in cells(baseline)}
    return [cell for cell in counted if is_exact(*cell) and (cell[0], cell[1].name) in names]


# Facts of the machine without which figures of two runs cannot be held against each other.
DECISIVE = ["kernel", "cpu", "cores", "hypervisor", "governor", "mitigations", "compiler", "flags"]


def machine_differences(before, after):
    old, new = (run.document.get("machine", {}) for run in (before, after))
    return [f"{name}: {old.get(name)} / {new.get(name)}" for name in DECISIVE
            if name in old and name in new and old[name] != new[name]]
