"""What strace says, counted; and that the engine's own counters say the same."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

from comparison.kernel_calls import (Trace, check_against_engine, checked_run, count,
                                     counted_run, most_reads_of_one)
from comparison.process_tree import ProcessTree
from comparison.processes import Child, Failed

CORES = os.sched_getaffinity(0)
BENCH = Path(os.environ.get("POLLUX_BUILD", "/nonexistent")) / "bench"
MODES = [("select", "level"), ("select", "one-shot"), ("poll", "level"), ("poll", "one-shot"),
         ("epoll", "level"), ("epoll", "edge"), ("epoll", "one-shot")]

LOG = """\
7 epoll_wait(3, [...], 64, -1) = 2
7 accept4(5, NULL, NULL, SOCK_CLOEXEC|SOCK_NONBLOCK) = 8
7 epoll_ctl(3, EPOLL_CTL_ADD, 8, {events=EPOLLIN|EPOLLRDHUP, data={u32=3, u64=4294967299}}) = 0
7 recvfrom(9, ""..., 65536, 0, NULL, NULL) = 64
7 recvfrom(9, 0x55dff37d5b30, 65536, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
7 brk(0x556d99e50000)               = 0x556d99e50000
7 sendto(9, ""..., 64, MSG_NOSIGNAL, NULL, 0) = 64
7 write(2, ""..., 333)  = 333
7 epoll_wait(3, [], 64, 5) = 0
7 epoll_wait(3, 0x7f, 64, -1) = -1 EINTR (Interrupted system call)
7 fcntl(9, F_GETFD) = 0x1 (flags FD_CLOEXEC)
7 epoll_wait(3,  <detached ...>
"""
TWO_THREADS = """\
7 epoll_wait(3,  <unfinished ...>
8 epoll_wait(3,  <unfinished ...>
7 <... epoll_wait resumed>[...], 64, -1) = 1
8 <... epoll_wait resumed>[...], 64, -1) = 1
7 accept4(5,  <unfinished ...>
8 accept4(5, NULL, NULL, SOCK_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)
8 epoll_ctl(3, EPOLL_CTL_MOD, 5, {events=EPOLLIN|EPOLLONESHOT}) = 0
7 <... accept4 resumed>NULL, NULL, SOCK_NONBLOCK) = 9
8 epoll_wait(3,  <unfinished ...>
7 write(2,  <unfinished ...>
7 <... write resumed>""..., 8) = 8
7 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---
7 +++ exited with 0 +++
"""
RESTARTED = """\
7 ppoll([...], 4, NULL, NULL, 8)    = ? ERESTARTNOHAND (To be restarted if no handler)
7 ppoll([...], 4, NULL, NULL, 8)    = 1 ([...])
7 restart_syscall(<... resuming interrupted poll ...>) = 1
7 pselect6(7, [3 4 6], [], [], NULL, {sigmask=NULL, sigsetsize=8}) = 1 (in [6])
7 read(6, ""..., 128) = 0
7 exit_group(0) = ?
"""
A_FLOOD = """\
7 epoll_wait(3, [...], 64, -1) = 2
7 recvfrom(8, ""..., 64, 0, NULL, NULL) = 64
7 recvfrom(9, ""..., 64, 0, NULL, NULL) = 64
7 recvfrom(8, ""..., 64, 0, NULL, NULL) = 64
7 recvfrom(8,  <unfinished ...>
7 <... recvfrom resumed>""..., 64, 0, NULL, NULL) = 64
7 epoll_wait(3, [...], 64, 0) = 1
7 recvfrom(8, ""..., 64, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
7 recvfrom(9, ""..., 64, 0, NULL, NULL) = 64
"""
A_RING = """\
7 io_uring_enter(4, 2, 1, IORING_ENTER_GETEVENTS, NULL, 8) = 2
"""


class Logs(unittest.TestCase):
    def test_calls_are_told_apart(self):
        counts = count(LOG.splitlines())
        self.assertEqual((counts.events, counts.wake_ups, counts.timeouts, counts.interrupted),
                         (2, 1, 1, 1))
        self.assertEqual((counts.bytes_read, counts.bytes_written), (64, 64))
        figures = counts.per(2)
        self.assertEqual([figures[name] for name in ("waits", "reads", "reads_blocked", "writes",
                                                     "accepts", "changes", "others", "spurious")],
                         [1.5, 1, 0.5, 0.5, 0.5, 0.5, 1, 0])
        self.assertEqual((figures["events_per_wait"], figures["bytes_per_wake_up"]), (2 / 3, 64))

    def test_threads_are_told_apart_and_one_woke_for_nothing(self):
        counts = count(TWO_THREADS.splitlines())
        self.assertEqual((counts.calls["epoll_wait"], counts.calls["accept4"]), (2, 2))
        self.assertEqual(counts.blocked["accept4"], 1)
        self.assertEqual((counts.wake_ups, counts.spurious), (2, 1))
        self.assertEqual(counts.calls["write"], 0)  # to standard error

    def test_a_call_that_has_begun_before_is_counted_when_it_ends(self):
        lines = TWO_THREADS.splitlines()
        counts = count(lines[10:], lines[:10])  # begins in the middle of a write to standard error
        self.assertEqual(counts.calls.total(), 0)
        counts = count(lines[7:], lines[:7])
        self.assertEqual(counts.calls, {"accept4": 1})

    def test_what_the_kernel_begins_again_is_one_call(self):
        counts = count(RESTARTED.splitlines())
        self.assertEqual(counts.calls, {"ppoll": 1, "poll": 1, "pselect6": 1, "read": 1})
        self.assertEqual((counts.wake_ups, counts.spurious), (3, 2))

    def test_who_reads_most_between_two_waits_is_found(self):
        self.assertEqual(most_reads_of_one(A_FLOOD.splitlines()), 3)
        self.assertEqual(most_reads_of_one(LOG.splitlines()), 2)
        self.assertEqual(most_reads_of_one([]), 0)

    def test_a_ring_hides_its_work(self):
        figures = count(A_RING.splitlines()).per(2)
        self.assertEqual((figures["waits"], figures["calls"]), (0.5, 0.5))
        self.assertIsNone(figures["reads"])
        self.assertIsNone(figures["events_per_wait"])

    def test_differences_are_named(self):
        counts = count(LOG.splitlines())
        engine = {"calls.epoll_wait": 3, "calls.accept4": 1, "calls.epoll_ctl": 1, "calls.recv": 2,
                  "blocked.recv": 1, "calls.send": 1, "calls.fcntl": 1, "calls.clock_gettime": 5}
        self.assertEqual(check_against_engine(counts, engine), [])
        engine.update({"calls.send": 2, "blocked.recv": 0})
        self.assertEqual(check_against_engine(counts, engine),
                         ["sendto: 2 by the engine, 1 by the kernel",
                          "recvfrom that would block: 0 by the engine, 1 by the kernel"])


def ask(client, times):
    for _ in range(times):
        client.sendall(b"m" * 64)
        assert len(client.recv(64, socket.MSG_WAITALL)) == 64


def run_load(server, port, *options):
    """Returns when the server has closed its connections too."""
    descriptors = Path("/proc") / str(server.pid) / "fd"
    open_before = len(os.listdir(descriptors))
    said = subprocess.run(
        [BENCH / "load_generator", "--port", port, "--connections", "5", "--seconds", "0.03",
         "--warmup", "0", *map(str, options)], capture_output=True, check=True, timeout=20).stdout
    deadline = time.monotonic() + 30
    while len(os.listdir(descriptors)) > open_before:
        assert time.monotonic() < deadline, "the server keeps its connections"
        time.sleep(0.01)
    return json.loads(said)["requests"]


def can_trace():
    child = Child(["sleep", "60"], CORES)
    try:
        with Trace(ProcessTree(child.pid), CORES):
            return True
    except Failed:
        return False
    finally:
        child.stop()


ECHO = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
clients = {}
while True:
    for descriptor, _ in epoll.poll():
        if descriptor == listener.fileno():
            client = listener.accept()[0]
            clients[client.fileno()] = client
            epoll.register(client, select.EPOLLIN)
        else:
            text = clients[descriptor].recv(100)
            if text:
                clients[descriptor].sendall(text)
            else:
                del clients[descriptor]
"""


@unittest.skipUnless(can_trace(), "strace is missing or may not trace")
class Traces(unittest.TestCase):
    def started(self, program):
        child = Child([sys.executable, "-c", program], CORES)
        self.addCleanup(child.stop)
        return child, ProcessTree(child.pid)

    def test_it_begins_and_ends_in_the_middle_of_a_life(self):
        child, tree = self.started("while True: print(input(), flush=True)")
        for _ in range(2):
            child.write_line("before")
            child.read_line()
            with Trace(tree, CORES) as trace:
                child.write_line("one")
                child.read_line()
                trace.begin()
                self.assertEqual(trace.counts().calls.total(), 0)
            child.write_line("after")
            self.assertEqual(child.read_line(), "after")

    def test_processes_that_exist_and_new_ones_are_followed(self):
        child, tree = self.started(
            "import os\n"
            "reader, writer = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.read(reader, 1); os.getppid(); os._exit(0)\n"
            "print('up', flush=True); input()\n"
            "os.write(writer, b'x'); os.wait()\n"
            "if os.fork() == 0:\n"
            "    os.getppid(); os._exit(0)\n"
            "os.wait(); print('done', flush=True); input()\n")
        child.read_line()
        with Trace(tree, CORES) as trace:
            child.write_line()
            child.read_line()
            calls = trace.counts().calls
        self.assertEqual((calls["getppid"], calls["write"], calls["read"]), (2, 1, 1))

    def test_a_server_that_is_not_ours_is_counted(self):
        server, tree = self.started(ECHO)
        port = server.read_line().rpartition(":")[2]
        with socket.create_connection(("127.0.0.1", port)) as client:
            counts, _ = counted_run(tree, CORES, lambda: ask(client, 10))
        self.assertEqual((counts.calls["recvfrom"], counts.calls["sendto"]), (10, 10))
        self.assertEqual((counts.bytes_read, counts.bytes_written), (640, 640))
        self.assertEqual((counts.events, counts.spurious), (10, 0))

    def test_who_wakes_and_does_nothing_has_woken_for_nothing(self):
        child, tree = self.started(
            "import os, select\n"
            "ready = os.eventfd(1)\n"
            "epoll = select.epoll()\n"
            "epoll.register(ready, select.EPOLLIN)\n"
            "input()\n"
            "for _ in range(5): epoll.poll()\n"
            "os.eventfd_read(ready); epoll.poll(0.001); print('done', flush=True); input()\n")
        with Trace(tree, CORES) as trace:
            child.write_line()
            child.read_line()
            counts = trace.counts()
        self.assertEqual((counts.wake_ups, counts.events, counts.spurious, counts.timeouts),
                         (5, 5, 4, 1))

    def test_a_tracer_that_is_killed_lets_go(self):
        child, tree = self.started("while True: print(input(), flush=True)")
        with Trace(tree, CORES) as trace:
            os.kill(trace.pid, signal.SIGKILL)
            os.waitid(os.P_PID, trace.pid, os.WEXITED | os.WNOWAIT)
            child.write_line("still here")
            self.assertEqual(child.read_line(), "still here")
            with self.assertRaisesRegex(Failed, "strace has ended"):
                trace.counts()

    def test_two_tracers_are_too_many(self):
        child, tree = self.started("while True: print(input(), flush=True)")
        with Trace(tree, CORES):
            with self.assertRaisesRegex(Failed, "cannot be counted from outside: .*not permitted"):
                with Trace(tree, CORES):
                    pass
            child.write_line("goes on")
            self.assertEqual(child.read_line(), "goes on")

    def test_without_strace_it_says_so(self):
        _, tree = self.started("input()")
        with mock.patch.dict(os.environ, PATH="/nonexistent"):
            with self.assertRaisesRegex(Failed, "from outside: strace does not start"):
                with Trace(tree, CORES):
                    pass


@unittest.skipUnless((BENCH / "bench_server_hooked").exists() and can_trace(),
                     "POLLUX_BUILD names no build with bench_server_hooked, or nothing traces")
class Engines(unittest.TestCase):
    """The counters that all figures rest on are what the kernel saw, exactly."""

    def differences(self, *options, load=()):
        server = Child([str(BENCH / "bench_server_hooked"), "--stats", *options], CORES)
        self.addCleanup(server.stop)
        port = server.read_line().rpartition(":")[2]
        counts, requests, differences = checked_run(
            server, CORES, lambda: run_load(server, port, *load))
        self.assertGreaterEqual(counts.calls["recvfrom"], requests)
        self.assertGreaterEqual(counts.calls["accept4"], 5)
        return differences

    def test_both_count_the_same(self):
        for backend, trigger in MODES:
            for more in ([], ["--drain", "--read-size", "10"]):
                with self.subTest(backend=backend, trigger=trigger, more=more):
                    self.assertEqual(self.differences("--backend", backend, "--trigger", trigger,
                                                      *more), [])

    def test_both_count_the_same_where_output_waits(self):
        for options in (["--serve", "echo-toggling"], ["--trigger", "edge"]):
            with self.subTest(options):
                load = ["--size", 1 << 20]
                self.assertEqual(self.differences(*options, load=load), [])


if __name__ == "__main__":
    unittest.main()
