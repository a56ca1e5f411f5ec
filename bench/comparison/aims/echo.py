"""System calls of a server that sends small messages back."""

from comparison import contest
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import BARE, OTHERS, OWN, cells, others, own, reasons, traced
from comparison.workloads import Workload

MESSAGE, DEPTH = 64, 16


@aim("echo-calls", "echo, 64 B, level", "system calls per request, 1 / 50 connections / 16 deep",
     "3.00 / ≤ 2.03 / ≤ 0.13")
def calls_per_request(lab):
    return [_calls(lab, name, workload, Limit(most, exact=True)) for name, workload, most in (
        ("1 connection", Workload("echo", 1), 3.0),
        ("50 connections", Workload("echo", 50), 2.03),
        (f"50 connections, {DEPTH} deep", Workload("echo", 50, depth=DEPTH), 0.13))]


def _calls(lab, name, workload, limit):
    figures = traced(lab, cells([own(), *others(lab, BARE, *OTHERS)], workload))
    return case_of(figures, name, limit, "kernel_calls")


def case_of(figures, name, limit, key, cell=OWN, **more):
    """Of our server; what others did is beside it. A count of none is no figure of theirs."""
    found = {other: figures.estimate(other, key)
             for other in sorted({each["cell"] for each in figures.samples} - {cell})}
    return Case(name, limit, figures.estimate(cell, key),
                beside={other: each for other, each in found.items() if each},
                reason=reasons(figures, [cell]), **more)


@aim("echo-edge", "echo, edge", "reads per request",
     "1 where a short read proves the buffer empty and no end is pending, else 2")
def reads_at_edge(lab):
    """Messages that are due now and then: while a read is made the next has not come yet."""
    return [_reads(lab, name, most, **more) for name, most, more in (
        ("short reads", 1.0, {}), ("reads that fill the buffer", 2.0, {"read_size": MESSAGE}))]


def _reads(lab, name, most, **more):
    workload = Workload("echo", 1, size=MESSAGE, rate=1000, **more)
    modes = [own(trigger="edge"), *others(lab, "bare-epoll-edge", "bare-epoll-edge-drain", "asio")]
    figures = traced(lab, cells(modes, workload, contest.TWO_CORES), seconds=0.2)
    return case_of(figures, name, Limit(most, exact=True), "kernel_reads")


@aim("batch-writes", "16 small messages answered one by one in a batch", "writes per batch", "1")
def writes_per_batch(lab):
    """The server sends an answer for each message, and the messages come together."""
    workload = Workload("download", 1, size=MESSAGE, answer=MESSAGE, depth=DEPTH)
    figures = traced(lab, cells([own()], workload))
    writes = figures.derived(lambda per_mib: per_mib * MESSAGE * DEPTH / (1 << 20),
                             (OWN, "kernel_writes"))
    return [Case("", Limit(1.0, exact=True), writes, reason=reasons(figures, [OWN]))]
