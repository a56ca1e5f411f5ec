"""Several loops: how connections spread over them, and what a second core brings."""

import os

from comparison import contest
from comparison.claims import UNDECIDED, Finding, claim
from comparison.contest import ALL_CORES, TWO_CORES, Cell, Figures
from comparison.contestants import server
from comparison.judging import above, below, verdict
from comparison.shown import factor, in_percent
from comparison.workloads import Workload

WORKERS = 4
SPREADS = ("exclusive", "reuse_port", "round_robin")
SPREAD_SECONDS, SECONDS = 0.05, 0.1


@claim("K17", "Workers on one listener with EPOLLEXCLUSIVE get connections unevenly, last in first "
       "out; SO_REUSEPORT balances them but makes the slowest slower",
       "Majkowski (Cloudflare) 2017",
       f"{WORKERS} workers on one core, connections of one request each, two at a time, from "
       f"another core. Judged is the balance: holds if the busiest worker gets more than half of "
       f"the connections with EPOLLEXCLUSIVE and less with SO_REUSEPORT, the whole intervals (a "
       f"fair share is a quarter); does not hold if one is otherwise. What is said of "
       f"latency is not judged.", seconds=7,
       left_out="that SO_REUSEPORT makes the slowest slower is not tried: it needs a core for each "
       "worker and others for the clients")
def balance(lab):
    cells = [Cell(spread, server(spread, "--spread", spread),
                  Workload("churn", 2, loops=WORKERS), TWO_CORES) for spread in SPREADS]
    return judge_balance(Figures(contest.counted(lab, cells, SPREAD_SECONDS, rounds=lab.rounds)))


def accepted(counters):
    """How many connections each worker got, the busiest first."""
    return sorted((value for key, value in counters.items() if key.endswith(".accepted")),
                  reverse=True)


def busiest(counters):
    return accepted(counters)[0] / max(1, sum(accepted(counters)))


def judge_balance(figures):
    shares = {spread: figures.derived(busiest, (spread, "counters")) for spread in SPREADS}
    return Finding(
        verdict(above(shares["exclusive"], 0.5), below(shares["reuse_port"], 0.5)),
        f"share of the connections that the busiest of {WORKERS} workers gets (fair is "
        f"{100 / WORKERS:.0f} %): " + ", ".join(
            f"{spread} {in_percent(share)}" for spread, share in shares.items())
        + figures.trouble(),
        samples=figures.samples,
        table={"header": ["spread", *(f"worker {place}" for place in range(1, WORKERS + 1))],
               "rows": [[spread, *_average_shares(figures, spread)] for spread in SPREADS]})


def _average_shares(figures, spread):
    """Of the busiest, the second busiest …, over all rounds."""
    rounds = map(accepted, figures.by_round(spread, "counters").values())
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
       f"{ENOUGH_CORES} cores; does not hold if one is below.", seconds=13)
def loop_per_core(lab):
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Finding(UNDECIDED, f"one core; {NEEDS}")
    cells = [Cell("1 loop", server("epoll"), crowd(1), ALL_CORES)]
    cells += [Cell(spread, server("epoll", "--spread", spread), crowd(cores), ALL_CORES)
              for spread in ("reuse_port", "least_connections")]
    return judge_scaling(Figures(contest.timed(lab, cells, SECONDS)), cores)


def crowd(loops):
    return Workload("echo", LOOPS_CLIENTS, work=LOOPS_WORK, loops=loops)


def judge_scaling(figures, cores):
    gains = {spread: figures.ratio(spread, "1 loop", "rate")
             for spread in ("reuse_port", "least_connections")}
    found = verdict(*(above(gain, 0.9 * cores) for gain in gains.values()))
    if cores < ENOUGH_CORES:
        found = UNDECIDED
    return Finding(
        found,
        f"requests per second with {cores} loops on {cores} cores, which the clients need too, "
        "against 1 loop: " + ", ".join(
            f"{factor(gain)} ({spread})" for spread, gain in gains.items())
        + (f"; {NEEDS}" if cores < ENOUGH_CORES else "") + figures.trouble(),
        samples=figures.samples)
