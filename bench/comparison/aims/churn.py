"""System calls for a connection that is made, used once and ended."""

from comparison.aims import aim
from comparison.aims.case import Limit
from comparison.aims.echo import case_of
from comparison.aims.servers import BARE, OTHERS, cells, others, own, traced
from comparison.workloads import Workload

AT_ONCE = 64
WAITS = "kernel_waits"


@aim("churn", "churn: connect, 64 B, close", "system calls per connection besides waits",
     "7; no would-block accept in level mode; waits reported")
def calls_per_connection(lab):
    figures = traced(lab, cells([own(), *others(lab, BARE, *OTHERS)], Workload("churn", AT_ONCE)))
    for sample in figures.samples:
        values = sample.get("values")
        if values:
            values["besides_waits"] = values["kernel_calls"] - values[WAITS]
    return [case_of(figures, "calls besides waits", Limit(7.0, exact=True), "besides_waits"),
            case_of(figures, "accepts that would block", Limit(0.0, exact=True),
                    "kernel_accepts_blocked"),
            case_of(figures, "waits", None, WAITS)]
