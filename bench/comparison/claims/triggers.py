"""Level against edge where more comes, or has to go, than one visit takes."""

from comparison import contest
from comparison.claims import HOLDS, Finding, claim
from comparison.claims.words import compared
from comparison.contest import TWO_CORES, Cell, Figures
from comparison.contestants import Contestant, server
from comparison.judging import above, below, verdict, within
from comparison.shown import factor, with_interval
from comparison.workloads import KIB, MIB, Workload

LEVEL, EDGE = "level", "edge"
TRACED_SECONDS, SECONDS = 0.03, 0.05
SENDERS, FEW_ROUNDS = 4, 5
SOME, ALL = "some", "all"
# Reads in one visit, and their size: a part of what is there, or mostly all of it.
VISITS = {SOME: (1, 4 * KIB), ALL: (16, 64 * KIB)}


def visited(trigger, how):
    return f"{trigger}, {how} at a visit"


@claim("K11", "Edge triggering saves wake-ups where a visit does not consume all that came",
       "reasoning: level reports it again, an edge does not",
       f"Upload over {SENDERS} connections to a server that makes one read of 4 KiB a visit, or 16 "
       f"of 64 KiB; edge keeps a list of those that have more. The kernel counts; server and "
       f"clients on two cores. Holds if edge is woken (a wait reports something) less than 0.9 "
       f"times as often per MiB as level with small visits, the whole interval of the paired "
       f"ratio; does not hold if more often.", seconds=15)
def fewer_wake_ups(lab):
    some, everything = ([uploading(trigger, how) for trigger in (LEVEL, EDGE)] for how in VISITS)
    return judge_wake_ups(Figures(
        contest.counted_by_kernel(lab, some, TRACED_SECONDS, rounds=lab.rounds)
        + contest.counted_by_kernel(lab, everything, TRACED_SECONDS, rounds=FEW_ROUNDS)
        + contest.timed(lab, some, SECONDS)))


def uploading(trigger, how):
    reads, size = VISITS[how]
    return Cell(visited(trigger, how),
                server(trigger, "--reads-per-visit", reads, trigger=trigger),
                Workload("upload", SENDERS, size=64 * KIB, read_size=size), TWO_CORES)


def judge_wake_ups(figures):
    def ratio(how, key):
        return figures.ratio(visited(EDGE, how), visited(LEVEL, how), key)

    found = verdict(below(ratio(SOME, "kernel_wake_ups"), 0.9))
    waits = ratio(SOME, "kernel_waits")
    return Finding(
        found,
        f"edge against level, per MiB, where a visit takes a part of what came: wake-ups "
        f"{compared(ratio(SOME, 'kernel_wake_ups'))}; system calls that wait {compared(waits)}; "
        f"server CPU {compared(ratio(SOME, 'cpu'))}; where it takes all: wake-ups "
        f"{factor(ratio(ALL, 'kernel_wake_ups'))}, of {FEW_ROUNDS} rounds" + figures.trouble(),
        samples=figures.samples,
        table={"header": ["server", "wake-ups per MiB", "waits", "reads", "CPU ns per KiB"],
               "rows": [[name, *(with_interval(figures.estimate(name, key)) for key in
                                 ("kernel_wake_ups", "kernel_waits", "kernel_reads", "cpu"))]
                        for how in VISITS for name in (visited(LEVEL, how), visited(EDGE, how))]},
        negative="The wake-ups that edge triggering saves are no saved system calls: a fair loop "
                 "looks for others, with a wait that does not block, before it goes on with those "
                 f"that have more (its waits per MiB to level's: {factor(waits)})"
                 if found == HOLDS and within(waits, 0.9, 1.1) else "")


ANSWER = 8 * MIB  # more than the kernel buffers, or nothing waits
READERS, READ_RATE = 4, 256 * MIB
ONCE = "edge, registered once"
REGISTRATIONS = {
    "level, switched": ("--trigger", "level", "--registered", "switched"),
    "edge, switched": ("--trigger", "edge", "--registered", "switched"),
    ONCE: ("--trigger", "edge", "--registered", "once"),
}
SWITCHED, *_ = REGISTRATIONS
STALLED_SECONDS = 0.08


@claim("K12", "Edge-triggered with both directions registered once avoids switching EPOLLOUT on "
       "and off for large answers; the time saved is small", "epoll(7)",
       f"Answers of 8 MiB to {READERS} clients that read 256 MiB/s each; a bare loop, of which "
       f"only trigger and registration differ; server and clients on two cores; the kernel counts. "
       f"Holds if level makes half an epoll_ctl or more per answer and edge registered once none "
       f"(less than 0.05), the whole intervals, and the server CPU per answer of the latter is "
       f"within 15 % of level's, the whole interval of the paired ratio; does not hold if one is "
       f"otherwise.", seconds=26,
       revised="it asked for one epoll_ctl per answer, and answers were smaller; first trials of "
       "those stalled nowhere, so that neither mode had anything to switch.")
def both_directions(lab):
    cells = [Cell(name, Contestant(name, "claims", ("answer_bare", *words, "--answer", ANSWER),
                                   loads=("download",)),
                  Workload("download", READERS, answer=ANSWER, read_rate=READ_RATE,
                           receive_buffer=MIB // 4), TWO_CORES)
             for name, words in REGISTRATIONS.items()]
    return judge_directions(Figures(
        contest.counted_by_kernel(lab, cells, STALLED_SECONDS, rounds=lab.rounds)
        + contest.timed(lab, cells, STALLED_SECONDS)))


def judge_directions(figures):
    def per_answer(name, key):
        return figures.derived(lambda per_mib: per_mib * ANSWER / MIB, (name, f"kernel_{key}"))

    level, once = per_answer(SWITCHED, "changes"), per_answer(ONCE, "changes")
    ratio = figures.ratio(ONCE, SWITCHED, "cpu")
    found = verdict(above(level, 0.5), below(once, 0.05), within(ratio, 0.85, 1.15))
    return Finding(
        found,
        f"epoll_ctl calls per answer of 8 MiB: {with_interval(level)} ({SWITCHED}), "
        f"{with_interval(once)} ({ONCE}); server CPU of the latter against the former: "
        f"{compared(ratio)}" + figures.trouble(),
        samples=figures.samples,
        table={"header": ["server", "epoll_ctl per answer", "writes that would block", "waits",
                          "CPU ns per KiB", f"to {SWITCHED}"],
               "rows": [[name, *(with_interval(per_answer(name, key)) for key in
                                 ("changes", "writes_blocked", "waits")),
                         with_interval(figures.estimate(name, "cpu")),
                         factor(figures.ratio(name, SWITCHED, "cpu"))] for name in REGISTRATIONS]},
        negative="Large answers to slow readers are no reason for edge triggering: the epoll_ctl "
                 f"calls that it saves change the server's CPU by less than 15 % ({factor(ratio)})"
                 if found == HOLDS else "")
