"""Dispatch, registration, timers and posts: Pollux against the libraries that people would
otherwise pick and against bare loops, one program for each (bench/peers).

`measure` makes samples; everything else is a pure function of them.
"""

import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from comparison import contestants_of_peers, machine, standing
from comparison.finding import ranged
from comparison.statistics import estimate, ratio
from comparison.table import MISSING, align

BASE, FLOOR = "pollux", "bare"
PACKAGES = {name.lower(): package for name, package in contestants_of_peers.PACKAGES.items()}
LIBRARIES = [BASE, FLOOR, *PACKAGES]
WATCHED = 1000
SHORTEST, LONGEST = 1.0, 20.0  # milliseconds of a visit
START = 0.012  # seconds that a program takes to start, to be told and to end
WARMED_UP = 1.1  # of its length is what a visit takes


@dataclass(frozen=True)
class Contestant:
    name: str
    library: str
    options: tuple = ()


@dataclass(frozen=True)
class Workload:
    key: str
    arguments: tuple
    contestants: tuple
    count: int | None = None  # of a visit, where it is not a matter of time
    seconds: float = 0.0  # of a visit, then, about
    cores: int = 1

    @property
    def fixed(self):
        """Seconds of a visit that are not a matter of time; see standing.visits."""
        if self.count is None:
            return START
        return START + self.seconds * (1 + max(1, self.count // 10) / self.count)


@dataclass(frozen=True)
class Column:
    """A figure of a workload, per operation."""

    workload: str
    figure: str
    title: str
    doing: str  # ends a sentence that begins "takes less time to"


@dataclass(frozen=True)
class Group:
    """What stands in one table."""

    title: str
    columns: tuple
    notes: tuple = ()


@dataclass
class Section:
    title: str
    header: list
    rows: list
    notes: list = field(default_factory=list)


def library(name, *options):
    return Contestant(name, name, options)


# What each facility can be had from. io_uring is asked for readiness, as the others are.
ON = {
    "epoll": (*map(library, ["bare", "pollux", "libevent", "libev", "libuv", "asio"]),
              Contestant("pollux, adaptive", "pollux", ("--facility", "adaptive")),
              Contestant("pollux, io_uring", "pollux", ("--facility", "io_uring")),
              library("liburing", "--facility", "io_uring")),
    "poll": tuple(map(library, ["bare", "pollux", "libevent", "libev"])),
    "select": tuple(map(library, ["bare", "pollux", "libevent", "libev"])),
}
TIMERS = tuple(map(library, ["pollux", "libevent", "libev", "libuv", "asio"]))
POSTS = (
    library("bare", "--way", "queue"),
    library("pollux"),
    library("libevent"),
    Contestant("libevent, our queue", "libevent", ("--way", "queue")),
    Contestant("libev, our queue", "libev", ("--way", "queue")),
    Contestant("libuv, our queue", "libuv", ("--way", "queue")),
    library("asio"),
)
SIGNALS = tuple(Contestant(f"{name}, signal only", name, ("--way", "signal"))
                for name in ("libevent", "libev", "libuv"))


def dispatch(facility, act, active):
    arguments = ("dispatch", "--watched", WATCHED, "--active", active, "--act", act)
    if facility != "epoll":
        arguments += ("--facility", facility)
    return Workload(f"{facility} {act} {active}", arguments, ON[facility])


def setup(facility):
    arguments = ("setup", "--watched", WATCHED)
    if facility != "epoll":
        arguments += ("--facility", facility)
    return Workload(f"{facility} setup", arguments, ON[facility])


def timers(count):
    return Workload("timers", ("timers", "--timers", count), TIMERS, 1, 0.13 + count * 1e-6)


# What a post costs depends on how many there are, so these are as many for all.
def burst(count):
    return Workload("burst", ("post",), POSTS + SIGNALS, count, count * 2e-7, cores=2)


def round_trip(count):
    return Workload("round-trip", ("post", "--shape", "round-trip"), POSTS, count, count * 5e-5,
                    cores=2)


def plan(quick=False):
    """All workloads."""
    ready = (1, 100) if quick else (1, 16, 100, 1000)
    scanned = () if quick else (1, 100, 1000)
    facilities = ("epoll",) if quick else ("epoll", "poll", "select")
    return [
        *(dispatch("epoll", "pass", active) for active in ready),
        *(dispatch("epoll", "leave", active) for active in ready),
        *(dispatch(facility, "pass", active)
          for facility in facilities[1:] for active in scanned),
        *map(setup, facilities),
        timers(10_000 if quick else 20_000),
        burst(10_000 if quick else 100_000),
        round_trip(50 if quick else 300),
    ]


def _columns_of_dispatch(facility, act):
    return tuple(
        Column(f"{facility} {act} {active}", "cpu_ns", f"{active} of {WATCHED}",
               f"call for {active} ready of {WATCHED} descriptors on {facility}"
               + (", which stay ready" if act == "leave" else ""))
        for active in (1, 16, 100, 1000))


GROUPS = [
    Group(f"Dispatch: tokens passed on through {WATCHED} pipes, epoll",
          _columns_of_dispatch("epoll", "pass"),
          ("A call takes one byte out of its pipe and puts it into the next (the workload of "
           "libevent's bench.c): reading and writing is the greater part, and alike for all.",)),
    Group(f"Dispatch: some of {WATCHED} pipes always ready, calls that only count, epoll",
          _columns_of_dispatch("epoll", "leave"),
          ("Nothing but what the kernel and the loop cost.",
           "Asio and liburing ask again after each event; liburing is asked for readiness here, "
           "and made for completions.")),
    *(Group(f"Dispatch: tokens passed on through {WATCHED} pipes, {facility}",
            _columns_of_dispatch(facility, "pass"))
      for facility in ("poll", "select")),
    Group("Registration: beginning to watch, stopping and closing, per descriptor",
          tuple(Column(f"{facility} setup", figure, f"{verb} {facility}",
                       f"{verb} a descriptor on {facility}")
                for facility in ("epoll", "poll", "select")
                for figure, verb in (("add_ns", "watch"), ("remove_ns", "leave"))),
          ("With what the library puts off until its next turn, and with close(2): some leave it "
           "to that to take a descriptor out of the kernel's set.",)),
    Group("Timers, per operation",
          (Column("timers", "arm_ns", "arm", "arm a timer"),
           Column("timers", "rearm_ns", "arm anew", "arm a timer anew that is armed"),
           Column("timers", "put_off_ns", "put off", "put off an idle timeout"),
           Column("timers", "cancel_ns", "cancel", "cancel a timer"),
           Column("timers", "call_ns", "call when due", "call a timer that is due")),
          ("Timers that are made once and kept. They are armed for 1 to 61 s and cancelled in "
           "random order; armed anew for 60 s from now, all in one turn; put off to 60 s from "
           "now, any of them at any time, 64 in a turn; armed "
           "for 1 to 100 ms and called when all are due. libevent puts off in a queue for timeouts "
           "of one length, as its book advises.",
           "A program can spare any library the putting off, as libev's manual shows (ev(3), “Be "
           "smart about timeouts”: the third way, which it finds mostly better than the second, "
           "measured here): it notes the time of the last message alone, and when the timer comes "
           "arms it for the rest. Pollux works so within.")),
    Group("Posts from another core",
          (Column("burst", "wall_ns", "burst", "take a job from another thread in a burst"),
           Column("burst", "cpu_ns", "burst, CPU of both",
                  "take a job from another thread in a burst, in CPU time of both"),
           Column("round-trip", "wall_ns", "there and back",
                  "have a job go to another loop and come back")),
          ("A burst: a thread posts as fast as it can. There and back: one job between two loops, "
           "each of which sleeps meanwhile; the kernel's wake-up is nearly all of it.",
           "What a library does not carry goes through a queue of ours (a mutex, and a vector of "
           "function pointers with an argument; Pollux and Asio take any callable), and the "
           "library is signalled when that was empty. A signal alone carries nothing: signals that "
           "meet are one.")),
]


def missing(build):
    """The libraries whose programs are not there, with the Debian package that they want."""
    return {name: package for name, package in PACKAGES.items()
            if not _program(build, name).exists()}


def versions(build):
    """Of the libraries that are there, as their programs say it."""
    found = {}
    for name in LIBRARIES:
        if _program(build, name).exists():
            said = subprocess.run([_program(build, name), "--version"], capture_output=True,
                                  text=True, timeout=10, check=True).stdout
            found[name] = said.strip().removeprefix(name).strip()
    return found


def measure(build, cores, rounds, seed, budget, show=lambda text: None, quick=False):
    """Samples as they come, so that Ctrl-C keeps those before: workload, name, round, and what the
    program said; or why it said nothing. A visit is as long as a budget in seconds allows."""
    workloads = [_present(build, each) for each in plan(quick)]
    end = time.monotonic() + budget
    for number, each in enumerate(workloads, 1):
        if each.cores > len(set(cores)):
            yield from ({"workload": each.key, "name": contestant.name, "round": 0,
                         "reason": "wants two cores"} for contestant in each.contestants)
            continue
        milliseconds = milliseconds_of_visits(workloads[number - 1:], rounds,
                                              end - time.monotonic())
        arguments = each.arguments
        if each.cores == 2:
            arguments += ("--other-core", cores[1])
        programs = {contestant.name: [_program(build, contestant.library), *arguments,
                                      *contestant.options]
                    for contestant in each.contestants}

        def progress(text, what=f"peers, {number} of {len(workloads)}: {each.key}"):
            show(f"{what}, {text}")

        for sample in standing.visits(programs, [], rounds, seed + number, cores[0], progress,
                                      milliseconds, each.count):
            yield {"workload": each.key} | sample


def _program(build, name):
    return build / "bench" / "peers" / f"peer_{name}"


def _present(build, workload):
    absent = missing(build)
    return replace(workload, contestants=tuple(
        each for each in workload.contestants if each.library not in absent))


def milliseconds_of_visits(workloads, rounds, budget):
    """So that they and what takes its time anyhow fill a budget in seconds."""
    fixed = rounds * sum(len(each.contestants) * each.fixed for each in workloads)
    visits = sum(len(each.contestants) * rounds for each in workloads if each.count is None)
    return min(LONGEST, max(SHORTEST, 1000 * (budget - fixed) / max(1, WARMED_UP * visits)))


def names_of(samples, workloads):
    """Who takes part in one of them, in order."""
    return list(dict.fromkeys(each.name for workload in plan() if workload.key in workloads
                              for each in workload.contestants
                              if any(sample["name"] == each.name
                                     and sample["workload"] in workloads for sample in samples)))


def by_round(samples, column, name):
    """Nanoseconds per operation."""
    return {each["round"]: each[column.figure] / each["count"] for each in samples
            if each["workload"] == column.workload and each["name"] == name
            and column.figure in each}


def ratio_of(samples, column, name, base=BASE):
    """The Estimate of what it takes to what the base takes, in the same round; None where one of
    them is missing."""
    return ratio(by_round(samples, column, name), by_round(samples, column, base))


def sections(samples):
    """A table for each group that has samples: what Pollux takes, and how many times that the
    others take; then the same with the bare loop for Pollux, where there is one."""
    found = []
    for group in GROUPS:
        columns = [each for each in group.columns
                   if any(sample["workload"] == each.workload for sample in samples)]
        if not columns:
            continue
        names = names_of(samples, {each.workload for each in columns})
        header = ["", *(each.title for each in columns)]
        found.append(Section(f"{group.title}: times {BASE}", header,
                             _rows(samples, columns, names, BASE),
                             [*group.notes, *_reasons(samples, columns)]))
        if FLOOR in names:
            found.append(Section(f"{group.title}: times the {FLOOR} loop", header,
                                 _rows(samples, columns, names, FLOOR)))
    return found


def _rows(samples, columns, names, base):
    """The base comes first, with its nanoseconds."""
    return [[base, *(_time(by_round(samples, each, base)) for each in columns)],
            *([name, *(_times(ratio_of(samples, each, name, base)) for each in columns)]
              for name in names if name != base)]


def _time(values):
    found = estimate(values.values())
    if found is None:
        return MISSING
    return f"{ranged(found, 0 if found.median >= 100 else 1)} ns"


def _times(found):
    return MISSING if found is None else f"×{ranged(found)}"


def _reasons(samples, columns):
    """Who has no figures, and why."""
    workloads = {each.workload for each in columns}
    return list(dict.fromkeys(f"{each['name']}, {each['workload']}: {each['reason']}"
                              for each in samples
                              if "reason" in each and each["workload"] in workloads))


def where_a_peer_wins(samples):
    """A sentence for each figure of which it is decided that some library does better than Pollux:
    the best first."""
    return _decided(samples, -1, "less")


def where_pollux_wins(samples):
    """Likewise, for each figure in which some library does worse."""
    return _decided(samples, 1, "more")


def _decided(samples, direction, word):
    sentences = []
    for column in (each for group in GROUPS for each in group.columns):
        found = {name: ratio_of(samples, column, name)
                 for name in names_of(samples, {column.workload}) if name not in (BASE, FLOOR)}
        kept = sorted((name for name, each in found.items()
                       if each and each.decided and each.direction == direction),
                      key=lambda name: found[name].median)
        if kept:
            listed = "; ".join(f"{name} ×{ranged(found[name])}" for name in kept)
            sentences.append(f"Takes {word} time than {BASE} to {column.doing}: {listed}.")
    return sentences


def main():
    """Measures and prints the tables, for whoever works on this."""
    project = Path(__file__).resolve().parents[2]
    build, quick = project / "build" / "release", "--quick" in sys.argv
    samples = list(measure(build, machine.core_pair(), 3 if quick else 20, 1, 15 if quick else 120,
                           lambda text: print(text, file=sys.stderr), quick))
    for each in sections(samples):
        print("", each.title, *align(each.header, each.rows), *each.notes, sep="\n")
    print("", *where_a_peer_wins(samples), "", *where_pollux_wins(samples), sep="\n")


if __name__ == "__main__":
    main()
