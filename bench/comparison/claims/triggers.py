"""Level against edge where more comes, or has to go, than one visit takes."""

from comparison import contest
from comparison.claims import Finding, claim
from comparison.claims.busy import tail
from comparison.contest import Cell, Figures
from comparison.judging import above, below, verdict, within
from comparison.shown import factor, with_interval

LEVEL, EDGE = "level", "edge"
DOWNLOAD_SECONDS = 0.1
ANSWER, READ_RATE, READERS = 1 << 20, 64 << 20, 4


@claim("K12", "Edge-triggered with both directions registered once avoids switching EPOLLOUT on "
       "and off for large answers; the time saved is small", "epoll(7)",
       f"Answers of 1 MiB to {READERS} clients that read 64 MiB/s each; server and clients on two "
       f"cores; calls counted. Holds if level makes one epoll_ctl or more per answer and edge "
       f"none (less than 0.05), the whole intervals, and the server CPU per answer of edge is "
       f"within 15 % of level's, the whole interval of the paired ratio; does not hold if one is "
       f"otherwise.", seconds=14)
def both_directions(lab):
    cells = [Cell(trigger, ("bench_server", "--serve", "answer", "--answer", ANSWER,
                            "--trigger", trigger),
                  ("--mode", "download", "--connections", READERS, "--answer", ANSWER,
                   "--read-rate", READ_RATE), place="two cores")
             for trigger in (LEVEL, EDGE)]
    counted = contest.standing(lab, cells, DOWNLOAD_SECONDS, act=contest.Stand.count, hooked=True)
    return judge_directions(Figures(contest.fresh(lab, cells, DOWNLOAD_SECONDS)), Figures(counted))


def judge_directions(timed, counted):
    level, edge = (counted.estimate(trigger, "change") for trigger in (LEVEL, EDGE))
    ratio = timed.ratio(EDGE, LEVEL, "cpu")
    found = verdict(above(level, 1), below(edge, 0.05), within(ratio, 0.85, 1.15))
    return Finding(
        found,
        f"epoll_ctl per answer: level {with_interval(level)}, edge {with_interval(edge)}; "
        f"server CPU per answer, edge to level {factor(ratio)}" + tail(timed, counted),
        samples=timed.samples + counted.samples,
        table={"header": ["trigger", "epoll_ctl per answer", "writes", "of them would block",
                          "waits", "server CPU µs per answer"],
               "rows": [[trigger, *(with_interval(counted.estimate(trigger, key)) for key in
                                    ("change", "write", "write_blocked", "wait")),
                         with_interval(timed.estimate(trigger, "cpu"))]
                        for trigger in (LEVEL, EDGE)]},
        negative="Large answers to slow readers are no reason for edge triggering: the epoll_ctl "
                 "calls that it saves do not show in the CPU time" if found == "holds" else "")
