"""Idle connections beside busy ones: what they cost by facility, and when that does not matter."""

from comparison import contest
from comparison.claims import HOLDS, Finding, claim
from comparison.claims.words import compared, told_from_none
from comparison.contest import Cell, Figures
from comparison.contestants import server
from comparison.judging import above, below, verdict
from comparison.shown import factor, in_percent, with_interval
from comparison.workloads import Workload

SECONDS = 0.05
SELECT_IDLE = 900  # select(2) takes descriptors below 1024
BUSY = 50
# Many are accepted at once, or poll would look at all of them for each that comes.
ACCEPTS = 64
HOW = ("Server and clients on one core, idle connections held by another process; servers started "
       "once, then asked in turn")


def cell(backend, idle, connections, size=64):
    return Cell(f"{backend}, {idle:,} idle", server(backend, backend=backend),
                Workload("echo", connections, size, idle=idle, accepts=ACCEPTS))


@claim("K5", "With 10 000 idle connections select and poll lose up to 79 % of their throughput, "
       "epoll nothing", "Gammo, Brecht, Shukla, Pariag 2004, figure 5",
       f"Echo of 1 byte over {BUSY} busy connections, with and without 10 000 idle ones (select: "
       f"{SELECT_IDLE}). {HOW}. Throughput is requests per second of server CPU. Holds if poll "
       f"loses at least half of it and epoll less than a tenth, the whole intervals of the paired "
       f"ratios; does not hold if poll loses less or epoll more. Judged is the kind, not the 79 %, "
       f"which was of whole replies over a network.", seconds=9,
       left_out="select beside 10,000 idle connections: select(2) of glibc takes descriptors below "
       f"1024 only, so that its loss beside {SELECT_IDLE} is given, but not judged")
def idle_takes_throughput(lab):
    number = 1_000 if lab.quick else 10_000
    cells = [cell(backend, idle, BUSY, size=1)
             for backend, most in (("select", SELECT_IDLE), ("poll", number), ("epoll", number))
             for idle in (0, most)]
    return judge_loss(Figures(contest.timed(lab, cells, SECONDS, stand_by=True)), number)


def judge_loss(figures, number):
    def loss(backend, idle):
        return figures.derived(lambda without, beside: 1 - without / beside,
                               (f"{backend}, 0 idle", "cpu"), (f"{backend}, {idle:,} idle", "cpu"))

    losses = {"select": loss("select", SELECT_IDLE), "poll": loss("poll", number),
              "epoll": loss("epoll", number)}
    idle = {"select": SELECT_IDLE, "poll": number, "epoll": number}
    return Finding(
        verdict(above(losses["poll"], 0.5), below(losses["epoll"], 0.1)),
        f"loss of requests per second of server CPU beside {number:,} idle connections: poll "
        f"{told_from_none(losses['poll'])}, epoll {told_from_none(losses['epoll'])}; beside "
        f"{SELECT_IDLE}: select {told_from_none(losses['select'])}"
        + figures.trouble(),
        samples=figures.samples,
        table={"header": ["facility", "idle", "server CPU µs per request", "throughput lost"],
               "rows": [[backend, f"{count:,}", with_interval(figures.estimate(
                   f"{backend}, {count:,} idle", "cpu")),
                   told_from_none(losses[backend]) if count else "–"]
                   for backend in losses for count in (0, idle[backend])]})


XORG_IDLE = (1, 505, 2047)
XORG = {("poll", 1): 140, ("poll", 505): 12, ("poll", 2047): 2, ("epoll", 1): 140,
        ("epoll", 505): 140, ("epoll", 2047): 140, ("select", 1): 140, ("select", 505): 12}


@claim("K28", "Idle clients slow down a busy one under select and poll (140 000, 12 000, 2 000 "
       "requests/s beside 1, 505, 2 047 idle), not under epoll",
       "Packard 2016, X.org: x11perf -noop -sync",
       f"Echo of 64 bytes over one connection beside 1, 505 and 2 047 idle ones (select: up to "
       f"505). {HOW}. Holds if beside 2 047 poll makes less than half of its requests per second "
       f"beside 1, and epoll more than 80 %, the whole intervals of the paired ratios; does not "
       f"hold if poll makes more or epoll less.", seconds=11)
