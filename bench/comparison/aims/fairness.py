"""What a client that floods its server leaves to the others."""

import contextlib
import random

from comparison import statistics
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import BARE, others, own
from comparison.kernel_calls import Trace
from comparison.measure import Bench
from comparison.processes import Child, Failed
from comparison.workloads import KIB, Workload

OTHERS = 10  # connections that want small messages back
FLOOD = ("--size", 64 * KIB, "--depth", 16)
BUFFERS = (4 * KIB, 64 * KIB)
BUDGET = 4  # reads a visit, of our server
SECONDS, TRACED_SECONDS = 0.2, 0.1
PATIENCE = 1.0  # of the others, with a server that forgets them
ROUNDS = 5  # throughput is told and not judged
DRAINED = "bare-epoll-edge-drain"


@aim("fairness", "fairness: echo beside one flooding client, 4 / 64 KiB buffer",
     "reads for one descriptor between two visits of another that is ready",
     "never more than the read budget, level and edge alike; throughput reported")
def reads_and_throughput(lab):
    cases = []
    for buffer in BUFFERS[:1] if lab.quick else BUFFERS:
        modes = [own(name="level"), own(name="edge", trigger="edge"), *others(lab, BARE, DRAINED)]
        cases += [*_reads(lab, modes, buffer), *_throughput(lab, modes, buffer)]
    return cases


def _reads(lab, modes, buffer):
    found = {each.name: float(_most_reads(lab, each, buffer)) for each in modes}
    exact = {name: statistics.Estimate(value, value, value, 1) for name, value in found.items()}
    beside = {name: exact.pop(name) for name in (BARE, DRAINED) if name in exact}
    return [Case(f"{name}, {buffer // KIB} KiB", Limit(float(BUDGET), exact=True), figure,
                 digits=0, unit="reads", beside=beside) for name, figure in exact.items()]


def _most_reads(lab, contestant, buffer):
    lab.show(f"reads of {contestant.name}, {buffer // KIB} KiB")
    with _server(lab, contestant, buffer, TRACED_SECONDS) as run:
        run.connect()
        with Trace(run.tree, lab.client_core) as trace:
            with _flood(lab, run.server.port), contextlib.suppress(Failed):
                run.measure(TRACED_SECONDS)
            return trace.most_reads_of_one()


def _throughput(lab, modes, buffer):
    rates = {each.name: {} for each in modes}
    order = random.Random(lab.seed)
    for number in range(1 if lab.quick else ROUNDS):
        order.shuffle(modes)
        for each in modes:
            lab.show(f"throughput of {each.name}, {buffer // KIB} KiB, round {number + 1}")
            with _server(lab, each, buffer, SECONDS) as run:
                run.connect()
                rates[each.name][number] = _rate_beside_flood(lab, run)
    found = {name: statistics.ratio(each, rates[BARE]) for name, each in rates.items()}
    return [Case(f"throughput of the others to {BARE}, {name}, {buffer // KIB} KiB", None,
                 found[name], beside={DRAINED: found[DRAINED]}) for name in ("level", "edge")]


def _rate_beside_flood(lab, run):
    """None of the others may be answered at all."""
    with _flood(lab, run.server.port), contextlib.suppress(Failed):
        load = run.measure(SECONDS)
        return load["requests"] / load["seconds"]
    return 0.0


def _server(lab, contestant, buffer, seconds):
    bench = Bench(lab.build, lab.server_core, lab.server_core, lab.client_core,
                  patience=PATIENCE)
    return bench.under_load(Workload("echo", OTHERS, read_size=buffer), contestant, seconds)


@contextlib.contextmanager
def _flood(lab, port):
    flood = Child([str(word) for word in (
        lab.build / "bench" / "load_generator", "--mode", "echo", *FLOOD, "--port", port,
        "--seconds", 60, "--handshake")], lab.client_core)
    try:
        if (line := flood.read_line()) != "ready":
            raise Failed(line)
        flood.write_line("go")
        yield
    finally:
        flood.stop()
