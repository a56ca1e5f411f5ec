"""What timers cost, against the best of the other libraries."""

from comparison import peers_micro
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.works import by_round, visited
from comparison.contest import once
from comparison.statistics import ratio

PENDING, QUICK = 100_000, 2_000
OWN, BASE = "pollux", "libev"
NAMES = {"arm_ns": "arm", "cancel_ns": "cancel", "put_off_ns": "re-arm", "call_ns": "fire"}


@once
def measured(lab):
    return visited(lab, peers_micro.timers(QUICK if lab.quick else PENDING))


def _case(lab, key, limit):
    samples = measured(lab)
    bases = by_round(samples, BASE, key)
    names = sorted({each["name"] for each in samples})
    beside = {name: ratio(by_round(samples, name, key), bases) for name in names
              if name not in (OWN, BASE)}
    return Case(NAMES[key], limit, ratio(by_round(samples, OWN, key), bases),
                beside={name: each for name, each in beside.items() if each})


@aim("timers", "timers, 100 000 pending, owning",
     "arm (`run_at`) / cancel / re-arm, ratio to libev in the same run", "≤ 0.5 each (0.2)")
def arm_and_cancel(lab):
    return [_case(lab, key, Limit(0.5, 0.2)) for key in ("arm_ns", "cancel_ns", "put_off_ns")]


@aim("timers-fire", "timers, fire", "ratio to libev", "≤ 0.6 (0.45)")
def fire(lab):
    return [_case(lab, "call_ns", Limit(0.6, 0.45))]
