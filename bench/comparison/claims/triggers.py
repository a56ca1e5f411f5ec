"""Level against edge where more comes, or has to go, than one visit takes."""

from comparison import contest
from comparison.claims import HOLDS, Finding, claim
from comparison.contest import TWO_CORES, Cell, Figures
from comparison.contestants import server
from comparison.judging import above, below, verdict, within
from comparison.shown import factor, with_interval
from comparison.workloads import MIB, Workload

LEVEL, EDGE = "level", "edge"
SECONDS = 0.1
READERS = 4
# An answer of 1 MiB each: what is counted per MiB is counted per answer.
SLOW_READERS = Workload("download", READERS, answer=MIB, read_rate=64 * MIB)


@claim("K12", "Edge-triggered with both directions registered once avoids switching EPOLLOUT on "
       "and off for large answers; the time saved is small", "epoll(7)",
       f"Answers of 1 MiB to {READERS} clients that read 64 MiB/s each; server and clients on two "
       f"cores; calls counted. Holds if level makes one epoll_ctl or more per answer and edge "
       f"none (less than 0.05), the whole intervals, and the server CPU per answer of edge is "
       f"within 15 % of level's, the whole interval of the paired ratio; does not hold if one is "
       f"otherwise.", seconds=14)
def both_directions(lab):
    cells = [Cell(trigger, server(trigger, trigger=trigger), SLOW_READERS, TWO_CORES)
             for trigger in (LEVEL, EDGE)]
    return judge_directions(Figures(
        contest.counted(lab, cells, SECONDS, rounds=lab.rounds, stand_by=True)
        + contest.timed(lab, cells, SECONDS)))


def judge_directions(figures):
    level, edge = (figures.estimate(trigger, "change") for trigger in (LEVEL, EDGE))
    ratio = figures.ratio(EDGE, LEVEL, "cpu")
    found = verdict(above(level, 1), below(edge, 0.05), within(ratio, 0.85, 1.15))
    return Finding(
        found,
        f"epoll_ctl per answer: level {with_interval(level)}, edge {with_interval(edge)}; "
        f"server CPU per answer, edge to level {factor(ratio)}" + figures.trouble(),
        samples=figures.samples,
        table={"header": ["trigger", "epoll_ctl per answer", "writes", "waits",
                          "server CPU ns per KiB"],
               "rows": [[trigger, *(with_interval(figures.estimate(trigger, key)) for key in
                                    ("change", "write", "wait")),
                         with_interval(figures.estimate(trigger, "cpu"))]
                        for trigger in (LEVEL, EDGE)]},
        negative="Large answers to slow readers are no reason for edge triggering: the epoll_ctl "
                 "calls that it saves do not show in the CPU time" if found == HOLDS else "")
