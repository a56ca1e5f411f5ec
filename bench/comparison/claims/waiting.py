"""What a wait costs, by descriptors watched and by descriptors ready: K1, K2, K3, K6."""

from functools import cache

import numpy

from comparison.claims import FAILS, Finding, by_rule, claim
from comparison.claims.words import told_from_none
from comparison.questions import ask_in_rounds, by_round, together
from comparison.shown import digits, time, with_interval
from comparison.statistics import estimate, ratio

FACILITIES = ("poll", "select", "epoll")
WATCHED = (10, 30, 100, 300, 1000, 3000, 10000)
IN_CACHE = (10, 30, 100, 300, 1000)
GRID = {10: (1, 3, 10), 100: (1, 3, 10, 30, 100), 1000: (1, 10, 30, 100, 300, 1000)}
FEW_ACTIVE = 10
FEW_OF = (10, 100, 1000, 10000)
ACTIVE = (1, 10, 100, 1000)
RANDOM, SAME = "random", "same"
# Seconds for 100 000 operations, by descriptors: poll, select, epoll.
KERRISK = {10: (1.12, 1.28, 0.65), 100: (6.8, 7.1, 0.68), 1000: (157, 151, 0.89),
           10000: (1750, 1087, 0.97)}


def cells():
    """Facility, watched, active, and which are active."""
    wanted = [(name, watched, 1, RANDOM) for name in FACILITIES for watched in WATCHED]
    wanted += [(name, watched, active, RANDOM) for name in FACILITIES
               for watched, numbers in GRID.items() for active in numbers]
    wanted += [("epoll", watched, FEW_ACTIVE, choice)
               for watched in FEW_OF for choice in (RANDOM, SAME)]
    wanted += [("epoll", 10000, active, SAME) for active in ACTIVE]
    wanted += [("none", *rest) for _, *rest in wanted]
    return list(dict.fromkeys(wanted))


def operations(cell, milliseconds):
    """About as many as fit, by a rough guess of what one costs. Where one descriptor of many is
    touched once in a while it is a matter of caches, and more are needed."""
    name, watched, active, _ = cell
    if watched == 10000 and active == FEW_ACTIVE:
        milliseconds *= 4
    cost = 200 + 250 * active + (45 * watched if name in ("poll", "select") else 0)
    return max(8, round(milliseconds * 1e6 / cost))


@cache
def samples_of(lab):
    questions = {cell: (operations(cell, 1 if lab.quick else 5), *cell) for cell in cells()}
    return ask_in_rounds(lab, ["kernel_wait", 10000], questions)


def operation(samples, name, watched, active=1, choice=RANDOM):
    """Nanoseconds of writing, waiting and reading, by round."""
    return by_round(samples, (name, watched, active, choice),
                    lambda sample: sample["cpu_ns"] / sample["count"])


def wait(samples, name, *cell):
    """Nanoseconds of the wait alone, by round."""
    return together(lambda whole, rest: whole - rest, operation(samples, name, *cell),
                    operation(samples, "none", *cell))


def slopes(samples, name, watched=IN_CACHE):
    """Nanoseconds for each descriptor more, by round."""
    return together(lambda *costs: float(numpy.polyfit(watched, costs, 1)[0]),
                    *(wait(samples, name, each) for each in watched))


@claim("K1", "A wait of select and poll costs more with every idle descriptor, epoll's does not",
       "Kerrisk 2006; Banga, Mogul, Druschel 1999; Lemon 2001",
       "One of N eventfds is ready, chosen at random; N from 10 to 1,000. Holds if poll and select "
       "cost at least 20 ns more per descriptor (whole interval) and epoll less than a twentieth "
       "of either. Does not hold if one of them costs less than 20 ns more, or epoll more than a "
       "twentieth.", seconds=10, measured_once="waits")
def linear_growth(lab):
    samples = samples_of(lab)
    return judged_growth(samples)


