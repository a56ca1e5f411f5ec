"""Whom a connection wakes when several threads wait for it: K15, K16."""

from comparison.claims import Finding, by_rule, claim
from comparison.questions import ask_in_rounds, by_round
from comparison.shown import time, with_interval
from comparison.statistics import estimate, ratio

WORKERS = 8
WAYS = {
    "own": "own epoll set each",
    "exclusive": "own set each, EPOLLEXCLUSIVE",
    "shared": "one set for all, level",
    "shared-edge": "one set for all, edge",
    "reuse-port": "own listener each, SO_REUSEPORT",
    "accept": "blocked in accept(2)",
}
ONE_EACH = ("exclusive", "shared-edge", "reuse-port", "accept")
MANY, LISTENERS = 64, 50


def per_connection(key):
    return lambda sample: sample[key] / sample["count"]


def busiest(sample):
    return max(sample["shares"]) / sample["count"]


@claim("K15", "With N threads on one listening socket, each connection wakes all of them, N−1 in "
       "vain", "commit df0108c5da56; LWN; M. Majkowski 2017",
       f"{WORKERS} threads on one core, one connection after the other, each when all threads "
       "sleep again; wake-ups are counted by the kernel, as voluntary context switches. Holds if "
       f"threads with epoll sets of their own are woken {WORKERS} per connection (within 5 %) and "
       "each of the four remedies (EPOLLEXCLUSIVE, one edge-triggered set, SO_REUSEPORT, blocking "
       "accept) wakes one. Does not hold if fewer than half are woken, or a remedy wakes two.",
       seconds=1)
def thundering_herd(lab):
    questions = {(way,): (10 if lab.quick else 40, way, WORKERS, 1, "settle") for way in WAYS}
    return judged_herd(ask_in_rounds(lab, ["kernel_herd"], questions))


def judged_herd(samples):
    woken = {way: estimate(by_round(samples, [way], per_connection("wakeups")).values())
             for way in WAYS}
    vain = estimate(by_round(samples, ["own"], per_connection("in_vain")).values())
    holds = abs(woken["own"].median / WORKERS - 1) < 0.05 and \
        all(woken[way].high < 1.05 for way in ONE_EACH)
    fails = woken["own"].high < WORKERS / 2 or any(woken[way].low >= 2 for way in ONE_EACH)
    figure = (f"threads of {WORKERS} that one connection wakes: {with_interval(woken['own'])} with an "
              f"epoll set each, {with_interval(woken['shared'])} with one level-triggered set for "
              f"all, with each of the four remedies at most "
              f"{with_interval(max((woken[way] for way in ONE_EACH), key=lambda e: e.high))}; of "
              f"those in vain the program itself sees {with_interval(vain)} per connection, so "
              "counting accepts that find nothing does not show the others")
    rows = [[text, with_interval(woken[way]),
             with_interval(estimate(by_round(samples, [way], per_connection("in_vain")).values())),
             with_interval(estimate(by_round(samples, [way], busiest).values()), " %", 100)]
            for way, text in WAYS.items()]
    return Finding(by_rule(holds, fails, *woken.values()), figure, samples, {
        "header": ["threads wait in", "wake-ups per connection", "seen by the program in vain",
                   "taken by the busiest thread"], "rows": rows})


@claim("K16", "With many workers on many descriptors EPOLLEXCLUSIVE saves most of the time (860 s "
       "became 24 s)", "commit df0108c5da56, Linux 4.5 (Enduro/X)",
       f"{MANY} threads, each with an epoll set of its own over the same {LISTENERS} listeners, on "
       "two cores; one connection after the other. Holds in kind if without EPOLLEXCLUSIVE the "
       "whole takes at least twice as long (whole interval); does not hold if less than 1.5 "
       "times. The factor depends on workers and cores.", seconds=1)
def exclusive(lab):
    count = 20 if lab.quick else 150
    questions = {(way, workers): (count, way, workers, LISTENERS, "answer")
                 for way in ("own", "exclusive") for workers in (WORKERS, MANY)}
    return judged_exclusive(ask_in_rounds(lab, ["kernel_herd"], questions,
                                          cores={lab.server_core, lab.client_core}))


def judged_exclusive(samples):
    def against(key, workers):
        return ratio(by_round(samples, ("own", workers), per_connection(key)),
                     by_round(samples, ("exclusive", workers), per_connection(key)))

    elapsed, cpu, switches = (against(key, MANY) for key in ("elapsed_ns", "cpu_ns", "wakeups"))
    figure = (f"without EPOLLEXCLUSIVE a connection to {MANY} workers takes "
              f"{with_interval(elapsed)} times as long as with it, {with_interval(cpu)} times the "
              f"CPU time and {with_interval(switches)} times the context switches; with {WORKERS} "
              f"workers {with_interval(against('elapsed_ns', WORKERS))} times as long")
    rows = [[str(workers), WAYS[way], *(
        show(estimate(by_round(samples, (way, workers), per_connection(key)).values()))
        for key, show in (("elapsed_ns", time), ("cpu_ns", time), ("wakeups", with_interval))),
        with_interval(estimate(by_round(samples, (way, workers), busiest).values()), " %", 100)]
        for workers in (WORKERS, MANY) for way in ("own", "exclusive")]
    return Finding(by_rule(elapsed.low >= 2, elapsed.high < 1.5, elapsed), figure, samples, {
        "header": ["workers", "how they wait", "per connection", "CPU of the workers", "wake-ups",
                   "taken by the busiest"], "rows": rows})
