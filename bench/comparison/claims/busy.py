"""Every connection busy: what facility, trigger, registration and system calls are worth.

One contest serves all of these claims, so that each pair of servers meets in the same rounds.
"""

import numpy

from comparison import contest, statistics
from comparison.claims import FAILS, HOLDS, Finding, claim
from comparison.claims.words import compared, told_from_none
from comparison.contest import ONE_CORE, TWO_CORES, Cell, Figures
from comparison.contestants import peers, server
from comparison.judging import above, below, verdict, within
from comparison.shown import factor, fixed, with_interval
from comparison.workloads import Workload

FEW, MANY = 50, 500
SECONDS = 0.05
LEVEL, EDGE, DRAIN, ONE_SHOT = "epoll level", "epoll edge", "epoll edge, drained", "epoll one-shot"
SELECT, POLL, TOGGLING = "select", "poll", "epoll, toggling"
MODES = [
    server(SELECT, backend="select"),
    server(POLL, backend="poll"),
    server(LEVEL),
    server(EDGE, trigger="edge"),
    server(DRAIN, "--drain", trigger="edge"),
    server(ONE_SHOT, trigger="one-shot"),
    server(TOGGLING, "--serve", "echo-toggling"),
]
BARE, URING = "bare-epoll", "liburing"
PEERS = (BARE, URING, "bare-threads", "libevent", "libevent-event", "libev", "libuv", "asio")
COMPARED_WITH_MANY = (SELECT, POLL, LEVEL, EDGE, DRAIN)
HOW = ("server and clients on one core, so that the server is never idle and the clients are "
       "never the limit")


def cell_of(contestant, connections, place=ONE_CORE):
    return Cell(named(contestant.name, connections), contestant, Workload("echo", connections),
                place)


def named(name, connections):
    return name if connections == FEW else f"{name}, {connections}"


@contest.once
def busy(lab):
    """All servers with few connections, some with many: time, and calls of those that count."""
    modes = [cell_of(each, FEW) for each in MODES]
    more = [cell_of(each, MANY) for each in MODES if each.name in COMPARED_WITH_MANY]
    others = [cell_of(each, FEW) for each in peers(lab.build) if each.name in PEERS]
    absent = [{"cell": name, "round": 1, "reason": "was not built"}
              for name in PEERS if name not in {each.name for each in others}]
    return Figures(absent + contest.counted(lab, modes, SECONDS)
                   + contest.counted_by_kernel(lab, modes + others, SECONDS)
                   + contest.timed(lab, modes + more + others, SECONDS))


def cost_rows(figures, names):
    return [[connections, name,
             with_interval(figures.estimate(named(name, connections), "cpu")),
             factor(figures.ratio(named(name, connections), named(LEVEL, connections), "cpu"))]
            for connections in (FEW, MANY) for name in names]


def against_level(figures, names):
    return {(count, name): figures.ratio(named(name, count), named(LEVEL, count), "cpu")
            for count in (FEW, MANY) for name in names}


def told(ratios):
    """All names with few connections, then all with many."""
    return f"server CPU per request against {LEVEL}: " + "; ".join(
        f"with {connections} connections " + ", ".join(
            f"{name} {compared(ratio)}" for (count, name), ratio in ratios.items()
            if count == connections)
        for connections in (FEW, MANY))


def trouble(figures, names):
    return figures.trouble([named(name, count) for name in (LEVEL, *names)
                            for count in (FEW, MANY)])


COST_HEADER = ["connections", "server", "server CPU µs per request", f"to {LEVEL}"]


@claim("K4", "Without idle connections select, poll and epoll perform alike",
       "Gammo, Brecht, Shukla, Pariag 2004, figures 3 and 4",
       f"Echo of 64 bytes, {FEW} and {MANY} connections, all busy, the same server with "
       f"another facility; {HOW}. Holds if the server CPU per request of select, of poll and of "
       f"edge-triggered epoll lies within 10 % of level-triggered epoll's, the whole interval of "
       f"each paired ratio; does not hold if one lies wholly outside.",
       seconds=43, measured_once="busy servers")
def alike(lab):
    return judge_alike(busy(lab))