def judged_growth(samples):
    by_name = {name: slopes(samples, name) for name in FACILITIES}
    slope = {name: estimate(values.values()) for name, values in by_name.items()}
    shares = [estimate(together(lambda epoll, other: epoll / other, by_name["epoll"],
                                by_name[name]).values()) for name in ("poll", "select")]
    beyond = estimate(together(
        lambda far, near: far / near, slopes(samples, "poll", (1000, 3000, 10000)),
        by_name["poll"]).values())
    holds = all(slope[name].low > 20 for name in ("poll", "select")) and \
        all(share.high < 0.05 for share in shares)
    fails = any(slope[name].high < 20 for name in ("poll", "select")) or \
        any(share.low > 0.05 for share in shares)
    figure = (f"each idle descriptor more makes a wait longer by: poll {time(slope['poll'])}, select "
              f"{time(slope['select'])}, epoll {told_from_none(slope['epoll'], time)} (10 to 1,000 "
              f"descriptors; from 1,000 to 10,000 each costs poll {with_interval(beyond)} times as "
              "much as one of the first 1,000)")
    table = {"header": ["watched", *(f"{name}, one wait" for name in FACILITIES)],
             "rows": [[f"{watched:,}", *(time(estimate(wait(samples, name, watched).values()))
                                         for name in FACILITIES)] for watched in WATCHED]}
    return Finding(by_rule(holds, fails, *slope.values()), figure, samples, table)


@claim("K2", "With 10,000 descriptors and one of them ready, epoll is three orders of magnitude "
       "cheaper than poll and select (1:1,800 and 1:1,100)", "Kerrisk, linux.conf.au 2006",
       "His workload, with eventfds for pipes and without what writing and reading cost. select "
       "gets a bit set of 10,000 bits: FD_SETSIZE binds glibc's type, not the kernel. Holds if "
       "both ratios are above 300 (about half of three decades and more), does not hold if one "
       "is below.", seconds=10, measured_once="waits")
def kerrisk(lab):
    return judged_table(samples_of(lab))


def judged_table(samples):
    epoll = wait(samples, "epoll", 10000)
    ratios = {name: ratio(wait(samples, name, 10000), epoll) for name in ("poll", "select")}
    rows = [[f"{watched:,}",
             *(with_interval(estimate(wait(samples, name, watched).values()), scale=1e-4)
               for name in FACILITIES), *map(digits, his)] for watched, his in KERRISK.items()]
    figure = "time of one wait: " + ", ".join(
        f"{name} {with_interval(each)} times epoll's" for name, each in ratios.items())
    unit = "s per 100,000 waits"
    table = {"header": ["watched", *(f"{name}, {unit}" for name in FACILITIES),
                        *(f"Kerrisk's {name}, {unit}" for name in FACILITIES)], "rows": rows}
    return Finding(by_rule(all(each.low > 300 for each in ratios.values()),
                           any(each.high < 300 for each in ratios.values()), *ratios.values()),
                   figure, samples, table)


@claim("K3", "epoll's cost depends on the active descriptors, not on those that are watched",
       "Lokier, linux-kernel 2003; libev",
       "The same descriptors are active each time, so that caches hold them. Holds if a wait that "
       "finds 10 costs less than 1.5 times as much with 10,000 watched as with 100, and with 10,000 "
       "watched one that finds 1,000 costs more than 25 times as much as one that finds 10 (whole "
       "intervals). Does not hold if either is clearly otherwise. What caches make of it when any "
       "can be active is given beside it.", seconds=10, measured_once="waits",
       revised="any 10 of the 10,000 could be active, and figures of that were seen: it is cache "
       "misses that make such a wait 1.4 to 4.8 times as long, which is now given beside it. The "
       "limits were changed twice after figures had been seen.")
def active_only(lab):
    return judged_active(samples_of(lab))


