"""How much to ask for in one read."""

from comparison import contest
from comparison.claims import Finding, claim
from comparison.claims.busy import HOW
from comparison.claims.words import compared
from comparison.contest import Cell, Figures
from comparison.contestants import server
from comparison.judging import above, verdict
from comparison.shown import factor, with_interval
from comparison.workloads import KIB, Workload

SIZES = (1, 4, 16, 64)  # KiB
OTHERS = ("poll", "select")
MESSAGE, CONNECTIONS, SECONDS = 16 * KIB, 10, 0.05


@claim("K19", "The size of a read matters more than the event mechanism: 70 % more throughput with "
       "16 KiB than with 4 KiB at messages of 16 KiB", "Chen Shuo 2010, muduo against libevent",
       f"Messages of 16 KiB there and back over {CONNECTIONS} connections, the same server with "
       f"reads of 1, 4, 16 and 64 KiB, one read a visit, on epoll, and with 16 KiB on poll and "
       f"select; {HOW}. Holds if reads of 4 KiB cost at least 1.2 times the server CPU of 16 KiB, "
       f"the whole interval of the paired ratio, and that is more than poll and select cost in "
       f"place of epoll; does not hold if one is otherwise. Judged is the kind, not the 70 %, "
       f"which was of two libraries.", seconds=13,
       revised="poll and select were not measured beside it, so that it could not be said what "
       "matters more.")
def read_size(lab):
    cells = [Cell(f"{size} KiB", server("epoll", "--reads-per-visit", 1),
                  Workload("echo", CONNECTIONS, MESSAGE, read_size=size * KIB)) for size in SIZES]
    cells += [Cell(name, server(name, "--reads-per-visit", 1, backend=name),
                   Workload("echo", CONNECTIONS, MESSAGE, read_size=16 * KIB)) for name in OTHERS]
    return judge_sizes(Figures(contest.counted(lab, cells, SECONDS)
                               + contest.timed(lab, cells, SECONDS)))


def judge_sizes(figures):
    ratio = figures.ratio("4 KiB", "16 KiB", "cpu")
    others = {name: figures.ratio(name, "16 KiB", "cpu") for name in OTHERS}
    # In the same rounds: what small reads cost over what the other facility costs.
    more = [above(figures.ratio("4 KiB", name, "cpu"), 1) for name in OTHERS]
    return Finding(
        verdict(above(ratio, 1.2), *more),
        f"server CPU per message of 16 KiB, against epoll with reads of 16 KiB: reads of 4 KiB "
        f"{compared(ratio)}; " + ", ".join(
            f"{name} {compared(other)}" for name, other in others.items()) + figures.trouble(),
        samples=figures.samples,
        table={"header": ["read size", "server CPU µs per message", "to 16 KiB",
                          "calls per message"],
               "rows": [[f"{size} KiB", with_interval(figures.estimate(f"{size} KiB", "cpu")),
                         factor(figures.ratio(f"{size} KiB", "16 KiB", "cpu")),
                         with_interval(figures.estimate(f"{size} KiB", "calls"))]
                        for size in SIZES] + [
                   [f"16 KiB, {name}", with_interval(figures.estimate(name, "cpu")),
                    factor(others[name]), with_interval(figures.estimate(name, "calls"))]
                   for name in OTHERS]})