def judge_alike(figures):
    names = (SELECT, POLL, EDGE)
    ratios = against_level(figures, names)
    found = verdict(*(within(ratio, 0.9, 1.1) for ratio in ratios.values()))
    return Finding(
        found, told(ratios) + trouble(figures, names), samples=figures.samples,
        table={"header": COST_HEADER, "rows": cost_rows(figures, (LEVEL, *names))},
        negative="Where all connections are busy, changing select or poll for epoll gains less "
                 "than a tenth of the server's CPU; idle connections are what tells them apart (K5)"
                 if found == HOLDS else "")


@claim("K8", "Changes of registration (epoll_ctl) are a significant part of a server's cost, "
       "about 16 %", "Gammo, Brecht, Shukla, Pariag 2004, p. 222",
       f"Echo of 64 bytes, {FEW} busy connections; {HOW}. One-shot makes one epoll_ctl per "
       f"request where level makes none, else they are the same, so their difference is the cost "
       f"of a call. Holds if two such calls per request, as a server makes that asks for "
       f"writability before each answer, would be 5 % of its CPU or more, the whole interval; does "
       f"not hold if they would be less.", seconds=43, measured_once="busy servers")
def registration_costs(lab):
    return judge_registration(busy(lab))


def judge_registration(figures):
    one_call = figures.derived(lambda one, level: one - level, (ONE_SHOT, "cpu"), (LEVEL, "cpu"))
    share = figures.derived(lambda one, level: 2 * (one - level) / (level + 2 * (one - level)),
                          (ONE_SHOT, "cpu"), (LEVEL, "cpu"))
    toggling = figures.ratio(TOGGLING, LEVEL, "cpu")
    calls = ", ".join(f"{name} {_count(figures, name, 'change')}"
                      for name in (LEVEL, EDGE, ONE_SHOT, TOGGLING))
    return Finding(
        verdict(above(share, 0.05)),
        f"cost of two epoll_ctl calls per request: {told_from_none(share)} of the server's CPU "
        f"(of one: {told_from_none(one_call, _microseconds)}); a server that asks for writability "
        f"and back for each answer, against one that does not: {compared(toggling)}; epoll_ctl "
        f"calls per request: {calls}"
        + trouble(figures, (ONE_SHOT, TOGGLING)),
        samples=figures.samples,
        table={"header": ["server", "epoll_ctl per request", "waits per request",
                          "all calls per request", "server CPU µs per request", f"to {LEVEL}"],
               "rows": [[name, *(_count(figures, name, key) for key in ("change", "wait", "calls")),
                         with_interval(figures.estimate(name, "cpu")),
                         factor(figures.ratio(name, LEVEL, "cpu"))]
                        for name in (LEVEL, EDGE, ONE_SHOT, TOGGLING)]})


def _microseconds(estimate):
    return with_interval(estimate, " µs")


def _count(figures, name, key):
    estimate = figures.estimate(name, key)
    return f"{estimate.median:.2f}" if estimate else "?"


@claim("K9", "Fewer epoll_ctl calls, by edge triggering or in batches, improve performance only "
       "slightly", "Gammo, Brecht, Shukla, Pariag 2004",
       "Echo as for K8: one-shot makes one epoll_ctl per request, level and edge none. Holds if "
       "saving the call gains less than 10 % of server CPU per request, the whole intervals of "
       "both paired ratios (level to one-shot, edge to one-shot, above 0.9); does not hold if one "
       "gains more than that. What edge gains besides, without saving the call, counts with it.",
       seconds=43, measured_once="busy servers",
       revised="it said a gain of 10 %, but was worked out from 1.1 times the cost, which is a "
       "gain of 9 %. That made a verdict of “does not hold”, by edge at 1.11 times.",
       left_out="batches of changes (epoll_ctlv, which Linux never took)")
def fewer_registrations(lab):
    return judge_fewer_registrations(busy(lab))


def judge_fewer_registrations(figures):
    level = figures.ratio(LEVEL, ONE_SHOT, "cpu")
    edge = figures.ratio(EDGE, ONE_SHOT, "cpu")
    found = verdict(above(level, 0.9), above(edge, 0.9))
    return Finding(
        found,
        f"server CPU per request without the one epoll_ctl against one-shot, which makes it: "
        f"{LEVEL} {compared(level)}, {EDGE} {compared(edge)}" + trouble(figures, (EDGE, ONE_SHOT)),
        samples=figures.samples,
        negative="Saving one epoll_ctl per request gains less than a tenth of the server's CPU"
                 if found == HOLDS else "")


