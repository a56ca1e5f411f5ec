"""Our server in the modes that aims are about, and those that it is held against."""

from comparison import contest, statistics
from comparison.contest import Cell, Figures
from comparison.contestants import peers, server

BARE = "bare-epoll"
OWN = "pollux"
BARE_AGAIN = "bare-epoll again (chance)"
OTHERS = ("libev", "libevent-event", "libevent", "libuv", "libuv-try", "asio")


def own(*words, name=OWN, **more):
    return server(name, *words, **more)


def others(lab, *names):
    """Those of these names that were built."""
    return [each for each in peers(lab.build) if each.name in names]


def cells(contestants, workload, place=contest.ONE_CORE):
    return [Cell(each.name, each, workload, place) for each in contestants]


def traced(lab, wanted, rounds=2, seconds=0.05):
    """What the kernel counts. All are slowed by the tracer alike, so that waits compare too."""
    return Figures(contest.counted_by_kernel(lab, wanted, seconds, rounds))


def reasons(figures, names):
    """Why there is no figure of some of these; "" where there is of all."""
    found = {each["cell"]: each["reason"] for each in figures.samples
             if "reason" in each and each["cell"] in names}
    return "; ".join(found.values())


def least_ratio(figures, cell, base, key):
    return statistics.least_ratio(figures.by_round(cell, key).values(),
                                  figures.by_round(base, key).values())
