"""Opening descriptors and registering them: K18, K20, K32."""

from pathlib import Path

from comparison.claims import FAILS, HOLDS, Finding, by_rule, claim
from comparison.processes import Failed
from comparison.questions import ask_in_rounds, by_round, together
from comparison.shown import time, with_interval
from comparison.statistics import estimate, ratio

OPEN = (10, 100, 1000, 10000, 19000)
PAIRS = 9900
DEFAULT_WRITES = 100  # of libevent's bench.c, whatever the number of pairs
REGISTERED = 10000
PUBLISHED = 160  # bytes of a registration


@claim("K18", "Opening a descriptor costs more the more are open: the kernel looks for the lowest "
       "free one", "Banga and Mogul, USENIX 1998 (ufalloc)",
       "With 10 to 19,000 open, the lowest and the highest are closed and opened again. Holds if "
       "that costs at least twice as much with 19,000 as with 10 (whole interval), does not hold "
       "if less than 1.5 times.", seconds=1)
def lowest_free(lab):
    questions = {(count,): (500 if lab.quick else 5000, count) for count in OPEN}
    return judged_opening(ask_in_rounds(lab, ["kernel_open"], questions))


def judged_opening(samples):
    def cost(count):  # of one close and one open
        return by_round(samples, [count], lambda each: each["cpu_ns"] / each["count"] / 2)

    growth = ratio(cost(OPEN[-1]), cost(OPEN[0]))
    verdict = by_rule(growth.low >= 2, growth.high < 1.5, growth)
    figure = (f"to close a descriptor and open another takes "
              f"{time(estimate(cost(OPEN[-1]).values()))} with 19,000 open, {with_interval(growth)} "
              "times as long as with 10 open")
    negative = ("Keeping few descriptors open, or their numbers low, to open faster does not pay: "
                "the search has been a look into bit sets since Linux 2.6."
                if verdict == FAILS else "")
    rows = [[f"{count:,}", time(estimate(cost(count).values()))] for count in OPEN]
    return Finding(verdict, figure, samples,
                   {"header": ["open", "close and open"], "rows": rows}, negative)


def writes_and_pairs():
    """Cells: writes, pairs, active."""
    return [(writes, pairs, active) for pairs in (100, 1000, PAIRS)
            for writes in dict.fromkeys((DEFAULT_WRITES, pairs))
            for active in (1, 100, 1000) if active <= pairs]


@claim("K20", "In libevent's bench.c registering dominates the total, and the loop is tiny",
       "bartman's event-loop-benchmark; libevent's bench.c",
       f"Its workload on bare epoll with {PAIRS:,} socket pairs and one token. Holds if "
       f"registering is over 90 % of the time with the {DEFAULT_WRITES} writes it makes unless "
       "told otherwise (whole interval), does not hold if below 50 %. What "
       "was published is of 100,000 pairs; with fewer pairs, or as many writes as pairs, the share "
       "is another one and given beside it.", seconds=3)
def registration(lab):
    return judged_registration(ask_in_rounds(
        lab, ["kernel_registration", PAIRS], {cell: cell for cell in writes_and_pairs()}))


def judged_registration(samples):
    def half(cell, key):
        return by_round(samples, cell, key)

    def share(cell):
        return estimate(together(lambda setup, loop: setup / (setup + loop),
                                 half(cell, "setup_ns"), half(cell, "loop_ns")).values())

    usual = share((DEFAULT_WRITES, PAIRS, 1))
    long = share((PAIRS, PAIRS, 1))
    each = estimate(value / PAIRS for value in
                    half((DEFAULT_WRITES, PAIRS, 1), "setup_ns").values())
    small = share((DEFAULT_WRITES, 100, 1))
    figure = (f"share of registering in the total time, {PAIRS:,} pairs: "
              f"{with_interval(usual, ' %', 100)} with the {DEFAULT_WRITES} writes of bench.c, "
              f"{with_interval(long, ' %', 100)} with as many writes as pairs; 100 pairs: "
              f"{with_interval(small, ' %', 100)}; registering one takes {time(each)}")
    verdict = by_rule(usual.low > 0.9, usual.high < 0.5, usual)
    negative = ("Totals of libevent's bench.c with thousands of pairs compare how libraries register, "
                "not how they loop: it makes 100 writes however many pairs there are. Give -w, "
                "and look at the two halves apart."
                if verdict == HOLDS else "")
    rows = [[f"{pairs:,}", str(active), f"{writes:,}",
             *(time(estimate(half((writes, pairs, active), key).values()))
               for key in ("setup_ns", "loop_ns")),
             with_interval(share((writes, pairs, active)), " %", 100)]
            for writes, pairs, active in writes_and_pairs()]
    return Finding(verdict, figure, samples, {
        "header": ["pairs", "active", "writes", "registering, time", "loop, time",
                   "share of registering"], "rows": rows}, negative)


@claim("K32", f"A registration with epoll takes roughly {PUBLISHED} bytes of kernel memory",
       "epoll(7)",
       f"{REGISTERED:,} eventfds are registered in one epoll set after the other; counted is what "
       "the unreclaimable slab memory of the machine grows by. Holds if the interval lies within a "
       f"factor of 1.5 around {PUBLISHED}, does not hold if it lies outside.", seconds=1)
def slab(lab):
    limit = int(Path("/proc/sys/fs/epoll/max_user_watches").read_text())
    if limit < 1.5 * REGISTERED * lab.rounds:
        raise Failed(f"fs.epoll.max_user_watches is {limit}, needed are "
                     f"{round(1.5 * REGISTERED * lab.rounds)}")
    return judged_slab(ask_in_rounds(lab, ["kernel_slab", REGISTERED], {("slab",): (1,)},
                                     processes=1))


def judged_slab(samples):
    each = estimate(by_round(samples, ["slab"], lambda one: one["bytes"] / one["count"]).values())
    low, high = PUBLISHED / 1.5, PUBLISHED * 1.5
    return Finding(by_rule(each.low > low and each.high < high, each.low > high or each.high < low,
                           each), f"{with_interval(each, ' bytes')} of kernel memory per registration (an "
                           f"unreclaimable slab; {PUBLISHED} were published)", samples)
