"""Ratios in words: which way, by how much, and whether it can be told at all."""

from comparison.shown import factor, in_percent
from comparison.statistics import ENOUGH_ROUNDS


def compared(ratio, less="less", more="more"):
    """`5 % more, ×1.05 (1.05–1.06)`."""
    if ratio is None:
        return "not measured"
    if ratio.count < ENOUGH_ROUNDS:
        return f"{factor(ratio)}, of too few rounds to tell"
    if not ratio.decided:
        return f"no difference that can be told, {factor(ratio)}"
    if ratio.median >= 2:
        return f"{factor(ratio)} as much"
    size = f"{abs(ratio.median - 1) * 100:.0f} %"
    return f"{size} {less if ratio.direction < 0 else more}, {factor(ratio)}"


def told_from_none(estimate, show=in_percent):
    """A loss or a cost; where its interval holds zero it is none that can be told, and no sign of
    it is a finding."""
    if estimate is None:
        return "not measured"
    if estimate.low <= 0 <= estimate.high or estimate.count < ENOUGH_ROUNDS:
        bound = max(abs(estimate.low), abs(estimate.high))
        size = type(estimate)(bound, bound, bound, estimate.count)
        return f"none that can be told (at most {show(size).partition(' (')[0]})"
    return show(estimate)
