"""How many connections to accept in one go."""

from comparison import contest
from comparison.claims import FAILS, Finding, claim
from comparison.claims.words import compared
from comparison.contest import TWO_CORES, Cell, Figures
from comparison.contestants import server
from comparison.judging import above, some, verdict
from comparison.shown import factor, in_percent, with_interval
from comparison.workloads import Workload

LIMITS = (1, 2, 4, 16, 64)
WORK = 20  # µs per request, so that the clients have time left
CROWD = 256
OVERLOAD = 2
SECONDS, ARRIVAL_SECONDS = 0.1, 0.05
ARRIVALS = (1, 4, 16, 64)


def limited(limit, rate=0):
    return Cell(f"limit {limit}", server("epoll"),
                Workload("churn", CROWD, accepts=limit, work=WORK, rate=rate), TWO_CORES)


@claim("K13", "How many connections are accepted in one go matters: 39–71 % more throughput under "
       "overload", "Brecht, Pariag, Gammo 2004",
       f"A connection for each request, {WORK} µs of work for each, an open loop of {OVERLOAD} "
       f"times as many requests as the server can answer, up to {CROWD} connections at a time; "
       f"server and clients on two cores. Holds if some limit (2, 4, 16, 64) answers "
       f"at least 10 % more per second than a limit of 1, the whole interval of the paired ratio; "
       f"does not hold if all intervals lie below that. Undecided if the clients were the limit.",
       seconds=31)
def accept_limit(lab):
    with contest.Stand(lab, limited(1), SECONDS) as stand:
        capacity = max(stand.time()["rate"] for _ in range(3))
    rate = round(OVERLOAD * capacity)
    cells = [limited(limit, rate) for limit in LIMITS]
    return judge_limits(Figures(contest.timed(lab, cells, SECONDS)), rate)


def judge_limits(figures, rate):
    base = f"limit {LIMITS[0]}"
    gains = {limit: figures.ratio(f"limit {limit}", base, "rate") for limit in LIMITS[1:]}
    answer = some(*(above(gain, 1.1) for gain in gains.values()))
    found = verdict(None if figures.limited() else answer)
    best = max(gains, key=lambda limit: gains[limit].median if gains[limit] else 0)
    return Finding(
        found,
        f"connections answered per second when {rate:,} are due: with at most {best} accepted in "
        f"one go, the best of {', '.join(map(str, LIMITS[1:]))}, against 1: "
        f"{compared(gains[best])}" + _limited(figures),
        samples=figures.samples,
        table={"header": ["accepts a visit", "answered/s", "to limit 1", "server CPU µs",
                          "to limit 1", "p99 ms"],
               "rows": [[limit, with_interval(figures.estimate(f"limit {limit}", "rate")),
                         factor(figures.ratio(f"limit {limit}", base, "rate")),
                         with_interval(figures.estimate(f"limit {limit}", "cpu")),
                         factor(figures.ratio(f"limit {limit}", base, "cpu")),
                         _milliseconds(figures.estimate(f"limit {limit}", "p99"))]
                        for limit in LIMITS]},
        negative="Tuning how many connections are accepted in one go gains less than a tenth, even "
                 "under overload" if found == FAILS else "")


def _limited(figures):
    """In the words of the sentence it is put behind."""
    limits = sorted(int(name.split()[-1]) for name in figures.limited())
    reasons = {each["cell"]: each["reason"] for each in figures.samples if "reason" in each}
    return "".join([
        f" (the clients had no time left with {', '.join(map(str, limits))}, so that they were the "
        "limit)" if limits else "",
        *(f" ({cell}: {reason})" for cell, reason in reasons.items())])


def _milliseconds(estimate):
    return f"{estimate.median / 1000:.1f}" if estimate else "?"


@claim("K14", "When one connection was accepted, a second accept finds nothing 99.9 % of the time",
       "libuv 2022, commit 6c692ad1c",
       f"Connections of one request each, {', '.join(map(str, ARRIVALS))} at a time, at a server "
       f"that always tries two accepts; accepts are counted. Server and clients on two cores. "
       f"Holds if at least 99 % of the second accepts find nothing, the whole interval for every "
       f"number at a time; does not hold if for some number all of it lies below.", seconds=6)
def second_accept(lab):
    cells = [Cell(f"{count} at a time", server("epoll"), Workload("churn", count, accepts=2),
                  TWO_CORES) for count in ARRIVALS]
    return judge_second(Figures(contest.counted(
        lab, cells, ARRIVAL_SECONDS, rounds=lab.rounds, stand_by=True)))


def judge_second(figures):
    def share(count):
        return figures.derived(share_of_second, (f"{count} at a time", "counters"))

    shares = {count: share(count) for count in ARRIVALS}
    found = verdict(*(above(each, 0.99) for each in shares.values()))
    return Finding(
        found,
        "share of the second accepts that find nothing: " + ", ".join(
            f"{in_percent(each)} with {count} at a time" for count, each in shares.items())
        + figures.trouble(),
        samples=figures.samples,
        table={"header": ["at a time", "second accepts that find nothing",
                          "accept calls per connection"],
               "rows": [[count, in_percent(each),
                         with_interval(figures.estimate(f"{count} at a time", "accept"))]
                        for count, each in shares.items()]})


def share_of_second(counters):
    """Two tries a visit, of which the first is answered: it was told that there is one."""
    visits = counters.get("calls.accept4", 0) / 2
    return counters.get("blocked.accept4", 0) / max(1, visits)
