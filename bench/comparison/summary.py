"""From samples to medians, ranges and paired ratios."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of some values with the smallest and the largest."""

    median: float
    low: float
    high: float
    count: int

    @property
    def contains_one(self):
        """Whether no difference can be told: to the two digits that are shown."""
        return round(self.low, 2) <= 1.0 <= round(self.high, 2)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def spread(values):
    """None when there is nothing to summarise."""
    values = list(values)
    if not values:
        return None
    return Spread(median(values), min(values), max(values), len(values))


# Ratios to less than this say nothing: a count that is zero but for opening and closing.
SMALLEST_BASE = 0.0005


def paired_ratios(values, bases):
    """Ratios of values to bases of the same round (dictionaries by round). A round that misses
    either, or whose base is next to nothing, gives none."""
    return [
        values[number] / bases[number]
        for number in sorted(values)
        if number in bases and bases[number] >= SMALLEST_BASE
    ]


def bootstrap_interval(values, confidence=0.95, resamples=2000, seed=1):
    """Percentile interval of the median; None for fewer than two values."""
    values = list(values)
    if len(values) < 2:
        return None
    chance = random.Random(seed)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(resamples))
    cut = (1 - confidence) / 2
    return medians[int(cut * resamples)], medians[int((1 - cut) * resamples) - 1]


class Results:
    """Samples of all cells, and the reasons of those that have none."""

    def __init__(self, samples=(), reasons=()):
        self.samples = list(samples)  # dictionaries: workload, mode, counting, round, values
        self.reasons = list(reasons)  # dictionaries: workload, mode, reason

    def add(self, run, values):
        self.samples.append({
            "workload": run.workload.name,
            "mode": run.mode.name,
            "counting": run.counting,
            "round": run.round,
            "values": values,
        })

    def refuse(self, workload, mode, reason):
        self.reasons.append({"workload": workload.name, "mode": mode.name, "reason": reason})

    def reasons_of(self, workload, mode):
        return list(dict.fromkeys(
            entry["reason"] for entry in self.reasons
            if entry["workload"] == workload.name and entry["mode"] == mode.name
        ))

    def by_round(self, workload, mode_name, key):
        return {
            sample["round"]: sample["values"][key] for sample in self.samples
            if sample["workload"] == workload.name and sample["mode"] == mode_name
            and key in sample["values"]
        }

    def spread(self, workload, mode_name, key):
        return spread(self.by_round(workload, mode_name, key).values())

    def ratio(self, workload, mode_name, key):
        """Against the base of the workload in the same round."""
        return spread(paired_ratios(
            self.by_round(workload, mode_name, key), self.by_round(workload, workload.base, key)
        ))
