"""Axes of the command line: every combination of their values is a workload."""

from argparse import ArgumentTypeError
from itertools import product
from math import inf

from comparison.workloads import SLOW_BUFFER, USUAL, Workload, usual_size

LOADS = ["echo", "upload", "download", "churn", "http"]
LONGEST_WORK = 10_000_000  # microseconds that a server takes
LARGEST_UPLOAD = 50  # connections; with more, an upload shows nothing further


def add_axes(parser):
    """Each is a comma list; None when it is not given."""
    axes = parser.add_argument_group(
        "axes", "Each takes a comma list; all combinations are measured, or refused beforehand.")
    axes.add_argument("--load", type=_list(_load), metavar="LOAD,…",
                      help="echo, upload, download, churn (a connection for each request), http "
                      "(echo and upload)")
    axes.add_argument("--connections", type=_list(_count), metavar="N,…",
                      help="connections that the server watches (1,50,500,5000)")
    axes.add_argument("--active", type=_list(_share), metavar="P%,…",
                      help="share of them that is used; another process holds the rest (100%%)")
    axes.add_argument("--idle", type=_list(_natural), metavar="N,…",
                      help="further connections that another process holds (0)")
    axes.add_argument("--size", type=_list(_count), metavar="BYTES,…",
                      help="of a message (64), of one write of an upload (65536)")
    axes.add_argument("--depth", type=_list(_count), metavar="N,…",
                      help="messages under way on each connection (1)")
    axes.add_argument("--answer", type=_list(_count), metavar="BYTES,…",
                      help="of the answer to a download (1048576)")
    axes.add_argument("--read-rate", type=_list(_natural), metavar="BYTES,…",
                      help="per second that each client of a download reads; 0: all it can (0)")
    axes.add_argument("--receive-buffer", type=_list(_natural), metavar="BYTES,…",
                      help="of each client of a download (0: as the kernel likes, and "
                      f"{SLOW_BUFFER} for slow readers)")
    axes.add_argument("--accepts", type=_list(_natural), metavar="N,…",
                      help="accepts in one visit of the listener (0: as the server likes)")
    axes.add_argument("--read-size", type=_list(_natural), metavar="BYTES,…",
                      help="largest read of the server (0: as it likes)")
    axes.add_argument("--work", type=_list(_microseconds), metavar="µs,…",
                      help="work of the server for each request (0)")
    axes.add_argument("--loops", type=_list(_count), metavar="N,…",
                      help="event loops of the server (1)")
    axes.add_argument("--path", type=_list(_path), metavar="PATH,…",
                      help="what an HTTP server is asked for (/plain)")
    axes.add_argument("--rate", type=_list(_rate), metavar="PER SECOND,…",
                      help="messages that fall due, answered or not: an open loop, its latency "
                      "from the moment a message was due (0: a closed loop)")


CROSSED = ["active", "idle", "depth", "answer", "read_rate", "receive_buffer", "accepts",
           "read_size", "work", "loops", "path", "rate"]
# Axes that not every load has.
OF_LOADS = {"path": ["http"], "answer": ["download"], "read_rate": ["download"],
            "receive_buffer": ["download"],
            "depth": ["echo", "upper", "download", "http"],
            "rate": ["echo", "upper", "download", "churn", "http"]}


def workloads(options, loads, connections):
    """Of the parsed options; `loads` and `connections` stand in for what was not given."""
    return [workload for load in options.load or loads
            for workload in _crossed(options, load, connections)
            if options.load or load != "upload" or workload.connections <= LARGEST_UPLOAD]


def model_workloads(options, connections):
    """The models serve one load: messages that come back in upper case."""
    return _crossed(options, "upper", connections)


def _crossed(options, load, connections):
    """An axis that this load has not is left to those loads that have it; where none has, it is
    kept, to be refused with the reason."""
    loads, found = options.load or [load], []
    axes = [
        getattr(options, name) if getattr(options, name) and (
            load in OF_LOADS.get(name, [load]) or not set(loads) & set(OF_LOADS[name]))
        else [USUAL[name]] for name in CROSSED
    ]
    for count, size, *values in product(options.connections or connections,
                                        options.size or [usual_size(load)], *axes):
        found.append(Workload(load, count, size, **dict(zip(CROSSED, values))))
    return list(dict.fromkeys(found))


def given(options):
    """Whether the user has named any axis but the number of connections."""
    return any(getattr(options, name) for name in ["load", "size", *CROSSED])


def _list(one):
    def parse(text):
        return [one(part.strip()) for part in text.split(",")]

    return parse


def _whole(text, low, high=inf):
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        most = "on" if high == inf else f"to {high}"
        raise ArgumentTypeError(f"“{text}” is no whole number from {low} {most}")
    return value


def _count(text):
    return _whole(text, 1)


def _natural(text):
    return _whole(text, 0)


def _microseconds(text):
    return _whole(text, 0, LONGEST_WORK)


def _share(text):
    value = _number(text.removesuffix("%"))
    if not text.endswith("%") or not 0 < value <= 100:
        raise ArgumentTypeError(f"“{text}” is no share above 0% and up to 100%: write 1%")
    return value / 100


def _rate(text):
    value = _number(text)
    if not 0 <= value < 1e9:
        raise ArgumentTypeError(f"“{text}” is no rate: a number from 0 to below 1000000000")
    return int(value) if value.is_integer() else value


def _number(text):
    """What is no number is below all that are allowed."""
    try:
        return float(text)
    except ValueError:
        return -inf


def _path(text):
    if not text.startswith("/"):
        raise ArgumentTypeError(f"“{text}” is no path: it begins with /")
    return text


def _load(text):
    if text not in LOADS:
        raise ArgumentTypeError(f"no {text}; there are {', '.join(LOADS)}")
    return text
