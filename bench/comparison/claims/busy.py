"""Every connection busy: what facility, trigger, registration and system calls are worth.

One contest serves all of these claims, so that each pair of servers meets in the same rounds.
"""

import numpy

from comparison import contest, statistics
from comparison.claims import Finding, claim
from comparison.contest import Cell, Figures
from comparison.judging import above, below, some, verdict, within
from comparison.shown import factor, in_percent, with_interval

CONNECTIONS, MANY = 50, 500
SECONDS, MANY_SECONDS = 0.05, 0.08
LEVEL, EDGE, DRAIN, ONE_SHOT = "epoll level", "epoll edge", "epoll edge, drained", "epoll one-shot"
SELECT, POLL, TOGGLING = "select", "poll", "epoll, toggling"
BARE, URING, THREADS = "bare epoll loop", "io_uring", "thread per connection"
MODES = {
    SELECT: ("--backend", "select"),
    POLL: ("--backend", "poll"),
    LEVEL: (),
    EDGE: ("--trigger", "edge"),
    DRAIN: ("--trigger", "edge", "--drain"),
    ONE_SHOT: ("--trigger", "one-shot"),
    TOGGLING: ("--serve", "echo-toggling"),
}
OTHERS = {
    BARE: "echo_bare",
    URING: "echo_uring",
    THREADS: "echo_threads",
    "libevent, bufferevent": "echo_libevent",
    "libevent, events": "echo_libevent_event",
    "libuv": "echo_libuv",
    "Asio": "echo_asio",
}
HOW = ("server and clients on one core, so that the server is never idle and the clients are "
       "never the limit")


def mode_cell(name, connections, **more):
    return Cell(name, ("bench_server", *MODES[name]), echo(connections), **more)


def echo(connections, *more):
    return ("--mode", "echo", "--connections", connections, *more)


@contest.once
def few(lab):
    """All servers with 50 busy connections: time, and calls of those that count them."""
    cells = [mode_cell(name, CONNECTIONS) for name in MODES]
    counting = contest.fresh(lab, cells, SECONDS, rounds=1, act=contest.Stand.count, hooked=True)
    cells += [Cell(name, (program,), echo(CONNECTIONS)) for name, program in OTHERS.items()
              if exists(lab, program)]
    return Figures(contest.fresh(lab, cells, SECONDS)), Figures(counting)


@contest.once
def many(lab):
    cells = [mode_cell(name, MANY) for name in (SELECT, POLL, LEVEL, EDGE, DRAIN)]
    return Figures(contest.fresh(lab, cells, MANY_SECONDS))


def exists(lab, program):
    try:
        return contest.program(lab.build, program)
    except contest.Failed:
        return None


def cost_rows(figures, base, names, connections):
    return [[connections, name, with_interval(figures.estimate(name, "cpu")),
             with_interval(figures.ratio(name, base, "cpu"))] for name in names]


COST_HEADER = ["connections", "server", "server CPU µs per request", f"×{LEVEL}"]


@claim("K4", "Without idle connections select, poll and epoll perform alike",
       "Gammo, Brecht, Shukla, Pariag 2004, figures 3 and 4",
       f"Echo of 64 bytes, {CONNECTIONS} and {MANY} connections, all busy, the same server with "
       f"another facility; {HOW}. Holds if the server CPU per request of select, of poll and of "
       f"edge-triggered epoll lies within 10 % of level-triggered epoll's, the whole interval of "
       f"each paired ratio; does not hold if one lies wholly outside.", seconds=45)
def alike(lab):
    return judge_alike(few(lab)[0], many(lab))


