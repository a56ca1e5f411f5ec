"""What the kernel saw a server do, whoever wrote it: its system calls, counted by strace(1).

A tracer stops the server twice in every call, so a server under it is slow: counts are taken in a
run of their own, and nothing is timed there. A slower server finds more that is ready at each wait;
compare waits only with those that were counted in the same way."""

import os
import re
import signal
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from comparison.engine_counters import difference, look
from comparison.process_tree import ProcessTree
from comparison.processes import Child, Failed, settle

WAITS = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"}
RING = "io_uring_enter"  # waits, reads and writes at once, and does not say what
CHANGES = {"epoll_ctl"}
READS = {"read", "readv", "recvfrom", "recvmsg", "recvmmsg"}
WRITES = {"write", "writev", "sendto", "sendmsg", "sendmmsg", "sendfile"}
COUNT_MESSAGES = {"recvmmsg", "sendmmsg"}  # their result is not in bytes
ACCEPTS = {"accept", "accept4"}
ATTACH_SECONDS = 10.0


@dataclass
class Counts:
    """Calls on the three standard streams are left out, which are nobody's connections."""

    calls: Counter = field(default_factory=Counter)  # by the kernel's names
    blocked: Counter = field(default_factory=Counter)  # those that answered EAGAIN
    bytes_read: int = 0
    bytes_written: int = 0
    events: int = 0  # descriptors reported by waits
    wake_ups: int = 0  # waits that reported any
    timeouts: int = 0  # waits that reported none
    interrupted: int = 0  # waits ended by a signal or by the tracer
    # Wake-ups after which the same thread did nothing before its next wait but calls that would
    # have blocked, and changes of registrations.
    spurious: int = 0

    def of(self, names):
        return sum(self.calls[name] for name in names)

    def blocked_of(self, names):
        return sum(self.blocked[name] for name in names)

    def others(self):
        known = WAITS | CHANGES | READS | WRITES | ACCEPTS | {RING, "close"}
        return self.calls.total() - self.of(known)

    def per(self, amount):
        """The figures for each of so many requests. None where the kernel does not show it: the
        work of an io_uring is in no call."""
        values = {
            "waits": self.of(WAITS | {RING}), "wake_ups": self.wake_ups, "spurious": self.spurious,
            "timeouts": self.timeouts, "changes": self.of(CHANGES),
            "reads": self.of(READS), "reads_blocked": self.blocked_of(READS),
            "bytes_read": self.bytes_read,
            "writes": self.of(WRITES), "writes_blocked": self.blocked_of(WRITES),
            "bytes_written": self.bytes_written,
            "accepts": self.of(ACCEPTS), "accepts_blocked": self.blocked_of(ACCEPTS),
            "closes": self.calls["close"], "others": self.others(), "calls": self.calls.total(),
        }
        figures = {name: value / amount for name, value in values.items()}
        figures["events_per_wait"] = _ratio(self.events, self.of(WAITS))
        figures["bytes_per_wake_up"] = _ratio(self.bytes_read, self.wake_ups)
        if self.calls[RING]:
            figures.update(dict.fromkeys(figures.keys() - {"waits", "calls", "others"}))
        return figures


class Trace:
    """Follows all threads of all processes of a `ProcessTree`, and what they fork, for the length
    of a `with` statement; then they go on alone. To begin and to end it interrupts their waits: a
    server that takes EINTR for a failure ends. Raises Failed where that is not possible."""

    def __init__(self, tree, cores):
        self._tree = tree
        self._cores = cores
        self._folder = None
        self._strace = None
        self._begin = 0

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="pollux_trace_")
        self._log = Path(self._folder.name) / "log"
        try:
            self._attach(self._tree.processes())
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def pid(self):
        """Of strace."""
        return self._strace.pid

    def begin(self):
        """From here on it is counted; once more, and counting starts again."""
        self._settle()
        # The call that each thread waits in is counted when it returns.
        self._begin = self._log.read_bytes().rfind(b"\n") + 1

    def counts(self):
        """What has been done since, when the server is at rest again."""
        before, since = self._lines()
        return count(since, before)

    def most_reads_of_one(self):
        """The same of `most_reads_of_one`."""
        return most_reads_of_one(self._lines()[1])

    def _lines(self):
        """Those before the counting began, and those since."""
        self._settle()
        log = self._log.read_bytes()
        return [part.decode(errors="replace").splitlines()
                for part in (log[:self._begin], log[self._begin:])]

    def __exit__(self, *_):
        if self._strace is not None:
            self._strace.stop(signal.SIGINT)  # it detaches first
        self._folder.cleanup()

    def _attach(self, pids):
        if not pids:
            raise Failed("there is no process whose system calls could be counted")
        command = ["strace", "-f", "-s", "0", "-o", str(self._log)]
        try:
            self._strace = Child(
                command + [word for pid in pids for word in ("-p", str(pid))], self._cores)
            for _ in pids:
                said = ""
                while " attached" not in said and "No such process" not in said:
                    if said.startswith("strace: attach: "):
                        raise Failed(said)
                    said = self._strace.read_line("stderr", ATTACH_SECONDS)
        except Failed as problem:
            raise Failed(f"system calls cannot be counted from outside: {problem}") from None

    def _settle(self):
        settle(self._tree.cpu_ns)
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            raise Failed("strace has ended before its time")


def counted_run(tree, cores, work):
    """What a server at rest does while `work()` runs: `(Counts, what work returned)`."""
    with Trace(tree, cores) as trace:
        result = work()
        return trace.counts(), result


