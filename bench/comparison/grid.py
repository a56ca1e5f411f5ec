"""Axes of the command line: every combination of their values is a workload."""

from itertools import product

from comparison.workloads import USUAL, Workload, usual_size

LARGEST_UPLOAD = 50  # connections; with more, an upload shows nothing further


def add_axes(parser):
    """Each is a comma list; None when it is not given."""
    axes = parser.add_argument_group(
        "axes", "Each takes a comma list; all combinations are measured, or refused beforehand.")
    axes.add_argument("--load", type=_loads, metavar="LOAD,…",
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
    axes.add_argument("--accepts", type=_list(_natural), metavar="N,…",
                      help="accepts in one visit of the listener (0: as the server likes)")
    axes.add_argument("--read-size", type=_list(_natural), metavar="BYTES,…",
                      help="largest read of the server (0: as it likes)")
    axes.add_argument("--work", type=_list(_duration), metavar="µs,…",
                      help="work of the server for each request (0)")
    axes.add_argument("--loops", type=_list(_count), metavar="N,…",
                      help="event loops of the server (1)")
    axes.add_argument("--path", type=_paths, metavar="PATH,…",
                      help="what an HTTP server is asked for (/plain)")
    axes.add_argument("--rate", type=_list(_duration), metavar="PER SECOND,…",
                      help="messages that fall due, answered or not: an open loop, its latency "
                      "from the moment a message was due (0: a closed loop)")


CROSSED = ["active", "idle", "depth", "answer", "read_rate", "accepts", "read_size", "work",
           "loops", "path", "rate"]
# Axes that not every load has.
OF_LOADS = {"path": ["http"], "answer": ["download"], "read_rate": ["download"],
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

    parse.__name__ = one.__name__.removeprefix("_")  # argparse says “invalid count value”
    return parse


def _count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _natural(text):
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def _share(text):
    value = float(text.removesuffix("%")) / 100
    if not text.endswith("%") or not 0 < value <= 1:
        raise ValueError
    return value


def _duration(text):
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def _paths(text):
    paths = text.split(",")
    if not all(path.startswith("/") for path in paths):
        raise ValueError
    return paths


def _loads(text):
    loads = text.split(",")
    if any(load not in ("echo", "upload", "download", "churn", "http") for load in loads):
        raise ValueError
    return loads