def judge_alike(few_busy, many_busy):
    names = (SELECT, POLL, EDGE)
    ratios = {(count, name): figures.ratio(name, LEVEL, "cpu")
              for count, figures in ((CONNECTIONS, few_busy), (MANY, many_busy)) for name in names}
    found = verdict(*(within(ratio, 0.9, 1.1) for ratio in ratios.values()))
    parts = [f"{name} {factor(ratios[count, name])} at {count}"
             for count in (CONNECTIONS, MANY) for name in names]
    return Finding(
        found, f"server CPU per request against {LEVEL}: " + ", ".join(parts) + tail(few_busy),
        samples=few_busy.samples + many_busy.samples,
        table={"header": COST_HEADER,
               "rows": cost_rows(few_busy, LEVEL, (LEVEL, *names), CONNECTIONS)
               + cost_rows(many_busy, LEVEL, (LEVEL, *names), MANY)},
        negative="Where all connections are busy, changing select or poll for epoll gains next to "
                 "nothing: what grows with connections that are idle is what tells them apart"
                 if found == "holds" else "")


def tail(*all_figures):
    """What went wrong, behind a sentence."""
    parts = list(filter(None, (figures.trouble() for figures in all_figures)))
    return f" ({'; '.join(parts)})" if parts else ""


@claim("K8", "Changes of registration (epoll_ctl) are a significant part of a server's cost, "
       "about 16 %", "Gammo, Brecht, Shukla, Pariag 2004, p. 222",
       f"Echo of 64 bytes, {CONNECTIONS} busy connections; {HOW}. One-shot makes one epoll_ctl per "
       f"request where level makes none, else they are the same, so their difference is the cost "
       f"of a call. Holds if two such calls per request, as a server makes that asks for "
       f"writability before each answer, would be 5 % of its CPU or more, the whole interval; does "
       f"not hold if they would be less.", seconds=3)
def registration_costs(lab):
    return judge_registration(*few(lab))


def judge_registration(timed, counted):
    one_call = timed.derived(lambda one, level: one - level, (ONE_SHOT, "cpu"), (LEVEL, "cpu"))
    share = timed.derived(lambda one, level: 2 * (one - level) / (level + 2 * (one - level)),
                          (ONE_SHOT, "cpu"), (LEVEL, "cpu"))
    toggling = timed.ratio(TOGGLING, LEVEL, "cpu")
    calls = ", ".join(f"{name} {_count(counted, name, 'change')}"
                      for name in (LEVEL, EDGE, ONE_SHOT, TOGGLING))
    return Finding(
        verdict(above(share, 0.05)),
        f"two calls per request are {in_percent(share)} of the CPU, one is "
        f"{with_interval(one_call)} µs; a server that toggles pays {factor(toggling)}, "
        f"for two calls and one more wait; calls per request: {calls}" + tail(timed, counted),
        samples=timed.samples + counted.samples,
        table={"header": ["server", "epoll_ctl per request", "waits per request",
                          "all calls per request", "server CPU µs per request", f"×{LEVEL}"],
               "rows": [[name, *(_count(counted, name, key) for key in ("change", "wait", "calls")),
                         with_interval(timed.estimate(name, "cpu")),
                         with_interval(timed.ratio(name, LEVEL, "cpu"))]
                        for name in (LEVEL, EDGE, ONE_SHOT, TOGGLING)]})


def _count(counted, name, key):
    estimate = counted.estimate(name, key)
    return f"{estimate.median:.2f}" if estimate else "?"


@claim("K9", "Fewer epoll_ctl calls, by edge triggering or in batches, improve performance only "
       "slightly", "Gammo, Brecht, Shukla, Pariag 2004",
       "Echo as for K8: one-shot makes one epoll_ctl per request, level and edge none. Holds if "
       "saving the call gains less than 10 % of server CPU per request, the whole intervals of "
       "both paired ratios (one-shot to level, one-shot to edge); does not hold if one gains more "
       "than that.", seconds=3)
def fewer_registrations(lab):
    return judge_fewer_registrations(*few(lab))