def idle_slows_one(lab):
    cells = [cell(backend, idle, 1) for backend, idle in XORG]
    return judge_slowing(Figures(contest.timed(lab, cells, SECONDS, stand_by=True)))


def judge_slowing(figures):
    def kept(backend, idle):
        return figures.ratio(f"{backend}, {idle:,} idle", f"{backend}, 1 idle", "rate")

    most = XORG_IDLE[-1]
    return Finding(
        verdict(below(kept("poll", most), 0.5), above(kept("epoll", most), 0.8)),
        f"requests per second beside {most:,} idle in per cent of those beside 1: poll "
        f"{in_percent(kept('poll', most))}, epoll {in_percent(kept('epoll', most))}; beside 505: poll "
        f"{in_percent(kept('poll', 505))}, select {in_percent(kept('select', 505))}"
        + figures.trouble(),
        samples=figures.samples,
        table={"header": ["facility", "idle", "requests/s", "kept", "kept at X.org"],
               "rows": [[backend, f"{idle:,}",
                         with_interval(figures.estimate(f"{backend}, {idle:,} idle", "rate")),
                         in_percent(kept(backend, idle)),
                         f"{100 * thousands / 140:.0f} %"]
                        for (backend, idle), thousands in XORG.items()]})


# What is done with each return of a wait: connections that are busy, and work for each request.
BATCHES = {"1 busy": (1, 0), f"{BUSY} busy": (BUSY, 0), f"{BUSY} busy, 50 µs of work": (BUSY, 50)}
LIGHT, *_, HEAVY = BATCHES


@claim("K7", "Even a select() server has high throughput if much work is done per call",
       "Chandra and Mosberger 2001",
       f"Echo of 64 bytes beside {SELECT_IDLE} idle connections, select against epoll, with 1 and "
       f"{BUSY} busy connections and with 50 µs of work per request. {HOW}. Holds if select takes "
       f"less than 1.1 times the server CPU per request of epoll with {BUSY} busy ones and work, "
       f"the whole interval of the paired ratio, and more than 1.5 times with 1 busy one; does not "
       f"hold if one is otherwise.", seconds=9)
def work_amortises(lab):
    cells = [Cell(f"{backend}, {name}", server(backend, backend=backend),
                  Workload("echo", connections, idle=SELECT_IDLE, accepts=ACCEPTS, work=work))
             for backend in ("select", "epoll") for name, (connections, work) in BATCHES.items()]
    return judge_batches(Figures(contest.counted(lab, cells, SECONDS)
                                 + contest.timed(lab, cells, SECONDS, stand_by=True)))


def judge_batches(figures):
    ratios = {name: figures.ratio(f"select, {name}", f"epoll, {name}", "cpu") for name in BATCHES}
    found = verdict(below(ratios[HEAVY], 1.1), above(ratios[LIGHT], 1.5))

    def requests_per_wait(name):
        waits = figures.estimate(name, "wait")
        return f"{1 / waits.median:.1f}" if waits and waits.median else "?"

    return Finding(
        found,
        f"server CPU per request of select against epoll, beside {SELECT_IDLE} idle: " + "; ".join(
            f"{compared(ratio)} with {name}" for name, ratio in ratios.items()) + figures.trouble(),
        samples=figures.samples,
        table={"header": ["load", "requests per wait, select", "select, CPU µs", "epoll, CPU µs",
                          "to epoll"],
               "rows": [[name, requests_per_wait(f"select, {name}"),
                         *(with_interval(figures.estimate(f"{backend}, {name}", "cpu"))
                           for backend in ("select", "epoll")), factor(ratios[name])]
                        for name in BATCHES]},
        negative=f"A server whose requests cost 50 µs each, {BUSY} of them ready at once, gains less "
                 f"than a tenth of its CPU by leaving select, beside {SELECT_IDLE} idle connections"
                 if found == HOLDS else "")
