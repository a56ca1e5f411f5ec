"""Time: how exact timeouts are, and what keeps them: K21, K22."""

from comparison.claims import FAILS, Finding, by_rule, claim
from comparison.questions import ask_in_rounds, by_round, together
from comparison.shown import digits, time, with_interval
from comparison.statistics import estimate, median, ratio

STRUCTURES = {"heap": "binary heap", "red-black": "red-black tree", "list": "sorted list",
              "scan": "no order, all looked at", "pollux": "Timer of Pollux"}
TIMERS = (100, 1000, 10000, 100000)
CALLS = ("select", "poll", "epoll_wait", "epoll_pwait2", "timerfd")
MILLISECOND = 1_000_000
WHOLE = tuple(number * MILLISECOND for number in (1, 2, 5, 10, 20))
PARTS = (100_000, 200_000, 500_000)
# Of lateness, in nanoseconds; what is later than the last has a column of its own.
BUCKETS = (20_000, 50_000, 70_000, 100_000, 200_000, 500_000, 1_000_000)


def messages(cell, quick):
    name, timers = cell
    slow = timers if name == "scan" else 100
    return max(10, round((3e5 if quick else 1.5e6) / slow))


@claim("K21", "Which structure keeps the timeouts decides what refreshing one at every message "
       "costs", "libev's benchmark 2011: heap against red-black tree",
       "A timeout of 60 s per connection, put off at every message of a connection chosen at "
       "random. Holds if with 100,000 of them the red-black tree takes at least twice as long as "
       "the heap (whole interval), does not hold if less than 1.5 times.", seconds=2,
       revised="there was none before a first trial of the program had shown figures.")
def timers(lab):
    questions = {(name, count): (messages((name, count), lab.quick), name, count)
                 for name in STRUCTURES for count in TIMERS}
    return judged_timers(ask_in_rounds(lab, ["timer_structures"], questions))


def judged_timers(samples):
    def cost(name, count):
        return by_round(samples, (name, count), lambda each: each["cpu_ns"] / each["count"])

    tree = ratio(cost("red-black", TIMERS[-1]), cost("heap", TIMERS[-1]))
    growth = {name: ratio(cost(name, TIMERS[-1]), cost(name, TIMERS[0])) for name in STRUCTURES}
    sorted_ones = [name for name in STRUCTURES if name != "scan"]
    at_thousand = max((estimate(cost(name, 1000).values()) for name in sorted_ones),
                      key=lambda each: each.high)
    figure = (f"to refresh one of 100,000 timeouts takes {with_interval(tree)} times as long in a "
              f"red-black tree as in a heap; with 100,000 in place of 100 timeouts it takes "
              f"{with_interval(growth['heap'])} times as long in the heap, "
              f"{with_interval(growth['red-black'])} in the tree, {with_interval(growth['pollux'])} "
              "in the Timer of Pollux")
    rows = [[text, *(time(estimate(cost(name, count).values())) for count in TIMERS)]
            for name, text in STRUCTURES.items()]
    verdict = by_rule(tree.low >= 2, tree.high < 1.5, tree)
    small = tree.count >= 20 and at_thousand.high < 200
    negative = ("Another structure for timers does not pay below some thousand connections: heap, "
                f"tree and list all refresh one of 1,000 timeouts in {time(at_thousand)} or less, "
                "and a message costs microseconds." if small else "")
    return Finding(verdict, figure, samples, {
        "header": ["kept in", *(f"{count:,} timers" for count in TIMERS)], "rows": rows}, negative)


def asked(call):
    """epoll_wait and poll have no fractions of milliseconds."""
    return WHOLE if call in ("poll", "epoll_wait") else WHOLE + PARTS


@claim("K22", "epoll's timeout is less precise than select's (5 ms against 0.1 ms)",
       "libev's manual",
       "Timeouts of 1, 2, 5, 10 and 20 ms. Holds if epoll_wait comes at least 1 ms later than "
       "select (whole interval); does not hold if it comes less than 0.1 ms later. That it has no "
       "fractions of a millisecond is a fact of its type and not what is tried.", seconds=6)
def precision(lab):
    questions = {(call, wanted): (1 if lab.quick or wanted > 5 * MILLISECOND else 2, call, wanted)
                 for call in CALLS for wanted in (asked(call)[:3] if lab.quick else asked(call))}
    return judged_precision(ask_in_rounds(lab, ["kernel_timeout"], questions))


def lateness(samples, call, only=WHOLE):
    """Median of each round, over all timeouts."""
    found = {}
    for sample in samples:
        if sample["cell"][0] == call and sample["cell"][1] in only:
            found.setdefault(sample["round"], []).extend(sample["late_ns"])
    return {number: median(values) for number, values in found.items()}


def judged_precision(samples):
    late = {call: lateness(samples, call) for call in CALLS}
    later = estimate(together(lambda epoll, select: epoll - select,
                              late["epoll_wait"], late["select"]).values())
    fine = estimate(lateness(samples, "epoll_pwait2", PARTS).values())
    figure = (f"timeouts of 1 to 20 ms end late by {time(estimate(late['select'].values()))} with "
              f"select and by {time(estimate(late['epoll_wait'].values()))} with epoll_wait "
              f"(the two differ by {digits(abs(later.median) / 1000)} µs); those of 0.1 to 0.5 ms with "
              f"epoll_pwait2 by {time(fine)}")
    verdict = by_rule(later.low >= MILLISECOND, abs(later.high) < 100_000 > abs(later.low), later)
    negative = (
        "select for the sake of exact timeouts does not pay: in whole milliseconds "
        f"epoll_wait is within 0.1 ms of it, and epoll_pwait2 takes fractions and is {time(fine)} "
        "late. Each of them is late by the timer slack of the process (prctl(2)), which does not "
        f"bind a timerfd: it is {time(estimate(late['timerfd'].values()))} late."
        if verdict == FAILS else "")
    return Finding(verdict, figure, samples, histogram(samples), negative)


def histogram(samples):
    """How late the waits of each call ended, and per cent of them by how late."""
    rows = []
    for call in CALLS:
        values = [late for sample in samples if sample["cell"][0] == call
                  for late in sample["late_ns"]]
        below = [sum(late < end for late in values) for end in BUCKETS] + [len(values)]
        parts = [after - before for before, after in zip([0, *below], below)]
        rows.append([call, time(estimate(lateness(samples, call, asked(call)).values())),
                     str(len(values)),
                     *(digits(100 * part / max(1, len(values)), 2) + " %" for part in parts)])
    return {"header": ["call", "late", "waits", *(f"< {digits(end / 1000)} µs" for end in BUCKETS),
                       "later"], "rows": rows}
