"""How it was measured, and what the figures cannot show."""

from comparison.report.content import Section, Text
from comparison.report.origin import plain

METHOD = (
    "Server and clients run on a core each and speak over loopback. Each visit to a cell starts a "
    "fresh server and warms it up. A round visits every cell once; the contestants of a workload "
    "come in random order, so that what drifts meets all alike.",
    "A figure is the median of the rounds with its 95 % interval by bootstrap. Ratios are formed "
    "within a round and their median taken. A difference is only claimed with at least 20 rounds "
    "and an interval that does not hold 1.",
    "Counts stand before times: system calls are counted in rounds of their own, and the timed "
    "servers count nothing. Server CPU time is read before and after the measured phase, of all "
    "threads and processes; it holds on an unsteady machine where rates and latencies do not.",
    "In a closed loop a client sends its next message when the answer has come: it says what is "
    "the most a server does, and nothing about what waiting costs. In an open loop messages fall "
    "due at a rate of their own, and latency counts from then on. Every byte is checked. Where the "
    "client had no time left, the rate is its limit and not the server's, and that is said.",
)
LIMITS = (
    "What this cannot show: loopback has no network card, no interrupts of one, no loss and next "
    "to no delay. With two cores a server of several loops or threads shares what there is, so "
    "figures show what it costs and not how it scales. In a virtual machine other guests take time "
    "from both. Absolute figures are this machine's; ratios and counts travel better.",
)


def section(measured):
    parts = [Text(text) for text in METHOD + LIMITS]
    plan = measured.document.get("plan") if measured else None
    if plan:
        parts.append(Text(f"The plan of bench/run: {plain(plan)}.", quiet=True))
    return Section("How it was measured, and its limits", parts)
