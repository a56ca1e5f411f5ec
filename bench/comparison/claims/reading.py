"""How much to ask for in one read."""

from comparison import contest
from comparison.claims import Finding, claim
from comparison.claims.busy import HOW
from comparison.contest import Cell, Figures
from comparison.contestants import server
from comparison.judging import above, verdict
from comparison.shown import factor, with_interval
from comparison.workloads import KIB, Workload

SIZES = (1, 4, 16, 64)  # KiB
MESSAGE, CONNECTIONS, SECONDS = 16 * KIB, 10, 0.05


@claim("K19", "The size of a read matters more than the event mechanism: 70 % more throughput with "
       "16 KiB than with 4 KiB at messages of 16 KiB", "Chen Shuo 2010, muduo against libevent",
       f"Messages of 16 KiB there and back over {CONNECTIONS} connections, the same server with "
       f"reads of 1, 4, 16 and 64 KiB, one read a visit; {HOW}. Holds if reads of 4 KiB cost at "
       f"least 1.2 times the server CPU of 16 KiB, the whole interval of the paired ratio; does "
       f"not hold if less.", seconds=9)
def read_size(lab):
    cells = [Cell(f"{size} KiB", server("epoll", "--reads-per-visit", 1),
                  Workload("echo", CONNECTIONS, MESSAGE, read_size=size * KIB)) for size in SIZES]
    return judge_sizes(Figures(contest.counted(lab, cells, SECONDS)
                               + contest.timed(lab, cells, SECONDS)))


def judge_sizes(figures):
    ratio = figures.ratio("4 KiB", "16 KiB", "cpu")
    return Finding(
        verdict(above(ratio, 1.2)),
        f"4 KiB cost {factor(ratio)} of 16 KiB in server CPU per message" + figures.trouble(),
        samples=figures.samples,
        table={"header": ["read size", "server CPU µs per message", "to 16 KiB",
                          "calls per message"],
               "rows": [[f"{size} KiB", with_interval(figures.estimate(f"{size} KiB", "cpu")),
                         factor(figures.ratio(f"{size} KiB", "16 KiB", "cpu")),
                         with_interval(figures.estimate(f"{size} KiB", "calls"))]
                        for size in SIZES]})
