"""What timers cost, against the best of the other libraries."""

from comparison import peers_micro
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.works import by_round, visited
from comparison.contest import once
from comparison.statistics import ratio

PENDING, QUICK = 100_000, 2_000
OWN, BASE = "pollux", "libev"
# Of ours a figure, and the one of the others that it is held against. Judged is `Timer::run_at`,
# which arms a timer that owns its task: the work that theirs do, which are at hand and never made.
# `EventLoop::run_at` makes the timer and its task besides, and the end of a `Timer` destroys both:
# more work than theirs, so it is told beside the aim.
FIGURES = {"arm (`Timer::run_at`)": ("arm_ns", "arm_ns"), "cancel": ("cancel_ns", "cancel_ns"),
           "re-arm": ("rearm_ns", "rearm_ns"), "re-arm, 64 in a turn": ("put_off_ns", "put_off_ns"),
           "make and arm (`EventLoop::run_at`)": ("make_ns", "arm_ns"),
           "destroy an armed one": ("destroy_ns", "cancel_ns"), "fire": ("call_ns", "call_ns")}
JUDGED = ("arm (`Timer::run_at`)", "cancel", "re-arm")


@once
def measured(lab):
    return visited(lab, peers_micro.timers(QUICK if lab.quick else PENDING))


def _case(lab, name, limit):
    samples = measured(lab)
    own, theirs = FIGURES[name]
    bases = by_round(samples, BASE, theirs)
    beside = {other: ratio(by_round(samples, other, theirs), bases)
              for other in sorted({each["name"] for each in samples} - {OWN, BASE})}
    return Case(name, limit, ratio(by_round(samples, OWN, own), bases),
                beside={other: each for other, each in beside.items() if each})


@aim("timers", "timers, 100 000 pending, owning",
     "arm (`run_at`) / cancel / re-arm, ratio to libev in the same run", "≤ 0.5 each (0.2)")
def arm_and_cancel(lab):
    return [_case(lab, name, Limit(0.5, 0.2) if name in JUDGED else None)
            for name in FIGURES if name != "fire"]


@aim("timers-fire", "timers, fire", "ratio to libev", "≤ 0.6 (0.45)")
def fire(lab):
    return [_case(lab, "fire", Limit(0.6, 0.45))]
