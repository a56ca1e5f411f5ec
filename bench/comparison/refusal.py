"""What cannot be measured here, and why: known before anything is run."""

from pathlib import Path

from comparison.contestants import SERVER_OPTIONS
from comparison.workloads import USUAL

# Descriptors of a server or client that are no connections: standard streams, listener, epoll …
OTHER_DESCRIPTORS = 16


def refusal(workload, contestant, hard_limit, ramp=False):
    """Why this cell cannot be measured here, or not with a rate that is raised; None when it
    can."""
    return next(filter(None, (
        contestant.reason,
        _of_workload(workload, hard_limit, ramp),
        _of_contestant(workload, contestant),
    )), None)


def _of_workload(workload, hard_limit, ramp):
    if workload.users < 1:
        return (f"{workload.active * 100:g} % of {workload.connections} connections is none: "
                "nobody would send")
    needed = workload.connections + workload.idle + OTHER_DESCRIPTORS
    if needed > hard_limit:
        return f"needs {needed} descriptors, the hard limit is {hard_limit} (ulimit -Hn)"
    ports = ephemeral_ports()
    if workload.connections + workload.idle > ports:
        return (f"needs {workload.connections + workload.idle} ports of the clients, there are "
                f"{ports} (net.ipv4.ip_local_port_range)")
    if (workload.rate or ramp) and workload.load == "upload":
        return "an upload has no rate of messages"
    if workload.depth > 1 and workload.load in ("upload", "churn"):
        return "only loads that answer on a connection that stays have a depth"
    if workload.load != "http" and workload.path != USUAL["path"]:
        return "only HTTP has paths"
    if workload.load != "download" and any(
            getattr(workload, name) != USUAL[name]
            for name in ("answer", "read_rate", "receive_buffer")):
        return "only a download has answers of a size, slow readers, and receive buffers"
    return None


def _of_contestant(workload, contestant):
    if workload.load not in contestant.loads:
        return f"does not serve {workload.load}"
    needed = workload.connections + workload.idle + OTHER_DESCRIPTORS
    if contestant.most and needed > contestant.most:
        return f"select(2) takes descriptors below {contestant.most} (FD_SETSIZE)"
    for field, option in SERVER_OPTIONS.items():
        if getattr(workload, field) != USUAL[field] and field not in contestant.takes:
            return f"takes no {option}"
    if contestant.command and "--drain" in contestant.command and workload.load == "http":
        return "http_server reads as it likes"
    return None


def ephemeral_ports():
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
        return int(high) - int(low) + 1
    except (OSError, ValueError):
        return 28232
