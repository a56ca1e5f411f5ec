"""The echo servers of bench/peers: what there is to compare with, and what is missing here."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Library: the Debian package that brings it.
PACKAGES = {
    "libevent": "libevent-dev",
    "libev": "libev-dev",
    "libuv": "libuv1-dev",
    "Asio": "libasio-dev",
    "liburing": "liburing-dev",
}
# select(2) takes numbers below this; glibc fixes it when the program is compiled.
FD_SETSIZE = 1024
LOOP = "a loop by hand"
CALLBACKS = "readiness callbacks"
STREAMS = "buffered streams"

SCRIPT = Path(__file__).resolve().parents[1] / "peers" / "echo_selectors.py"


@dataclass(frozen=True)
class EchoPeer:
    name: str
    command: tuple  # what starts it; --host and --port are still to be added
    library: str  # "kernel" for those that need none
    version: str  # the program's own words
    what: str  # the kind of thing it is, for people
    most: int = 0  # descriptors that its facility takes; 0: as many as the system allows


def _bare(name, what, *options):
    return name, "echo_bare", options, "kernel", what


# Name, program, options, library, what it is.
_ALL = [
    _bare("bare-epoll", "the floor: " + LOOP),
    _bare("bare-epoll-drain", LOOP + ", reads until EAGAIN", "--drain"),
    _bare("bare-epoll-edge", LOOP + ", stops at a short read", "--trigger", "edge"),
    _bare("bare-epoll-edge-drain", LOOP + ", reads until EAGAIN", "--trigger", "edge", "--drain"),
    _bare("bare-epoll-one-shot", LOOP, "--trigger", "one-shot"),
    _bare("bare-poll", LOOP, "--backend", "poll"),
    _bare("bare-select", LOOP, "--backend", "select"),
    ("libevent", "echo_libevent", (), "libevent", STREAMS + " (bufferevent)"),
    ("libevent-event", "echo_libevent_event", (), "libevent", CALLBACKS),
    ("libev", "echo_libev", (), "libev", CALLBACKS),
    ("libuv", "echo_libuv", (), "libuv", STREAMS),
    ("libuv-try", "echo_libuv", ("--try-write",), "libuv", STREAMS + ", uv_try_write first"),
    ("asio", "echo_asio", (), "Asio", "completions over readiness"),
    ("liburing", "echo_uring", (), "liburing", "completion engine"),
    ("bare-threads", "echo_threads", (), "kernel", "thread per connection"),
    ("python-selectors", "echo_selectors.py", (), "Python", "a loop in an interpreter"),
]


def echo_contestants(build):
    """Those that were built into this folder, as a list of EchoPeer; the floor comes first."""
    found = [(each, _command(build, each[1])) for each in _ALL]
    return [EchoPeer(name, (*command, *options), library, _version(command), what,
                     FD_SETSIZE if "select" in options else 0)
            for (name, _, options, library, what), command in found if command]


def missing(build):
    """Libraries without a server here, each with the Debian package that would bring it."""
    absent = {library for _, program, _, library, _ in _ALL if not _command(build, program)}
    return {library: PACKAGES[library] for library in PACKAGES if library in absent}


def _command(build, program):
    if program == SCRIPT.name:
        return (sys.executable, str(SCRIPT))
    path = Path(build) / "bench" / "peers" / program
    return (str(path),) if path.is_file() else None


def _version(command):
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=10)
    return said.stdout.strip()
