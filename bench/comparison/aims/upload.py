"""CPU time of a server that takes what many clients send as fast as they can."""

from comparison import contest
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import cells, own, reasons
from comparison.contest import Figures
from comparison.workloads import KIB, Workload

SENDERS, READ = 256, 64 * KIB
SECONDS = 0.4  # a shorter one ends before what is not read in time piles up
SINGLE = "a read a visit"


@aim("upload", "bulk upload, 64 KiB buffer, 256 connections",
     "CPU to a single-read level loop", "≤ 0.5 (0.3), level and edge alike")
def cpu_to_single_reads(lab):
    figures = measured(lab)
    return [Case(name, Limit(0.5, 0.3), figures.ratio(name, SINGLE, "cpu"),
                 reason=reasons(figures, [name, SINGLE])) for name in ("level", "edge")]


def measured(lab):
    modes = [own(name="level"), own(name="edge", trigger="edge"),
             own("--reads-per-visit", 1, name=SINGLE)]
    workload = Workload("upload", SENDERS, size=READ, read_size=READ)
    return Figures(contest.timed(lab, cells(modes, workload, contest.ONE_CORE), SECONDS))