def judge_fewer_registrations(timed, counted):
    to_level = timed.ratio(ONE_SHOT, LEVEL, "cpu")
    to_edge = timed.ratio(ONE_SHOT, EDGE, "cpu")
    found = verdict(below(to_level, 1.1), below(to_edge, 1.1))
    return Finding(
        found,
        f"the server with one epoll_ctl more costs {factor(to_level)} of level and "
        f"{factor(to_edge)} of edge" + tail(timed),
        samples=timed.samples + counted.samples,
        negative="Saving the epoll_ctl per request gains less than a tenth of the server's CPU; "
                 "what a server saves with it is the wait that comes with asking for writability"
                 if found == "holds" else "")


@claim("K10", "Edge-triggered is faster than level-triggered",
       "folklore; TinyWebServer says +4.5 % and −17 %",
       f"Echo of 64 bytes, {CONNECTIONS} and {MANY} busy connections, the same server, only the "
       f"trigger differs (edge with and without reading on until it would block); {HOW}. Holds if "
       f"edge takes at least 5 % less server CPU per request in one of the four, the whole "
       f"interval of the paired ratio; does not hold if all four intervals lie above that.",
       seconds=3)
def edge_is_faster(lab):
    return judge_edge(few(lab)[0], many(lab))


def judge_edge(few_busy, many_busy):
    ratios = {(count, name): figures.ratio(name, LEVEL, "cpu")
              for count, figures in ((CONNECTIONS, few_busy), (MANY, many_busy))
              for name in (EDGE, DRAIN)}
    found = verdict(some(*(below(ratio, 0.95) for ratio in ratios.values())))
    parts = [f"{name} {factor(ratio)} at {count}" for (count, name), ratio in ratios.items()]
    return Finding(
        found, f"server CPU per request against {LEVEL}: " + ", ".join(parts)
        + tail(few_busy, many_busy),
        samples=few_busy.samples + many_busy.samples,
        table={"header": COST_HEADER,
               "rows": cost_rows(few_busy, LEVEL, (LEVEL, EDGE, DRAIN), CONNECTIONS)
               + cost_rows(many_busy, LEVEL, (LEVEL, EDGE, DRAIN), MANY)},
        negative="Edge-triggered does not make an echo server faster; read until it would block, "
                 "as is often advised, and it makes one failing read per message more"
                 if found == "does not hold" else "")


@claim("K29", "io_uring beats epoll", "frevib 2020 and others: −10 % to +100 %",
       f"Echo of 64 bytes, {CONNECTIONS} busy connections, a server on liburing against a bare "
       f"loop on epoll; {HOW}. Holds if it takes at least 5 % less server CPU per request, the "
       f"whole interval of the paired ratio; does not hold if all of it lies above that.",
       seconds=3)
def uring_beats_epoll(lab):
    return judge_uring(few(lab)[0])


def judge_uring(timed):
    ratio = timed.ratio(URING, BARE, "cpu")
    if ratio is None:
        return Finding(verdict(None), f"{URING} or {BARE} could not be measured (liburing-dev is "
                                      f"needed)" + tail(timed), samples=timed.samples)
    return Finding(
        verdict(below(ratio, 0.95)),
        f"server CPU per request {factor(ratio)} of the bare epoll loop, requests per second "
        f"{factor(timed.ratio(URING, BARE, 'rate'))}" + tail(timed),
        samples=timed.samples)


@claim("K30", "System calls per request explain most differences between servers",
       "Rosu and Rosu 2003",
       f"Echo of 64 bytes, {CONNECTIONS} busy connections, all servers of this laboratory; {HOW}. "
       f"Holds if the number of calls per request explains at least half of the variance of the "
       f"server CPU per request (r²), the whole interval by resampling rounds; does not hold if "
       f"less.", seconds=3)
def calls_explain(lab):
    return judge_calls(*few(lab))


