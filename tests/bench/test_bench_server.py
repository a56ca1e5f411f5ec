"""bench_server: every axis does what it says, seen by its counted system calls."""

import os
import socket
import unittest
from pathlib import Path

from comparison.engine_counters import look
from comparison.processes import Child

CORES = os.sched_getaffinity(0)
PROGRAM = Path(os.environ.get("POLLUX_BUILD", "/nonexistent")) / "bench/bench_server_hooked"
MODES = [("select", "level"), ("select", "one-shot"), ("poll", "level"), ("poll", "one-shot"),
         ("epoll", "level"), ("epoll", "edge"), ("epoll", "one-shot")]
MESSAGE = b"m" * 64


class Server:
    def __init__(self, *options):
        self.child = Child([str(PROGRAM), "--stats", *map(str, options)], CORES)
        first = self.child.read_line()
        assert first.startswith("listening on 127.0.0.1:"), first
        self.address = ("127.0.0.1", int(first.rpartition(":")[2]))

    def connect(self):
        client = socket.create_connection(self.address, 10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def look(self):
        return look(self.child)

    def done_in(self, work):
        """What was counted meanwhile, without the look itself."""
        first, before = self.look(), self.look()
        work()
        after = self.look()
        return {name: after[name] - 2 * before.get(name, 0) + first.get(name, 0) for name in after}


def receive(client, count):
    data = bytearray()
    while len(data) < count:
        piece = client.recv(min(count - len(data), 1 << 20))
        if not piece:
            break
        data += piece
    return data


@unittest.skipUnless(PROGRAM.exists(), "POLLUX_BUILD names no build with bench_server_hooked")
class BenchServers(unittest.TestCase):
    def started(self, *options):
        server = Server(*options)
        self.addCleanup(server.child.stop)
        return server

    def connected(self, server, is_echo=True):
        client = server.connect()
        self.addCleanup(client.close)
        if is_echo:
            self.ask(client)
        return client

    def ask(self, client, times=1):
        for _ in range(times):
            client.sendall(MESSAGE)
            self.assertEqual(receive(client, len(MESSAGE)), MESSAGE)

    def counted(self, *options):
        """For ten messages, of which each comes when the server is done with the one before."""
        server = self.started(*options)
        client = self.connected(server)
        counts = [server.done_in(lambda: self.ask(client)) for _ in range(10)]
        return {name: sum(count.get(name, 0) for count in counts) for name in counts[0]}

    def test_a_silent_connection_is_closed_after_the_idle_timeout(self):
        server = self.started("--idle-timeout", "20ms")
        client = self.connected(server, is_echo=False)
        self.assertEqual(client.recv(1), b"")

    def test_echo_reads_once_and_with_drain_twice(self):
        for backend, trigger in MODES:
            mode = ["--backend", backend, "--trigger", trigger]
            with self.subTest(mode):
                plain = self.counted(*mode)
                self.assertEqual((plain["calls.recv"], plain["calls.send"]), (10, 10))
                self.assertEqual(plain.get("blocked.recv", 0), 0)
                drained = self.counted(*mode, "--drain")
                self.assertEqual((drained["calls.recv"], drained["blocked.recv"]), (20, 10))

    def test_read_size_is_what_one_read_takes(self):
        self.assertEqual(self.counted("--read-size", 10)["calls.recv"], 70)
        counted = self.counted("--read-size", 10, "--reads-per-visit", 1)
        self.assertEqual((counted["calls.recv"], counted["calls.epoll_wait"]), (70, 70))

    def test_toggling_changes_the_registration_twice_for_each_message(self):
        for trigger in ("level", "edge", "one-shot"):
            with self.subTest(trigger):
                counted = self.counted("--serve", "echo-toggling", "--trigger", trigger)
                self.assertEqual([counted[f"calls.{name}"] for name in
                                  ("epoll_ctl", "epoll_wait", "recv", "send")], [20, 20, 10, 10])

    def test_toggling_takes_what_the_kernel_does_not_take_at_once(self):
        for backend, trigger in MODES:
            with self.subTest(backend=backend, trigger=trigger):
                server = self.started("--serve", "echo-toggling", "--backend", backend,
                                      "--trigger", trigger)
                client = self.connected(server)
                text = os.urandom(1_000_000)
                for start in range(0, len(text), 100_000):
                    client.sendall(text[start:start + 100_000])
                self.assertEqual(receive(client, len(text)), text)
                client.close()
                while server.look()["open"] > 0:
                    pass

    def test_answers_are_for_whole_requests(self):
        server = self.started("--serve", "answer", "--request", 10, "--answer", 7)
        client = self.connected(server, is_echo=False)
        client.sendall(b"r" * 25)
        self.assertEqual(receive(client, 14), b"a" * 14)
        client.sendall(b"r" * 5)
        self.assertEqual(receive(client, 7), b"a" * 7)
        self.assertEqual(server.look()["sent"], 21)

    def test_an_answer_may_be_larger_than_what_may_wait_otherwise(self):
        answer = 20 << 20
        server = self.started("--serve", "answer", "--answer", answer)
        client = self.connected(server, is_echo=False)
        client.sendall(b"r" * 64)
        self.assertEqual(len(receive(client, answer)), answer)

    def test_who_asks_for_much_and_does_not_read_is_not_answered_meanwhile(self):
        for trigger in ("level", "edge", "one-shot"):
            with self.subTest(trigger):
                server = self.started("--serve", "answer", "--answer", "1MiB", "--trigger", trigger)
                client = self.connected(server, is_echo=False)
                client.sendall(MESSAGE * 64)  # for all that waits it would be cut at 16 MiB
                while server.look()["sent"] == 0:
                    pass
                self.assertEqual(len(receive(client, 64 << 20)), 64 << 20)

    def test_discard_ends_when_its_client_ends(self):
        client = self.connected(self.started("--serve", "discard"), is_echo=False)
        client.sendall(MESSAGE * 1000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")

    def test_accepts_says_how_many_are_tried(self):
        for options, tried in (([], 1), (["--accepts", 5], 2)):
            with self.subTest(options):
                server = self.started(*options)
                self.connected(server)
                self.assertEqual(server.look()["calls.accept4"], tried)

    def test_connections_are_spread_over_loops(self):
        for spread in ("reuse_port", "round_robin", "least_connections", "exclusive"):
            with self.subTest(spread):
                server = self.started("--loops", 3, "--spread", spread)
                clients = [self.connected(server) for _ in range(6)]
                counted = server.look()
                each = [counted[f"loop.{place}.accepted"] for place in range(3)]
                self.assertEqual((sum(each), counted["accepted"], counted["open"]), (6, 6, 6))
                if spread in ("round_robin", "least_connections"):
                    self.assertEqual(each, [2, 2, 2])
                for client in clients:
                    self.ask(client)
                    client.close()
                self.assertEqual(server.child.stop(), 0)

    def test_work_takes_time_of_the_cpu(self):
        server = self.started("--work", 2000)
        client = self.connected(server)
        before = server.child.cpu_ns()
        self.ask(client, 5)
        self.assertGreater(server.child.cpu_ns() - before, 2_000_000)

    def test_what_does_not_go_together_is_refused(self):
        for options, reason in (
            (["--backend", "poll", "--trigger", "edge"], "only epoll does"),
            (["--backend", "poll", "--loops", 2, "--spread", "exclusive"], "exclusive"),
            (["--serve", "echo-toggling", "--loops", 2], "has one loop"),
            (["--serve", "echo-toggling", "--drain"], "not --drain"),
            (["--serve", "nothing"], "none of echo, discard, answer, echo-toggling"),
            (["--read-size", 0], "--read-size must be 1 byte to 64 KiB"),
            (["--serve", "echo-toggling", "--read-size", 65537], "--read-size must be"),
            (["--request", 0], "--request must be"),
        ):
            with self.subTest(options):
                child = Child([str(PROGRAM), *map(str, options)], CORES)
                with self.assertRaisesRegex(Exception, f"status 2: bench_server: .*{reason}"):
                    child.read_line()
                child.stop()


if __name__ == "__main__":
    unittest.main()
