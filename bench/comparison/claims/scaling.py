"""Several loops: how connections spread over them, and what a second core brings."""

import os

from comparison import contest
from comparison.claims import UNDECIDED, Finding, claim
from comparison.claims.busy import echo, tail
from comparison.contest import Cell, Figures
from comparison.judging import above, below, verdict
from comparison.shown import factor, in_percent

WORKERS = 4
SPREADS = ("exclusive", "reuse_port", "round_robin")
SPREAD_SECONDS, SECONDS = 0.05, 0.1


@claim("K17", "Workers on one listener with EPOLLEXCLUSIVE get connections unevenly, last in first "
       "out; SO_REUSEPORT balances them but makes the slowest slower",
       "Majkowski (Cloudflare) 2017",
       f"{WORKERS} workers on one core, connections of one request each, two at a time, from "
       f"another core. Judged is the balance: holds if the busiest worker gets more than half of "
       f"the connections with EPOLLEXCLUSIVE and less with SO_REUSEPORT, the whole intervals (a "
       f"fair share is a quarter); does not hold if one is otherwise. What is said of latency "
       f"needs a core for each worker and is not tried.", seconds=10)
def balance(lab):
    cells = [Cell(spread, ("bench_server", "--loops", WORKERS, "--spread", spread, "--stats"),
                  ("--mode", "churn", "--connections", 2), place="two cores")
             for spread in SPREADS]
    return judge_balance(Figures(contest.fresh(lab, cells, SPREAD_SECONDS, act=accepted)))


def accepted(stand):
    """How many connections each worker got, the busiest first."""
    before = contest.look(stand.server)
    load = stand.measure()
    counts = contest.difference(contest.look(stand.server), before)
    loops = sorted((value for key, value in counts.items() if key.endswith(".accepted")),
                   reverse=True)
    return {**load, "accepted": loops, "busiest": loops[0] / max(1, sum(loops))}


def judge_balance(figures):
    shares = {spread: figures.estimate(spread, "busiest") for spread in SPREADS}
    return Finding(
        verdict(above(shares["exclusive"], 0.5), below(shares["reuse_port"], 0.5)),
        "the busiest worker's share of the connections: " + ", ".join(
            f"{spread} {in_percent(share)}" for spread, share in shares.items()) + tail(figures),
        samples=figures.samples,
        table={"header": ["spread", *(f"worker {place}" for place in range(1, WORKERS + 1))],
               "rows": [[spread, *_average_shares(figures, spread)] for spread in SPREADS]})


def _average_shares(figures, spread):
    """Of the busiest, the second busiest …, over all rounds."""
    rounds = list(figures.by_round(spread, "accepted").values())
    sums = [sum(column) for column in zip(*rounds)]
    return [f"{100 * each / max(1, sum(sums)):.0f} %" for each in sums] or ["?"] * WORKERS


LOOPS_WORK = 300  # µs per request, so that what the clients take of a core is next to nothing
LOOPS_CLIENTS = 32
ENOUGH_CORES = 4
NEEDS = (f"that it is linear needs {ENOUGH_CORES} cores for the server and more for the clients")


@claim("K24", "One event loop per core scales linearly", "muduo, nginx",
       f"Echo with {LOOPS_WORK} µs of work per request over {LOOPS_CLIENTS} connections, 1 "
       f"loop and a loop per core, each connection kept by the loop that got it (SO_REUSEPORT) or "
       f"handed out. Holds if a loop per core answers at least 0.9 times the number of cores as "
       f"many requests per second as one, the whole interval of both paired ratios, on at least "
       f"{ENOUGH_CORES} cores; does not hold if one is below.", seconds=10)
def loop_per_core(lab):
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Finding(UNDECIDED, f"one core; {NEEDS}")
    cells = [Cell("1 loop", ("bench_server", "--work", LOOPS_WORK), echo(LOOPS_CLIENTS),
                  place="all cores")]
    cells += [Cell(spread, ("bench_server", "--work", LOOPS_WORK, "--loops", cores,
                            "--spread", spread), echo(LOOPS_CLIENTS), place="all cores")
              for spread in ("reuse_port", "least_connections")]
    return judge_scaling(Figures(contest.fresh(lab, cells, SECONDS)), cores)


def judge_scaling(figures, cores):
    gains = {spread: figures.ratio(spread, "1 loop", "rate")
             for spread in ("reuse_port", "least_connections")}
    found = verdict(*(above(gain, 0.9 * cores) for gain in gains.values()))
    if cores < ENOUGH_CORES:
        found = UNDECIDED
    return Finding(
        found,
        f"{cores} loops on {cores} cores, which the clients need too, answer " + ", ".join(
            f"{factor(gain)} ({spread})" for spread, gain in gains.items()) + " of one"
        + (f"; {NEEDS}" if cores < ENOUGH_CORES else "") + tail(figures),
        samples=figures.samples)
