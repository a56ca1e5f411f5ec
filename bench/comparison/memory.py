"""What connections cost in memory: the server's own, and the kernel's.

The kernel's figures are those of the whole machine, so whatever else goes on there is in them: take
the median of several samples, on a quiet machine. Over loopback they hold both ends of a
connection, the client's too: two sockets, two inodes, two open files. What a server adds to that
(registrations, threads) is the difference of two servers."""

import os
import resource
import select
from dataclasses import dataclass
from pathlib import Path

from comparison.processes import settle

PROC = Path("/proc")
SLABS = Path("/sys/kernel/slab")
PAGE = resource.getpagesize()
# What epoll(7) keeps for a registration: the item, its entry in the queue of who waits for the
# file, and, once for each file, the list of its items.
REGISTRATION = ("eventpoll_epi", "eventpoll_pwq", "ep_head")


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


def of_registration():
    """The sizes of the objects that epoll keeps for one registration: {"eventpoll_epi": 128, …}.
    None unless this is root, and where the kernel has another allocator."""
    sizes = {name: _number(SLABS / name / "slab_size") for name in REGISTRATION}
    return None if None in sizes.values() else sizes


def registration_growth(count):
    """One sample: by how many bytes the kernel has grown for each of `count` registrations, made
    by this process. Raises OSError when it has too few descriptors."""
    descriptors = []
    try:
        for _ in range(count):
            descriptors.append(os.eventfd(0))
        with select.epoll() as epoll:
            before = _fields(PROC / "meminfo")["SUnreclaim"]
            for descriptor in descriptors:
                epoll.register(descriptor, select.EPOLLIN)
            return (_fields(PROC / "meminfo")["SUnreclaim"] - before) * 1024 / count
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


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


def _number(path):
    lines = _lines(path)
    return int(lines[0].split()[0]) if lines else None


def _lines(path):
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
