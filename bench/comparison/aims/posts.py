"""What it takes to hand a task to a loop from another core."""

from pathlib import Path

from comparison import peers_micro
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.works import by_round, program_of, visited
from comparison.processes import Failed
from comparison.standing import Answerer
from comparison.statistics import estimate, ratio

TASKS, QUICK = 100_000, 10_000
COUNTED = 300_000
OWN, QUEUE, SIGNAL = "pollux", "libuv, our queue", "libuv, signal only"
ROUNDS = 5  # of counts


@aim("post-burst", "`post`, burst",
     "ns per task to libuv's bare `uv_async_send`; eventfd writes per task",
     "≤ 1.3 (0.8); ≤ 0.01")
def burst(lab):
    """What is held against the aim is all of a task, against a signal that brings nothing. Signals
    meet while one of them is under way, and then libuv returns at once: so what it takes to bring
    a task in a queue of our own by that signal is told as well."""
    if lab.server_core == lab.client_core:
        raise Failed("wants two cores")
    workload = peers_micro.burst(QUICK if lab.quick else TASKS)
    samples = visited(lab, workload, ["--other-core", lab.client_core])
    writes = {each.name: _writes_per_task(lab, each)
              for each in workload.contestants if program_of(lab, each).exists()}
    return [_to(samples, SIGNAL, "to libuv's signal, which brings nothing", Limit(1.3, 0.8)),
            _to(samples, QUEUE, "to libuv with a queue", None),
            Case("writes per task", Limit(0.01, exact=True), writes.pop(OWN), digits=4,
                 beside=writes)]


def _to(samples, base, title, limit):
    bases = by_round(samples, base, "wall_ns")
    names = sorted({each["name"] for each in samples})
    beside = {name: ratio(by_round(samples, name, "wall_ns"), bases)
              for name in names if name not in (OWN, base)}
    return Case(title, limit, ratio(by_round(samples, OWN, "wall_ns"), bases),
                beside={name: each for name, each in beside.items() if each})


def _writes_per_task(lab, contestant):
    """By the kernel's count of the process, which delays nothing. The line that tells of a burst is
    one of them."""
    lab.show(f"writes of {contestant.name}")
    command = [program_of(lab, contestant), "post", *contestant.options,
               "--other-core", lab.client_core]
    tasks, found = QUICK if lab.quick else COUNTED, []
    with Answerer(command, lab.server_core) as program:
        program.ask(tasks // 10)
        for _ in range(1 if lab.quick else ROUNDS):
            before = writes_of(program.pid)
            program.ask(tasks)
            found.append((writes_of(program.pid) - before - 1) / tasks)
    return estimate(found)


def writes_of(pid):
    """Calls of write(2) and its kin so far, see proc_pid_io(5)."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("syscw:"):
            return int(line.split()[1])
    raise Failed("this kernel does not count the calls of a process")
