"""Medians with their 95 % bootstrap intervals, and ratios formed within rounds.

A few dozen runs on a machine that others use too have no known distribution, and some of them lie
far out. So the median is given, and how far it can be trusted by resampling (Efron 1979).
"""

from dataclasses import dataclass
from math import erfc, sqrt

import numpy

CONFIDENCE = 0.95
RESAMPLES = 4000
# With fewer rounds no winner is named: the bootstrap of a median is too sure of few values.
ENOUGH_ROUNDS = 20
ENOUGH_COUNTS = 3  # rounds that show how far a count that is not exact spreads
# Ratios to less than this say nothing: a count that is zero but for opening and closing.
SMALLEST_BASE = 0.0005


@dataclass(frozen=True)
class Estimate:
    """The median of `count` values, and the interval that holds the true one."""

    median: float
    low: float
    high: float
    count: int

    @property
    def direction(self):
        """Of a ratio: -1 less than one, +1 more, 0 when it cannot be told from one to the two
        digits that are shown."""
        if round(self.high, 2) < 1:
            return -1
        return 1 if round(self.low, 2) > 1 else 0

    @property
    def decided(self):
        """Whether a ratio may be called a difference."""
        return self.count >= ENOUGH_ROUNDS and self.direction != 0


def median(values):
    return float(numpy.median(list(values)))


def estimate(values):
    """None when there is nothing to summarise. One value is its own interval."""
    values = list(values)
    if not values:
        return None
    low, high = _interval(_resampled(numpy.median, values))
    return Estimate(median(values), low, high, len(values))


def paired_ratios(values, bases):
    """Ratios of values to bases of the same round (dictionaries by round). A round that misses
    either, or whose base is next to nothing, gives none."""
    return [
        values[number] / bases[number]
        for number in sorted(values)
        if number in bases and bases[number] >= SMALLEST_BASE
    ]


def ratio(values, bases):
    """The Estimate of the paired ratios; None when no round has both."""
    return estimate(paired_ratios(values, bases))


def independent_ratio(values, bases):
    """Of the medians of two sets of runs that were not made together, so that nothing pairs them:
    each is resampled by itself. The count is the smaller one."""
    return _of_both(numpy.median, values, bases)


def least_ratio(values, bases):
    """Of the smallest of both sets, likewise: what is added to a time by whatever disturbs a run is
    left out as far as can be. The interval says how much the smallest ones owe to single runs."""
    return _of_both(numpy.min, values, bases)


def _of_both(what, values, bases):
    values, bases = list(values), list(bases)
    if not values or not bases or what(bases) < SMALLEST_BASE:
        return None
    below = _resampled(what, bases, seed=2)
    kept = below >= SMALLEST_BASE
    low, high = _interval(_resampled(what, values)[kept] / below[kept])
    return Estimate(float(what(values) / what(bases)), low, high, min(len(values), len(bases)))


def chance(values, bases):
    """The probability that two sets of the same kind differ as much as these (Mann and Whitney's
    rank test, 1947, by the normal distribution and corrected for ties)."""
    values, bases = list(values), list(bases)
    _, kinds, repeats = numpy.unique([*values, *bases], return_inverse=True, return_counts=True)
    ranks = (numpy.cumsum(repeats) - (repeats - 1) / 2)[kinds]
    count, total = len(values), len(kinds)
    variance = (total + 1 - sum(repeats**3 - repeats) / (total * max(1, total - 1))) / 12
    variance *= count * (total - count)
    if variance <= 0:
        return 1.0
    expected = count * (total + 1) / 2
    return erfc(abs(sum(ranks[:count]) - expected) / sqrt(2 * variance))


def beyond_doubt(chances, comparisons):
    """Of so many comparisons that were made, those in `chances` (by any name) are told of: the
    names of those that stand although there were so many. In one of twenty cases at the most any
    of them is there by chance (Holm 1979)."""
    found = set()
    for place, name in enumerate(sorted(chances, key=chances.get)):
        if chances[name] * (comparisons - place) > 1 - CONFIDENCE:
            break
        found.add(name)
    return found


def slope(places, values):
    """Of the straight line through points, as an Estimate by resampling points."""
    places, values = numpy.asarray(places, float), numpy.asarray(values, float)
    chance = numpy.random.default_rng(1)
    found = []
    for _ in range(RESAMPLES // 4):
        chosen = chance.integers(0, len(places), len(places))
        if len(set(places[chosen])) > 1:
            found.append(numpy.polyfit(places[chosen], values[chosen], 1)[0])
    low, high = _interval(numpy.asarray(found))
    return Estimate(float(numpy.polyfit(places, values, 1)[0]), low, high, len(places))


def two_groups(values):
    """The medians of both when positive values lie in two groups, as those of a core that is idle
    or not do: then neither median nor interval says what a single value is. None else, and of
    fewer than ten values, which chance often parts."""
    found = numpy.sort([value for value in values if value > 0])
    fewest = max(3, len(found) // 10)
    if len(found) < 10:
        return None
    logs = numpy.log(found)
    gaps = numpy.diff(logs)[fewest - 1:len(found) - fewest]
    cut = fewest + int(numpy.argmax(gaps))
    widest = max(numpy.ptp(logs[:cut]), numpy.ptp(logs[cut:]))
    clear = widest * (0.5 if len(found) >= ENOUGH_ROUNDS else 1)
    if max(gaps) < max(clear, numpy.log(1.15)):
        return None
    return median(found[:cut]), median(found[cut:])


def _resampled(what, values, seed=1):
    """Of each resample; the seed is fixed, so that the same samples always give the same figures."""
    values = numpy.asarray(values, float)
    chosen = numpy.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    return what(values[chosen], axis=1)


def _interval(found):
    cut = 100 * (1 - CONFIDENCE) / 2
    low, high = numpy.percentile(found, [cut, 100 - cut])
    return float(low), float(high)
