"""What is called for an event that is ready costs: the bare loop, the engine over it, libraries."""

import instructions
from comparison import peers_micro, statistics
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.works import by_round, visited
from comparison.micro_pairs import WATCHED, sample_rounds

FACILITIES = ("epoll", "poll", "select")
READY = (1, 16, 100, 1000)
BARE, BARE_AGAIN = "bare", "bare again"
TURNS = {1: (1000, 6000), 100: (50, 350)}  # told apart by callgrind
MILLISECONDS = 8
COUNTED_PEERS = ("pollux", "libevent", "libev", "libuv", "asio")
# A `run_once` begins and ends what a `run` does once for all its turns.
LOOPS = {"run": "`run`", "loop": "a `run_once` for each turn"}
ITSELF = "bare loop, all of it"


@aim("dispatch-event", "dispatch, epoll level, 1 000 watched / 100 ready",
     "user instructions per event above the bare loop of the same binary, same callback",
     "≤ +36 (+28)")
def instructions_per_event(lab):
    return _counted(lab, 100, Limit(36, 28, exact=True))


@aim("dispatch-turn", "the same, 1 000 / 1", "user instructions per turn above the bare loop",
     "≤ +80 (+60)")
def instructions_per_turn(lab):
    return _counted(lab, 1, Limit(80, 60, exact=True))


def _counted(lab, ready, limit):
    counts = {kind: _per_event(lab, ready, kind) for kind in (BARE, "seam", *LOOPS)}
    beside = {ITSELF: counts[BARE], "Reactor alone": counts["seam"] - counts[BARE]}
    peers = {}
    for name in (BARE, *COUNTED_PEERS):
        lab.show(f"instructions of {name}, {ready} of {WATCHED}")
        program = lab.build / "bench" / "peers" / f"peer_{name}"
        if program.exists():
            peers[name] = instructions.for_each_told(
                [program, "dispatch", "--watched", WATCHED, "--active", ready,
                 "--act", "leave"],
                *(ready * turns for turns in TURNS[ready]))
    # A program each, so the bare loop that theirs is held against is that of the peers.
    above = {f"{name} among the peers" if name == "pollux" else name: count - peers[BARE]
             for name, count in peers.items() if name != BARE}
    return [Case(title, limit if kind == "run" else None, _exact(counts[kind] - counts[BARE]),
                 digits=1, beside={name: _exact(count) for name, count in (beside | above).items()})
            for kind, title in LOOPS.items()]


def _per_event(lab, ready, kind):
    lab.show(f"instructions of {kind}, {ready} of {WATCHED}")
    return instructions.for_each(
        [lab.program("micro_pairs"), "--backend", "epoll", "--watched", WATCHED, "--active", ready,
         "--only", kind, "--turns"], *TURNS[ready]) / ready


def _exact(value):
    return statistics.Estimate(value, value, value, 1)


@aim("dispatch-time", "the same, 1, 16, 100, 1 000 ready",
     "paired time to the bare loop on the same facility; select, poll, epoll each",
     "≤ 1.05 (1.02)")
def time_to_bare(lab):
    cases = []
    for facility in FACILITIES[:1] if lab.quick else FACILITIES:
        for ready in READY[1:2] if lab.quick else READY:
            lab.show(f"time of {facility}, {ready} of {WATCHED}")
            own = sample_rounds(lab.program("micro_pairs"), lab.server_core, facility, ready,
                                lab.rounds, MILLISECONDS, lab.seed % 1000)
            beside = {f"{BARE_AGAIN} (chance)": ratio(own, BARE_AGAIN), "Reactor alone":
                      ratio(own, "seam")} | _peers(lab, facility, ready)
            cases.append(Case(f"{facility}, {ready} ready", Limit(1.05, 1.02), ratio(own, "loop"),
                              beside=beside))
    return cases


def ratio(samples, name):
    """To the bare loop."""
    return statistics.estimate(each[name] / each[BARE] for each in samples)


def _peers(lab, facility, ready):
    samples = visited(lab, peers_micro.dispatch(facility, "leave", ready))
    times = {name: by_round(samples, name, "cpu_ns")
             for name in sorted({each["name"] for each in samples})}
    return {name: statistics.ratio(each, times[BARE]) for name, each in times.items()
            if each and name not in (BARE, "pollux")}
