"""Who is compared: modes of Pollux, models of serving, peers, and servers of one's own."""

import os
import shlex
from dataclasses import dataclass

from comparison import contestants_of_peers
from comparison.contestants_of_peers import FD_SETSIZE

POOL_THREADS = 64
SERVER = "bench_server"
# What a workload may ask of a server: the field of the Workload, and the option that says it.
SERVER_OPTIONS = {"accepts": "--accepts", "read_size": "--read-size", "work": "--work",
                  "loops": "--loops"}


@dataclass(frozen=True)
class Contestant:
    """A server, and how it is started. The first word of the command is a program of the build (its
    name) or any other; a word may hold {port}, {request} and {answer}."""

    name: str
    group: str  # "modes", "models", "peers" or "own"
    command: tuple = ()
    loads: tuple = ("echo",)  # what it can be put under
    takes: tuple = ()  # those of SERVER_OPTIONS that it knows
    most: int = 0  # descriptors that its facility takes; 0: as many as the system allows
    announces: bool = True  # takes --host and --port 0, and prints “listening on …” first
    counts: bool = False  # it has a twin NAME_hooked that counts its system calls
    all_cores: bool = False  # several threads or processes: all cores but the clients'
    port: int = 0  # it runs already, and listens here
    reason: str = ""  # why it can never run
    library: str = ""
    version: str = ""
    what: str = ""  # "thread per connection", "completion engine" …


def server(name, *words, backend="epoll", trigger="level", group="modes", **more):
    """Pollux's own server of the laboratory, with further options."""
    return Contestant(
        name, group, (SERVER, "--backend", backend, "--trigger", trigger, *map(str, words)),
        loads=("echo", "upload", "download", "churn", "http"), takes=tuple(SERVER_OPTIONS),
        most=FD_SETSIZE if backend == "select" else 0, counts=True, **more)


MODES = [
    server("select-level", backend="select"),
    server("poll-level", backend="poll"),
    server("epoll-level"),
    server("epoll-edge", trigger="edge"),
    server("epoll-edge-drain", "--drain", trigger="edge"),
    server("epoll-one-shot", trigger="one-shot"),
    server("adaptive-level", backend="adaptive"),
    server("io_uring-level", backend="io_uring"),
]
TRIGGERS = ["level", "edge", "edge-drain", "one-shot"]
BACKENDS = ["select", "poll", "epoll", "adaptive", "io_uring"]
BASE = "epoll-level"  # what the others are held against

def impossible(name):
    """A backend with a trigger that it has not."""
    backend, _, trigger = name.partition("-")
    return Contestant(name, "modes",
                      reason=f"{backend} has no {trigger} trigger: it is epoll's alone")


MODEL_SERVER = "upper_server"
MODEL_NAMES = ["iterative", "threads", "pool", "fork", "reactor", "multi", "coroutine"]
MODEL_BASE = "reactor"


def models(cores):
    """`multi` has at least two loops: with one it is the reactor."""
    threads = {"pool": POOL_THREADS, "multi": max(2, cores)}
    return [
        Contestant(
            name, "models",
            (MODEL_SERVER, "--model", name, "--backend", "epoll", "--trigger", "level",
             *(("--threads", str(threads[name])) if name in threads else ())),
            loads=("upper",), all_cores=True)
        for name in MODEL_NAMES
    ]


def peers(build):
    """The echo servers of other libraries that could be built here."""
    return [
        Contestant(each.name, "peers", tuple(map(str, each.command)), loads=("echo", "churn"),
                   takes=("read_size", "work"), most=each.most,
                   all_cores=each.what == "thread per connection", library=each.library,
                   version=each.version, what=each.what)
        for each in contestants_of_peers.echo_contestants(build)
    ]


# Variants of one loop that are measured only when they are named.
ON_DEMAND = {"bare-epoll-drain", "bare-epoll-edge-drain", "bare-epoll-one-shot"}


def own(text):
    """NAME=COMMAND, in which {port} stands for the port to listen on, or NAME=:PORT for a server
    that runs already. Raises ValueError."""
    name, found, command = text.partition("=")
    if not found or not name.strip() or not command.strip():
        raise ValueError(f"“{text}” is not NAME='COMMAND … {{port}}' and not NAME=:PORT")
    loads = ("echo", "upper", "upload", "download", "churn", "http")
    if command.startswith(":"):
        if not command[1:].isdigit() or not 0 < int(command[1:]) < 65536:
            raise ValueError(f"“{command}” is not a port")
        return Contestant(name, "own", loads=loads, port=int(command[1:]))
    words = tuple(shlex.split(command))
    if not any("{port}" in word for word in words):
        raise ValueError(f"{{port}} is missing in “{command}”")
    return Contestant(name, "own", words, loads=loads, announces=False)


def program(build, name):
    """The path of a program of the build; None where there is none of this name."""
    if os.sep in name:
        return name if os.path.exists(name) else None
    for folder in ("bench", "bench/peers", "demos"):
        if (build / folder / name).exists():
            return build / folder / name
    return None
