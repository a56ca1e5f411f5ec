"""CPU time of a server that takes what many clients send as fast as they can."""

from comparison import contest
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import cells, own, reasons
from comparison.contest import Figures
from comparison.contestants import Contestant
from comparison.workloads import KIB, Workload

SENDERS, READ = 256, 64 * KIB
SECONDS = 0.4  # a shorter one ends before what is not read in time piles up
BARE, BARE_DRAINS, SINGLE = "bare-epoll", "bare-epoll that drains", "pollux, a read a visit"


@aim("upload", "bulk upload, 64 KiB buffer, 256 connections",
     "CPU to a single-read level loop", "≤ 0.5 (0.3), level and edge alike")
def cpu_to_single_reads(lab):
    figures = measured(lab)
    beside = {name: figures.ratio(name, BARE, "cpu") for name in (SINGLE, BARE_DRAINS)}
    return [Case(name, Limit(0.5, 0.3), figures.ratio(name, BARE, "cpu"),
                 beside={other: each for other, each in beside.items() if each},
                 reason=reasons(figures, [name, BARE])) for name in ("level", "edge")]


def measured(lab):
    """On one core: a client elsewhere may be too slow for what is sent to pile up."""
    everybody = [sink(BARE), sink(BARE_DRAINS, "--drain"), own(name="level"),
                 own(name="edge", trigger="edge"), own("--reads-per-visit", 1, name=SINGLE)]
    workload = Workload("upload", SENDERS, size=READ, read_size=READ)
    return Figures(contest.timed(lab, cells(everybody, workload), SECONDS))


def sink(name, *words):
    """A bare level loop that reads and throws away."""
    return Contestant(name, "peers", ("echo_bare", "--discard", *words), loads=("upload",),
                      takes=("read_size",))