def judged_active(samples):
    def against(name, few, many, choice=SAME):
        return ratio(wait(samples, name, *many, choice), wait(samples, name, *few, choice))

    watched = against("epoll", (100, FEW_ACTIVE), (10000, FEW_ACTIVE))
    cold = against("epoll", (100, FEW_ACTIVE), (10000, FEW_ACTIVE), RANDOM)
    active = against("epoll", (10000, FEW_ACTIVE), (10000, 1000))
    figure = (f"10,000 watched in place of 100, 10 active: a wait takes {with_interval(watched)} times "
              f"as long ({with_interval(cold)} times where it is other ones each time, so that "
              f"caches miss); 1,000 active in place of 10, 10,000 watched: {with_interval(active)} "
              "times as long")
    rows = [[f"{n:,}", str(a), choice, time(estimate(wait(samples, "epoll", n, a, choice).values()))]
            for n, a, choice in [*((n, FEW_ACTIVE, choice) for choice in (SAME, RANDOM)
                                   for n in FEW_OF), *((10000, a, SAME) for a in ACTIVE)]]
    return Finding(by_rule(watched.high < 1.5 and active.low > 25,
                           watched.low > 1.5 or active.high < 25, watched, active),
                   figure, samples,
                   {"header": ["watched", "active", "which", "one wait"], "rows": rows})


def equal_costs(samples, watched, other="poll"):
    """The share of active descriptors at which epoll becomes the dearer one, by round; a round in
    which it never does has 1 and more, so 1."""
    numbers = GRID[watched]

    def crossing(*differences):
        pairs = list(zip(numbers, differences))
        for (active, before), (more, after) in zip(pairs, pairs[1:]):
            if before <= 0 < after:
                return (active + (more - active) * -before / (after - before)) / watched
        return 1.0 if differences[0] <= 0 else 0.0

    return together(crossing, *(
        together(lambda epoll, rival: epoll - rival, operation(samples, "epoll", watched, active),
                 operation(samples, other, watched, active)) for active in numbers))


@claim("K6", "select and poll are the cheaper choice below about a hundred descriptors",
       "libev's manual: “maybe up to a hundred”",
       "Holds if one wait with one active of 10, and one of 100, is cheaper with poll or with "
       "select than with epoll (ratio below 1). Does not hold if already with one active of 10 "
       "epoll is cheaper than both. The line of equal cost is given as the share of active ones.",
       seconds=10, measured_once="waits",
       revised="there was none before a first trial of the program had shown figures.")
def crossover(lab):
    return judged_crossover(samples_of(lab))


def judged_crossover(samples):
    ratios = {(name, watched): ratio(wait(samples, name, watched, 1),
                                     wait(samples, "epoll", watched, 1))
              for name in ("poll", "select") for watched in (10, 100)}
    shares = {watched: estimate(equal_costs(samples, watched).values()) for watched in GRID}
    holds = all(min(ratios["poll", n].high, ratios["select", n].high) < 1 for n in (10, 100))
    fails = all(ratios[name, 10].low > 1 for name in ("poll", "select"))
    lines = ", ".join(f"{with_interval(share, ' %', 100)} of {n:,}" for n, share in shares.items())
    figure = (f"one wait with 1 active of 10 takes poll {with_interval(ratios['poll', 10])} times as "
              f"long as epoll, select {with_interval(ratios['select', 10])} times; poll's wait "
              f"becomes the shorter one when more are active than {lines}")
    rows = [[f"{n:,}", str(active), *(time(estimate(wait(samples, name, n, active).values()))
                                      for name in FACILITIES)]
            for n, numbers in GRID.items() for active in numbers]
    verdict = by_rule(holds, fails, *ratios.values())
    negative = (
        "Choosing poll or select because there are few descriptors does not pay: what decides is "
        "the share of them that is active at each wait, not their number."
        if verdict == FAILS else "")
    return Finding(verdict, figure, samples, {
        "header": ["watched", "active", *(f"{name}, one wait" for name in FACILITIES)],
        "rows": rows}, negative)
