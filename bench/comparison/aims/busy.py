"""CPU time of a busy server for a request."""

from dataclasses import replace

from comparison import contest
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import (
    BARE, BARE_AGAIN, OTHERS, OWN, cells, least_ratio, others, own, reasons)
from comparison.contest import Figures
from comparison.workloads import Workload

SECONDS = 0.05
CROWDS = (50, 500, 5000)
MANY = 1000  # from here on servers stand by: to set them up takes longer than to measure


@aim("echo-cpu", "echo, server CPU per request, 50…5 000 connections, one core",
     "min/min, to a bare epoll loop that makes the same calls (recv/send)", "≤ 1.02")
def cpu_to_bare(lab):
    cases = []
    for connections in CROWDS[:1] if lab.quick else CROWDS:
        figures = measured(lab, connections)
        beside = {name: least_ratio(figures, name, BARE, "cpu") for name in (BARE_AGAIN, *OTHERS)}
        cases.append(Case(f"{connections:,} connections".replace(",", " "), Limit(1.02),
                          least_ratio(figures, OWN, BARE, "cpu"), digits=3,
                          beside={name: each for name, each in beside.items() if each},
                          reason=reasons(figures, [OWN, BARE])))
    return cases


def measured(lab, connections):
    bare = others(lab, BARE)
    everybody = [own(), *bare, *(replace(each, name=BARE_AGAIN) for each in bare),
                 *others(lab, *OTHERS)]
    return Figures(contest.timed(lab, cells(everybody, Workload("echo", connections)), SECONDS,
                                 stand_by=connections >= MANY))