def judge_calls(timed, counted):
    names = [name for name in dict.fromkeys(each["cell"] for each in timed.samples)
             if counted.estimate(name, "calls") and timed.estimate(name, "cpu")]
    if len(names) < 4:
        return Finding(verdict(None), "fewer than four servers could be counted" + tail(timed))
    calls = [counted.estimate(name, "calls").median for name in names]
    strength = correlation(calls, [timed.by_round(name, "cpu") for name in names])
    rows = sorted(zip(calls, names))
    found = verdict(above(strength, 0.5))
    return Finding(
        found, f"r² = {with_interval(strength)} over {len(names)} servers" + tail(timed, counted),
        samples=timed.samples + counted.samples,
        table={"header": ["server", "calls per request", "server CPU µs per request"],
               "rows": [[name, f"{number:.2f}", with_interval(timed.estimate(name, "cpu"))]
                        for number, name in rows]},
        negative="The number of system calls alone does not tell which server is cheaper: count "
                 "them, but look at what each of them does"
                 if found == "does not hold" else "")


def correlation(places, values_by_round, resamples=1000):
    """r² of places with the medians of values, as an Estimate by resampling rounds."""
    rounds = sorted(set.intersection(*(set(values) for values in values_by_round)))
    table = numpy.array([[values[number] for number in rounds] for values in values_by_round])
    chance = numpy.random.default_rng(1)

    def strength(columns):
        return numpy.corrcoef(places, numpy.median(table[:, columns], axis=1))[0, 1] ** 2

    found = [strength(chance.integers(0, len(rounds), len(rounds))) for _ in range(resamples)]
    low, high = numpy.percentile(found, [2.5, 97.5])
    return statistics.Estimate(float(strength(slice(None))), float(low), float(high), len(rounds))


EXACT_RUNS = 3
# What a mode must do each time that a wait returns, however often it does.
EXPECTED = {
    SELECT: {"read_blocked": 0, "change": 0},
    POLL: {"read_blocked": 0, "change": 0},
    LEVEL: {"read_blocked": 0, "change": 0},
    EDGE: {"read_blocked": 0, "change": 0},
    DRAIN: {"read_blocked": 1, "change": 0},
    ONE_SHOT: {"read_blocked": 0, "change": 1},
    TOGGLING: {"read_blocked": 0, "change": 1},
}
COUNTS = {"wait": "waits", "change": "epoll_ctl", "read": "reads",
          "read_blocked": "reads that would block", "write": "writes"}


@claim("K31", "Reads that would block, and changes of registration, differ by mode exactly",
       "HAProxy and nginx, from their counters",
       f"Echo over one connection, calls counted in {EXACT_RUNS} runs of each mode. Holds if in "
       f"every run each wake-up costs what the mode must do, to a hundredth of a call: one read "
       f"that would block where edge-triggered input is drained, one epoll_ctl where one-shot is "
       f"re-armed and where interest is toggled, else none. Counters need no interval.", seconds=4)
def exact_counters(lab):
    cells = [mode_cell(name, 1, place="two cores") for name in MODES]
    return judge_exact(Figures(contest.fresh(
        lab, cells, SECONDS, rounds=EXACT_RUNS, act=contest.Stand.count, hooked=True)))


def judge_exact(counted):
    wrong, rows = [], []
    for name, expected in EXPECTED.items():
        waits = counted.by_round(name, "wait")
        if not waits:
            return Finding(verdict(None), f"{name} was not counted" + tail(counted),
                           samples=counted.samples)
        rows.append([name, *(_spread(counted.by_round(name, key).values()) for key in COUNTS)])
        for key, number in expected.items():
            found = [counted.by_round(name, key)[run] / waits[run] for run in waits]
            if max(abs(each - number) for each in found) > 0.01:
                wrong.append(f"{name}: {_spread(found)} {COUNTS[key]} per wake-up, not {number}")
    return Finding(
        verdict(not wrong),
        "; ".join(wrong) or f"the same in {EXACT_RUNS} runs of each mode: reads that would block "
        "per wake-up 0, but 1 when drained; epoll_ctl 0, but 1 with one-shot and when toggling",
        samples=counted.samples,
        table={"header": ["mode, calls per request", *COUNTS.values()], "rows": rows})


def _spread(values):
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"
