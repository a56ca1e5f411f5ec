"""What a server and all processes that it has forked cost: CPU time, context switches, memory."""

import os
import time
from pathlib import Path

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


class ProcessTree:
    """A process that leads a session of its own, with all that belong to the session: children stay
    in it when their parent ends. One that ends while it is looked at is left out."""

    def __init__(self, leader):
        self._leader = leader

    def processes(self):
        return sorted(self._stats())

    def _stats(self):
        return {pid: fields for pid, fields in _stat_of_all().items()
                if int(fields[SESSION]) == self._leader}

    def threads(self):
        return [(pid, int(tid)) for pid in self.processes() for tid in _names(pid, "task")]

    def cpu_ns(self):
        """CPU time of all processes so far, by the clock of each. Those that have ended and were
        waited for count too, to a tick of the kernel (10 ms)."""
        total = 0
        for pid, fields in self._stats().items():
            try:
                total += time.clock_gettime_ns((~pid << 3) | 2)  # clock_getcpuclockid(3)
            except OSError:
                continue
            total += TICK_NS * (int(fields[CHILDREN_USER]) + int(fields[CHILDREN_SYSTEM]))
        return total

    def switches(self):
        """Voluntary and involuntary context switches of each thread: {(pid, tid): (v, i)}."""
        found = {}
        for pid, tid in self.threads():
            fields = _fields(PROC / str(pid) / "task" / str(tid) / "status")
            if "voluntary_ctxt_switches" in fields:
                found[pid, tid] = (int(fields["voluntary_ctxt_switches"]),
                                   int(fields["nonvoluntary_ctxt_switches"]))
        return found

    def memory_kib(self):
        """Pages of user memory, a shared one divided by those who share it (PSS), and page tables.
        Pages of files are left out: programs and libraries cost less while others run them too.
        None where the kernel does not say."""
        total = 0
        for pid in self.processes():
            pages = _fields(PROC / str(pid) / "smaps_rollup")
            tables = _fields(PROC / str(pid) / "status").get("VmPTE")
            if "Pss_Anon" not in pages or tables is None:
                return None
            total += _kib(pages["Pss_Anon"]) + _kib(pages["Pss_Shmem"]) + _kib(tables)
        return total


def switches_between(before, after):
    """Voluntary and involuntary ones of all threads. None when a thread has ended in between: its
    last switches are not known."""
    if before.keys() - after.keys():
        return None
    return tuple(
        sum(counts[kind] - before.get(thread, (0, 0))[kind] for thread, counts in after.items())
        for kind in (0, 1)
    )


class Descendants(ProcessTree):
    """A process that was there before, with its children and theirs."""

    def _stats(self):
        stats = _stat_of_all()
        found = {self._leader} & stats.keys()
        while more := {pid for pid, fields in stats.items()
                       if int(fields[PARENT]) in found and pid not in found}:
            found |= more
        return {pid: stats[pid] for pid in found}


def waiting_in_listen_queue(port):
    """How many connections to a port are established but not yet accepted; None when nobody
    listens. The kernel shows the length of the queue as received bytes."""
    lengths = [length for length, _ in _listening(port)]
    return sum(lengths) if lengths else None


def listener_of(port):
    """The process that listens on a port; None when nobody does, or it may not be looked at. Of a
    parent and the children that have the socket from it, the parent."""
    wanted = {f"socket:[{inode}]" for _, inode in _listening(port)}
    stats = _stat_of_all()
    owners = {pid for pid in stats if wanted and _has_descriptor(pid, wanted)}
    return min((pid for pid in owners if int(stats[pid][PARENT]) not in owners), default=None)


def _has_descriptor(pid, names):
    for name in _names(pid, "fd"):
        try:
            if os.readlink(PROC / str(pid) / "fd" / name) in names:
                return True
        except OSError:
            continue
    return False


def _listening(port):
    """Length of the queue and inode of each listening socket."""
    for table in ("tcp", "tcp6"):
        for line in _read(PROC / "net" / table).splitlines()[1:]:
            _, local, _, state, queues, _, _, _, _, inode = line.split()[:10]
            if state == LISTEN and int(local.rpartition(":")[2], 16) == port:
                yield int(queues.partition(":")[2], 16), int(inode)


LISTEN = "0A"
# Places in /proc/PID/stat after the name, which may hold spaces (proc_pid_stat(5)).
PARENT, SESSION, CHILDREN_USER, CHILDREN_SYSTEM = 1, 3, 13, 14


def _stat_of_all():
    found = {}
    for name in os.listdir(PROC):
        if name.isdigit():
            fields = _read(PROC / name / "stat").rpartition(")")[2].split()
            if fields:
                found[int(name)] = fields
    return found


def _names(pid, folder):
    try:
        return os.listdir(PROC / str(pid) / folder)
    except OSError:
        return []


def _fields(path):
    """The lines “name: value” of a file."""
    pairs = (line.partition(":") for line in _read(path).splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _kib(text):
    return int(text.removesuffix("kB"))


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