def checked_run(server, cores, work):
    """The same for the `Child` of a server of ours that is linked with pollux_hooked and has
    `--stats`: `(Counts, what work returned, differences)`, see `check_against_engine`."""
    with Trace(ProcessTree(server.pid), cores) as trace:
        before = look(server)
        trace.begin()
        result = work()
        counts = trace.counts()
        after = look(server)  # counted by both: what followed the look before
        return counts, result, check_against_engine(trace.counts(), difference(after, before))


# A call in one line, or its end when another thread was heard of in between:
#     123 recvfrom(7, ""..., 65536, 0, NULL, NULL) = 64
#     123 epoll_wait(3,  <unfinished ...>
#     123 <... epoll_wait resumed>[...], 64, -1) = 1
LINE = re.compile(r"(\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
RESULT = re.compile(r".*\) += (?P<result>\?|-?\d+|0x[0-9a-f]+)(?: (?P<error>E\w+))?")
RESUMED_WAIT = re.compile(r"<\.\.\. resuming interrupted (?P<name>\w+) \.\.\.>")
DESCRIPTOR = re.compile(r"\d+")


def count(lines, before=()):
    """The counts of lines that strace has written. The calls of those `before` are not counted,
    but when they end later."""
    counts, threads = Counts(), {}
    for place, line in enumerate([*before, *lines]):
        match = LINE.match(line)
        if not match:
            continue  # a signal, or the end of a thread
        thread = threads.setdefault(match[1], _Thread())
        ended = thread.take(match["resumed"], match["name"], match["rest"])
        if ended and place >= len(before):
            _add(counts, thread, *ended)
    for thread in threads.values():
        thread.waits_again(counts)
    return counts


def most_reads_of_one(lines):
    """How often a server of one thread has read from the same descriptor between two waits, at
    most: so long does another wait that is ready."""
    most, reads = 0, Counter()
    thread = _Thread()
    for match in filter(None, map(LINE.match, lines)):
        ended = thread.take(match["resumed"], match["name"], match["rest"])
        if ended and ended[0] in WAITS:
            reads.clear()
        elif ended and ended[0] in READS:
            reads[_descriptor(ended[1])] += 1
            most = max(most, *reads.values())
    return most


class _Thread:
    """What is known of a thread between two lines."""

    def __init__(self):
        self.first = ""  # argument of the call that has not ended
        self.woken = False  # its last wait reported something, and it has done nothing since

    def take(self, resumed, name, rest):
        """(name, first argument, result, error) of a call that the line ends; else None."""
        if name:
            self.first = rest
        result = RESULT.match(rest)
        if not result or result["result"] == "?":  # goes on, or is begun once more by the kernel
            return None
        name = resumed or name
        if name == "restart_syscall":
            again = RESUMED_WAIT.match(self.first)
            name = again["name"] if again else name
        return name, self.first, int(result["result"], 0), result["error"]

    def waits_again(self, counts):
        counts.spurious += self.woken
        self.woken = False


def _add(counts, thread, name, first, result, error):
    if name in READS | WRITES | {"close"} and _descriptor(first) in (0, 1, 2):
        thread.woken = False
        return
    counts.calls[name] += 1
    blocked = error == "EAGAIN"
    counts.blocked[name] += blocked
    if name in WAITS:
        thread.waits_again(counts)
        _add_wait(counts, thread, result)
    elif name == RING:
        thread.woken = False
    elif not blocked and name not in CHANGES:
        thread.woken = False
    if result > 0 and name not in COUNT_MESSAGES:
        counts.bytes_read += result if name in READS else 0
        counts.bytes_written += result if name in WRITES else 0


def _add_wait(counts, thread, result):
    if result < 0:
        counts.interrupted += 1
    elif result == 0:
        counts.timeouts += 1
    else:
        counts.events += result
        counts.wake_ups += 1
        thread.woken = True


def _descriptor(first):
    match = DESCRIPTOR.match(first)
    return int(match[0]) if match else None


def _ratio(part, whole):
    return part / whole if whole else 0.0


# What the library counts, by its names, as the kernel calls it. What is left out is no system call
# (clock_gettime), several, or made by libc and others as well (mmap).
ENGINE_CALLS = {
    **{name: (name,) for name in (
        "accept4", "bind", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait2",
        "fcntl", "getpeername", "getsockname", "getsockopt", "ioctl", "listen", "ppoll", "read",
        "recvmmsg", "recvmsg", "sendfile", "sendmmsg", "sendmsg", "setsockopt", "shutdown",
        "socket", "splice", "write")},
    "epoll_wait": ("epoll_wait", "epoll_pwait"),
    "eventfd": ("eventfd2",),
    "pselect": ("pselect6",),
    "recv": ("recvfrom",),
    "send": ("sendto",),
    "sendto": ("sendto",),
    "signalfd": ("signalfd4",),
}


def check_against_engine(kernel, engine):
    """Where the two disagree, a sentence for each call. `engine` is the difference of two looks
    (`engine_counters`) at a server linked with pollux_hooked that is at rest: the first right
    before `Trace.begin`, the second right before `Trace.counts`. Exact for a server of one thread:
    of several, some may be on their way to the next wait while one looks."""
    differences = []
    for kind, seen in (("calls", kernel.calls), ("blocked", kernel.blocked)):
        counted = Counter()
        for name, names in ENGINE_CALLS.items():
            counted[names] += round(engine.get(f"{kind}.{name}", 0))
        for names, number in counted.items():
            shown = sum(seen[name] for name in names)
            if shown != number:
                what = names[0] + (" that would block" if kind == "blocked" else "")
                differences.append(f"{what}: {number} by the engine, {shown} by the kernel")
    return differences
