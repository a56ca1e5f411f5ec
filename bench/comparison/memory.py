"""What connections cost in memory: the server's own, and the kernel's.

The kernel's figures are those of the whole machine, so whatever else goes on there is in them: take
the median of several samples, on a quiet machine. Over loopback they hold both ends of a
connection, the client's too: two sockets, two inodes, two open files. What a server adds to that
(registrations, threads) is the difference of two servers."""

import resource
from dataclasses import dataclass
from pathlib import Path

from comparison.processes import settle

PROC = Path("/proc")
PAGE = resource.getpagesize()


@dataclass(frozen=True)
class Memory:
    """In bytes. None where the kernel does not say."""

    user: int | None  # of the server: `ProcessTree.memory_kib`
    kernel: int | None  # of the machine: objects (Slab) and stacks of threads
    buffers: int | None  # of the machine: what waits in TCP sockets to be read or acknowledged

    def since(self, before, connections):
        """By how much it has grown for each connection: {"user": …, "kernel": …, "buffers": …}."""
        pairs = {name: (getattr(before, name), getattr(self, name))
                 for name in ("user", "kernel", "buffers")}
        return {name: None if None in pair else (pair[1] - pair[0]) / connections
                for name, pair in pairs.items()}


def memory_now(tree):
    """With the server of that `ProcessTree`."""
    kib = tree.memory_kib()
    return Memory(None if kib is None else kib * 1024, _kernel(), _buffers())


def of_connections(tree, connections, open_them):
    """One sample: bytes for each of so many connections, as `Memory.since`. `open_them` has another
    process open them, and returns when the server has accepted all."""
    settle(tree.cpu_ns)
    before = memory_now(tree)
    open_them()
    settle(tree.cpu_ns)
    return memory_now(tree).since(before, connections)


def _kernel():
    """Page tables are left out: the server's are in its own figure, and the rest is of others."""
    fields = _fields(PROC / "meminfo")
    parts = [fields.get(name) for name in ("Slab", "KernelStack")]
    return None if None in parts else sum(parts) * 1024


def _buffers():
    for line in _lines(PROC / "net" / "sockstat"):
        if line.startswith("TCP:"):
            words = line.split()[1:]
            numbers = dict(zip(words[::2], words[1::2]))
            return int(numbers["mem"]) * PAGE
    return None


def _fields(path):
    """The lines “name: number kB” of a file."""
    pairs = (line.partition(":") for line in _lines(path))
    return {name: int(value.split()[0]) for name, _, value in pairs}


def _lines(path):
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
