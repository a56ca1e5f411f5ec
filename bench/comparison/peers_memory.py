"""What a connection costs in memory: Pollux, the echo servers of other libraries, bare loops.

`measure` makes samples; everything else is a pure function of them. The figures hardly differ from
one sample to the next, so few rounds say it.
"""

import random
import sys
from pathlib import Path

from comparison import machine, memory
from comparison.contestants_of_peers import echo_contestants
from comparison.finding import ranged
from comparison.peers_micro import Section
from comparison.process_tree import ProcessTree
from comparison.processes import Child, Failed
from comparison.statistics import estimate, ratio
from comparison.table import MISSING, align

BASE = "pollux"
CONNECTIONS = 2000
OTHER_DESCRIPTORS = 32
PATIENCE = 30.0
ONE_BY_ONE = (sys.executable, str(Path(__file__).with_name("one_by_one.py")))
# What has happened on the connections, and how the load generator is told, or who else does it.
STATES = {
    "silent": ("--mode", "idle"),
    "spoken": ("--mode", "echo", "--handshake", "--size", "64"),
}
NOTES = [
    "User memory is the server's own: its pages, and its page tables. Kernel memory is the "
    "machine's, and over loopback holds both ends of a connection.",
    "Silent: connected, and nothing sent. Spoken: after one message of 64 bytes and its answer. A "
    "server that has a buffer for each connection touches its first page then.",
]


def contestants(build, own_options=()):
    """Name: command, and how many descriptors it takes (0: any number). Our server gets the
    options."""
    server = build / "bench" / "bench_server"
    found = {each.name: (each.command, each.most) for each in echo_contestants(build)}
    if server.is_file():
        command = (server, "--backend", "epoll", "--trigger", "level", *own_options)
        found = {BASE: (command, 0)} | found
    return found


def measure(build, cores, rounds, seed, show=lambda text: None, connections=CONNECTIONS,
            names=None, own_options=(), states=None):
    """Samples as they come, each of a new process, of these contestants or of all: name, state,
    round, connections, and bytes for each connection (`user`, `kernel`, `buffers`); or the reason
    why there are none. The states are STATES, or others."""
    states = states or STATES
    cells = [(name, *who, state) for name, who in contestants(build, own_options).items()
             for state in states if names is None or name in names]
    order = random.Random(seed)
    for number in range(1, rounds + 1):
        order.shuffle(cells)
        for place, (name, command, most, state) in enumerate(cells, 1):
            show(f"memory, round {number} of {rounds}, {place} of {len(cells)}: {name}")
            count = min(connections, most - OTHER_DESCRIPTORS) if most else connections
            sample = {"name": name, "state": state, "round": number, "connections": count}
            try:
                yield sample | _sample(build, command, cores, count, states[state])
            except Failed as failure:
                yield sample | {"reason": str(failure)}


def _sample(build, command, cores, count, mode):
    server = Child([*map(str, command), "--host", "127.0.0.1", "--port", "0"], cores[0])
    clients = []
    try:
        port = server.read_line().rpartition(":")[2]

        def open_them():
            client = mode if mode[0] == sys.executable else (
                str(build / "bench" / "load_generator"), *mode)
            clients.append(Child([*client, "--port", port, "--connections", str(count)], cores[1]))
            said = clients[0].read_line(seconds=PATIENCE)
            if said != "ready":
                raise Failed(said)

        return memory.of_connections(ProcessTree(server.pid), count, open_them)
    finally:
        for child in (*clients, server):
            child.stop()


def by_round(samples, name, state, figure="user"):
    """Bytes for each connection."""
    return {each["round"]: each[figure] for each in samples
            if each["name"] == name and each["state"] == state
            and each.get(figure) is not None}


def section(samples):
    """A table: what each takes, and how many times what Pollux takes."""
    names = sorted({each["name"] for each in samples},
                   key=lambda name: (name != BASE, _median(samples, name)))
    rows = [[name, *(_bytes(by_round(samples, name, state)) for state in STATES),
             _times(samples, name),
             _bytes(by_round(samples, name, "silent", "kernel"))] for name in names]
    reasons = dict.fromkeys(f"{each['name']}, {each['state']}: {each['reason']}"
                            for each in samples if "reason" in each)
    return Section("Memory for each connection, in bytes",
                   ["", "user, silent", "user, spoken", f"silent, times {BASE}",
                    "kernel, silent"], rows, [*NOTES, *reasons])


def _median(samples, name):
    found = estimate(by_round(samples, name, "silent").values())
    return found.median if found else float("inf")


def _bytes(values):
    found = estimate(values.values())
    return MISSING if found is None else ranged(found, 0)


def _times(samples, name):
    found = ratio(by_round(samples, name, "silent"), by_round(samples, BASE, "silent"))
    return MISSING if found is None else f"×{ranged(found)}"


def main():
    """Measures and prints the table, for whoever works on this."""
    build = Path(__file__).resolve().parents[2] / "build" / "release"
    samples = list(measure(build, machine.core_pair(), 1 if "--quick" in sys.argv else 5, 1,
                           lambda text: print(text, file=sys.stderr)))
    found = section(samples)
    print(found.title, *align(found.header, found.rows), *found.notes, sep="\n")


if __name__ == "__main__":
    main()