@claim("K10", "Edge-triggered is faster than level-triggered",
       "folklore; TinyWebServer: pages per second of listener+connections, against level+level, "
       "from +4.5 % (level+edge) to −14 % (edge+level)",
       f"Echo of 64 bytes, {FEW} and {MANY} busy connections, the same server, only the "
       f"trigger differs (edge with and without reading on until it would block); {HOW}. Holds if "
       f"edge takes less server CPU per request in each of the four, the whole interval of the "
       f"paired ratio below 1; does not hold if in none of them (above 0.98); undecided if in "
       f"some: then it depends on how it is used.",
       seconds=43, measured_once="busy servers",
       revised="the best of four had to be 5 % less, which is more than the +4.5 % that was "
       "claimed, and let one of four speak for all.")
def edge_is_faster(lab):
    return judge_edge(busy(lab))


def judge_edge(figures):
    names = (EDGE, DRAIN)
    ratios = against_level(figures, names)
    answers = [_is_less(ratio) for ratio in ratios.values()]
    found = verdict(answers[0] if len(set(answers)) == 1 else None)
    mixed = True in answers and False in answers
    drained = [ratios[count, DRAIN] for count in (FEW, MANY)]
    return Finding(
        found,
        told(ratios) + ("; it depends on how it is used" if mixed else "")
        + trouble(figures, names), samples=figures.samples,
        table={"header": COST_HEADER, "rows": cost_rows(figures, (LEVEL, *names))},
        negative="Edge triggering with reading on until it would block, as is often advised, makes "
                 "an echo server dearer than level triggering, by one read per message that finds "
                 f"nothing: {compared(drained[0])} server CPU per request"
                 if all(ratio and ratio.decided and ratio.direction > 0 for ratio in drained)
                 else "")


def _is_less(ratio):
    """As shown to two digits; None where too few rounds say so, or it cannot be told."""
    if ratio is None or ratio.count < statistics.ENOUGH_ROUNDS:
        return None
    if ratio.direction < 0:
        return True
    return False if ratio.direction > 0 or round(ratio.low, 2) >= 0.98 else None


@claim("K29", "io_uring beats epoll", "frevib 2020 and others: −10 % to +100 %",
       f"Echo of 64 bytes, {FEW} busy connections, a server on liburing against a bare "
       f"loop on epoll; {HOW}. Holds if it takes at least 5 % less server CPU per request, the "
       f"whole interval of the paired ratio; does not hold if all of it lies above that.",
       seconds=43, measured_once="busy servers")
def uring_beats_epoll(lab):
    return judge_uring(busy(lab))


def judge_uring(figures):
    ratio = figures.ratio(URING, BARE, "cpu")
    if ratio is None:
        return Finding(verdict(None), "liburing-dev is needed" + figures.trouble((URING, BARE)),
                       samples=figures.samples)
    return Finding(
        verdict(below(ratio, 0.95)),
        f"server CPU per request of io_uring against a bare epoll loop: {compared(ratio)}; system "
        f"calls per request: {_count(figures, URING, 'kernel_calls')} against "
        f"{_count(figures, BARE, 'kernel_calls')}" + figures.trouble((URING, BARE)),
        samples=figures.samples)


@claim("K30", "System calls per request explain most differences between servers",
       "Rosu and Rosu 2003",
       f"Echo of 64 bytes, {FEW} busy connections, all servers of this laboratory; {HOW}; "
       f"calls are counted by the kernel. Holds if the number of calls per request explains at "
       f"least half of the variance of the server CPU per request (r², where more calls cost "
       f"more), the whole interval by resampling rounds; does not hold if less.",
       seconds=43, measured_once="busy servers")
def calls_explain(lab):
    return judge_calls(busy(lab))


