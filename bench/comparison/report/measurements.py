"""results.json as what it is about: workloads, contestants, and the figures of each cell."""

from dataclasses import fields
from functools import cache
from math import isfinite

from comparison import result_file
from comparison.results import COUNTED, KERNEL, KNEE, TIMED
from comparison.statistics import estimate, ratio
from comparison.workloads import KNEE_METRICS, Workload, counted_metrics, timed_metrics

KINDS = TIMED, COUNTED, KERNEL, KNEE


class Measurements:
    """What a run has measured. Everything is in the order in which the run had it."""

    def __init__(self, document):
        run = result_file.of(document)
        self.document = document
        self.results = run.results
        self.workloads = list(run.contestants_of)
        self.contestants = list(dict.fromkeys(
            each for several in run.contestants_of.values() for each in several))
        self._contestants_of = run.contestants_of
        self._samples = {}
        for each in run.results.samples:
            self._samples.setdefault((each["workload"], each["contestant"]), []).append(each)

    def under(self, workload, *groups):
        """The contestants that met a workload, or were refused: of these groups or of all."""
        return [each for each in self._contestants_of[workload]
                if not groups or each.group in groups]

    def kind(self, contestant):
        """A number that gives it its colour. Models are never drawn beside others."""
        models = contestant.group == "models"
        alike = [each for each in self.contestants if (each.group == "models") == models]
        first = one_of_each(alike)  # whose lines meet in a picture
        return [*first, *(each for each in alike if each not in first)].index(contestant)

    def met(self, *groups, key="cpu"):
        """The workloads under which somebody of these groups has this figure."""
        return [each for each in self.workloads
                if any(self.has(each, other.name, key) for other in self.under(each, *groups))]

    def base(self, workload):
        return self.results.base_of(workload)

    @cache
    def values(self, workload, name, key, kind=None):
        """By round, of this kind of run, or of the first kind that has this figure: what the kernel
        has counted stands in for what a server did not count itself."""
        found = {}
        for sample in self._samples.get((workload.name, name), []):
            if _is_figure(sample["values"].get(key)):
                found.setdefault(sample["kind"], {})[sample["round"]] = sample["values"][key]
        return next((found[each] for each in ([kind] if kind else KINDS) if each in found), {})

    def has(self, workload, name, key, kind=None):
        return bool(self.values(workload, name, key, kind))

    @cache
    def figure(self, workload, name, key, kind=None):
        return estimate(self.values(workload, name, key, kind).values())

    @cache
    def ratio(self, workload, name, key):
        """To the base of the workload in the same round; None without one."""
        base = self.base(workload)
        return base and ratio(self.values(workload, name, key), self.values(workload, base, key))

    def histograms(self, workload, name):
        return list(filter(None, self.values(workload, name, "histogram").values()))

    def reasons(self, workload, contestant):
        return self.results.reasons_of(workload, contestant)

    def metric(self, workload, key):
        """None for a key that the load does not have."""
        metrics = [*counted_metrics(workload.load), *timed_metrics(workload.load), *KNEE_METRICS]
        return next((each for each in metrics if each.key == key), None)


def one_of_each(contestants):
    """The first contestant of each library: more have no room among lines."""
    found = {}
    for each in contestants:
        found.setdefault(each.library or each.name, each)
    return list(found.values())


def _is_figure(value):
    return value is not None and not (isinstance(value, float) and not isfinite(value))


def families(workloads, axis):
    """Workloads that differ in this axis alone, two or more of them, in its order."""
    found = {}
    for workload in workloads:
        rest = tuple(getattr(workload, each.name) for each in fields(Workload) if each.name != axis)
        found.setdefault(rest, []).append(workload)
    return [sorted(family, key=lambda each: getattr(each, axis))
            for family in found.values() if len(family) > 1]


def short_title(workload, others):
    """Without the subject, when all have the same."""
    if len({each.load for each in others}) == 1:
        return ", ".join(workload.title.split(", ")[1:])
    return workload.title
