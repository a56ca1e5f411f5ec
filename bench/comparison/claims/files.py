"""Files: sent by blocking and non-blocking sockets, and read from disk in a loop: K26, K27."""

import numpy

from comparison.claims import UNDECIDED, Finding, by_rule, claim
from comparison.claims.words import compared
from comparison.questions import ask_in_rounds, by_round
from comparison.shown import time, with_interval
from comparison.statistics import estimate, ratio

CONNECTIONS = (1, 8)
WAYS = ("blocking", "non-blocking")


@claim("K26", "Blocking sends may beat non-blocking ones", "Pariag et al., EuroSys 2007",
       "A file in memory by sendfile(2) to clients that take all at once: a thread for each that "
       "blocks, against one thread on epoll; 1 and 8 connections. Holds if blocking is faster in "
       "either (whole interval of the ratio of times below 1), does not hold if it is slower, or "
       "less than 2 % faster, in both.", seconds=4)
def blocking(lab):
    size = 32 if lab.quick else 128
    questions = {(way, count): (size, way, count) for way in WAYS for count in CONNECTIONS}
    return judged_blocking(ask_in_rounds(
        lab, ["kernel_send", lab.server_core, lab.client_core], questions,
        cores={lab.server_core, lab.client_core}))


def judged_blocking(samples):
    def per_mebibyte(way, count, key):
        return by_round(samples, (way, count), lambda each: each[key] / each["count"])

    def against(count, key):
        return ratio(per_mebibyte("blocking", count, key), per_mebibyte("non-blocking", count, key))

    times = {count: against(count, "elapsed_ns") for count in CONNECTIONS}
    figure = "blocking sends against non-blocking ones: " + "; ".join(
        f"{count} connection{'s' if count > 1 else ''}, time {compared(times[count])}, CPU "
        f"{compared(against(count, 'cpu_ns'))}" for count in CONNECTIONS)
    rows = [[str(count), way, *(time(estimate(per_mebibyte(way, count, key).values()))
                                for key in ("elapsed_ns", "cpu_ns"))]
            for count in CONNECTIONS for way in WAYS]
    holds = any(each.direction < 0 for each in times.values())
    fails = not holds and all(each.low > 0.98 for each in times.values())
    return Finding(by_rule(holds, fails, *times.values()), figure, samples, {
        "header": ["connections", "sends", "time per MiB", "CPU of the senders per MiB"],
        "rows": rows})


@claim("K27", "Readiness does not help with files on disk: they are always ready, and the loop "
       "waits for the disk", "Elmeleegy et al., USENIX 2004 (LAIO); libev's manual",
       "Blocks of 64 KiB of a file, read after it was dropped from the page cache and after it was "
       "read. Holds if poll calls all blocks readable that are not in memory, epoll refuses the "
       "file, and reading such a block takes at least three times as long (whole interval). Does "
       "not hold if any of these is clearly otherwise. Undecided where dropping does not work.",
       seconds=2)
def disk(lab):
    reads = 10 if lab.quick else 60
    questions = {(state,): (reads, state) for state in ("cold", "warm")}
    return judged_disk(ask_in_rounds(lab, ["kernel_disk", lab.build], questions))


def judged_disk(samples):
    def figure_of(state, value):
        return by_round(samples, [state], value)

    def at(percent):
        return lambda each: float(numpy.percentile(each["took_ns"], percent))

    cached = estimate(figure_of("cold", lambda e: e["in_memory"] / e["count"]).values())
    ready = min(each["called_ready"] / each["count"] for each in samples)
    refused = not any(each["epoll_takes_it"] for each in samples)
    slower = ratio(figure_of("cold", at(50)), figure_of("warm", at(50)))
    if cached.median > 0.1:
        return Finding(UNDECIDED, f"{cached.median:.0%} of the file stayed in memory "
                       "when it was dropped: no cold reads here", samples)
    figure = (f"poll calls {100 * ready:.0f} % of the blocks readable, epoll "
              f"{'refuses' if refused else 'takes'} the file; to read a block of 64 KiB that is "
              f"not in memory stalls the loop for "
              f"{time(estimate(figure_of('cold', at(50)).values()))}, {with_interval(slower)} "
              f"times as long as one that is (one in a hundred for "
              f"{time(estimate(figure_of('cold', at(99)).values()))} or longer)")
    rows = [[state, *(time(estimate(figure_of(state, at(percent)).values()))
                      for percent in (50, 99, 100))] for state in ("warm", "cold")]
    told = ready == 1 and refused
    return Finding(by_rule(told and slower.low >= 3, not told or slower.high < 3, slower),
                   figure, samples, {"header": ["block", "p50", "p99", "max"], "rows": rows})