def judge_calls(figures):
    names = [name for name in dict.fromkeys(each["cell"] for each in figures.samples)
             if figures.estimate(name, "kernel_calls") and figures.estimate(name, "cpu")]
    if len(names) < 4:
        return Finding(verdict(None),
                       "fewer than four servers could be counted" + figures.trouble())
    calls = [figures.estimate(name, "kernel_calls").median for name in names]
    strength = correlation(calls, [figures.by_round(name, "cpu") for name in names])
    rows = sorted(zip(calls, names))
    found = verdict(above(strength, 0.5))
    return Finding(
        found, "share of the differences in server CPU per request that the number of system calls "
        f"explains (r²): {fixed(strength)}, over {len(names)} servers" + figures.trouble(),
        samples=figures.samples,
        table={"header": ["server", "calls per request", "server CPU µs per request"],
               "rows": [[name, f"{number:.2f}", with_interval(figures.estimate(name, "cpu"))]
                        for number, name in rows]},
        negative="The number of system calls alone does not tell which of these servers is "
                 "cheaper: it explains less than half of the differences"
                 if found == FAILS else "")


def correlation(places, values_by_round, resamples=1000):
    """r² of places with the medians of values, negative where they fall, as an Estimate by
    resampling rounds."""
    rounds = sorted(set.intersection(*(set(values) for values in values_by_round)))
    table = numpy.array([[values[number] for number in rounds] for values in values_by_round])
    chance = numpy.random.default_rng(1)

    def strength(columns):
        found = numpy.corrcoef(places, numpy.median(table[:, columns], axis=1))[0, 1]
        return found * abs(found)

    found = [strength(chance.integers(0, len(rounds), len(rounds))) for _ in range(resamples)]
    low, high = numpy.percentile(found, [2.5, 97.5])
    return statistics.Estimate(float(strength(slice(None))), float(low), float(high), len(rounds))


EXACT_RUNS = 3
# What a mode must do each time that a wait returns, however often it does.
EXPECTED = {
    SELECT: {"blocked": 0, "change": 0},
    POLL: {"blocked": 0, "change": 0},
    LEVEL: {"blocked": 0, "change": 0},
    EDGE: {"blocked": 0, "change": 0},
    DRAIN: {"blocked": 1, "change": 0},
    ONE_SHOT: {"blocked": 0, "change": 1},
    TOGGLING: {"blocked": 0, "change": 1},
}
COUNTS = {"wait": "waits", "change": "epoll_ctl", "read": "reads",
          "blocked": "reads that would block", "write": "writes"}


@claim("K31", "Reads that would block, and changes of registration, differ by mode exactly",
       "HAProxy and nginx, from their counters",
       f"Echo over one connection, calls counted in {EXACT_RUNS} runs of each mode. Holds if in "
       f"every run each wake-up costs what the mode must do, to a hundredth of a call: one read "
       f"that would block where edge-triggered input is drained, one epoll_ctl where one-shot is "
       f"re-armed and where interest is toggled, else none. Counters need no interval.", seconds=2)
def exact_counters(lab):
    cells = [Cell(each.name, each, Workload("echo", 1), TWO_CORES) for each in MODES]
    return judge_exact(Figures(contest.counted(lab, cells, SECONDS, rounds=EXACT_RUNS)))


def judge_exact(figures):
    wrong, rows = [], []
    for name, expected in EXPECTED.items():
        waits = figures.by_round(name, "wait")
        if not waits:
            return Finding(verdict(None), f"{name} was not counted" + figures.trouble(),
                           samples=figures.samples)
        rows.append([name, *(_spread(figures.by_round(name, key).values()) for key in COUNTS)])
        for key, number in expected.items():
            found = [figures.by_round(name, key)[run] / waits[run] for run in waits]
            if max(abs(each - number) for each in found) > 0.01:
                wrong.append(f"{name}: {_spread(found)} {COUNTS[key]} per wake-up, not {number}")
    return Finding(
        verdict(not wrong),
        f"counts are exact: {EXACT_RUNS} runs of each mode, "
        + (f"and not what was expected: {'; '.join(wrong)}" if wrong else
           "every one the same to a hundredth of a call; per wake-up, reads that would block: 0, "
           "but 1 where input is drained; epoll_ctl calls: 0, but 1 with one-shot and when "
           "toggling"),
        samples=figures.samples, rounds=EXACT_RUNS,
        table={"header": ["mode, calls per request", *COUNTS.values()], "rows": rows})


def _spread(values):
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"
