"""Every echo server that is compared with does what it is compared for, and none is handicapped by
a mistake of ours: all bytes come back, and one that nobody reads from waits."""

import contextlib
import os
import random
import select
import signal
import socket
import struct
import subprocess
import time
import unittest

from comparison.contestants_of_peers import PACKAGES, echo_contestants, missing
from comparison.processes import Child

BUILD = os.environ["POLLUX_BUILD"]
PEERS = echo_contestants(BUILD)
PATIENCE = 10
PATTERN = random.Random(1).randbytes(1 << 20)
MUCH = 64 << 20  # more than the kernel keeps for two sockets
LITTLE = 4 << 20  # memory that a server may take for a client that does not read
POOL = {"liburing": 16 << 20}  # and what it keeps for all of them, which is touched then


class Server:
    def __init__(self, peer, *options):
        self.peer = peer
        self.child = Child([*peer.command, *options], os.sched_getaffinity(0))
        host, port = self.child.read_line(seconds=PATIENCE).removeprefix("listening on ").split(":")
        self.address = host, int(port)
        self.own_descriptors = self.descriptors()

    def connect(self):
        return socket.create_connection(self.address, PATIENCE)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def wait_until_left(self):
        wait_for(lambda: self.descriptors() == self.own_descriptors)

    def resident(self):
        with open(f"/proc/{self.child.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def wait_for(state):
    deadline = time.monotonic() + PATIENCE
    while not state():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to be")
        select.select([], [], [], 0.005)


def read_exactly(client, count):
    got = bytearray()
    while len(got) < count:
        part = client.recv(count - len(got))
        if not part:
            raise AssertionError(f"ended after {len(got)} of {count} bytes")
        got += part
    return bytes(got)


def echo(client, message):
    client.sendall(message)
    return read_exactly(client, len(message))


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def fill(clients):
    """Sends until no server takes any more, or one has taken MUCH; how much each has taken."""
    taken = dict.fromkeys(clients, 0)
    for client in clients:
        client.setblocking(False)
    poller = select.poll()
    by_number = {client.fileno(): client for client in clients}
    for number in by_number:
        poller.register(number, select.POLLOUT)
    while by_number and (events := poller.poll(250)):
        for number, _ in events:
            client = by_number[number]
            place = taken[client] % len(PATTERN)
            taken[client] += client.send(memoryview(PATTERN)[place:])
            if taken[client] >= MUCH:
                poller.unregister(number)
                del by_number[number]
    return taken


def with_each_server(test):
    def run(self):
        for server in self.servers:
            with self.subTest(server.peer.name):
                test(self, server)
    return run


def with_a_server_each(*options):
    def decorate(test):
        def run(self):
            for peer in PEERS:
                with self.subTest(peer.name):
                    server = Server(peer, *options)
                    self.addCleanup(server.child.stop)
                    test(self, server)
        return run
    return decorate


class EveryServer(unittest.TestCase):
    """One process of each server for all these tests."""

    @classmethod
    def setUpClass(cls):
        cls.servers = []
        for peer in PEERS:
            server = Server(peer)
            cls.addClassCleanup(server.child.stop)
            cls.servers.append(server)

    @with_each_server
    def test_message_after_message_comes_back(self, server):
        with server.connect() as client:
            for size in (1, 64, 3, 65536, 65537, 1):
                self.assertEqual(echo(client, PATTERN[:size]), PATTERN[:size])

    @with_each_server
    def test_messages_that_come_together_come_back_in_order(self, server):
        with server.connect() as client:
            for begin in range(0, 2000, 20):
                client.sendall(PATTERN[begin:begin + 20])
            self.assertEqual(read_exactly(client, 2000), PATTERN[:2000])

    @with_each_server
    def test_many_clients_at_once_get_their_own(self, server):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(300)]
            for client in clients:
                self.assertEqual(echo(client, b"first"), b"first")
            server.child.send_signal(signal.SIGSTOP)  # all are ready when it goes on
            for number, client in enumerate(clients):
                client.sendall(b"%d" % (number + 1000))
            server.child.send_signal(signal.SIGCONT)
            for number, client in enumerate(clients):
                self.assertEqual(read_exactly(client, 4), b"%d" % (number + 1000))

    @with_each_server
    def test_who_has_said_all_gets_all_and_then_the_end(self, server):
        for size in (10, 100_000):  # with one read, and with several
            with server.connect() as client:
                client.sendall(PATTERN[:size])
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_exactly(client, size), PATTERN[:size])
                self.assertEqual(client.recv(1), b"")

    @with_each_server
    def test_clients_that_leave_leave_nothing_behind(self, server):
        server.wait_until_left()
        for leave in (socket.socket.close, reset):
            clients = [server.connect() for _ in range(20)]
            for client in clients:
                echo(client, b"here")
            self.assertEqual(server.descriptors() - server.own_descriptors, 20)
            for client in clients:
                leave(client)
            server.wait_until_left()

    def test_a_client_that_reads_late_costs_little_and_loses_nothing(self):
        with contextlib.ExitStack() as stack:
            before = [server.resident() for server in self.servers]
            clients = [stack.enter_context(server.connect()) for server in self.servers]
            taken = fill(clients)
            for server, client, memory in zip(self.servers, clients, before):
                with self.subTest(server.peer.name):
                    self.assertLess(taken[client], MUCH, "it reads without being read from")
                    self.assertLess(server.resident() - memory,
                                    LITTLE + POOL.get(server.peer.name, 0))
                    client.settimeout(PATIENCE)
                    client.shutdown(socket.SHUT_WR)
                    whole, rest = divmod(taken[client], len(PATTERN))
                    for part in [PATTERN] * whole + [PATTERN[:rest]]:
                        self.assertTrue(read_exactly(client, len(part)) == part)
                    self.assertEqual(client.recv(1), b"")
                    self.assertEqual(echo(stack.enter_context(server.connect()), b"ok"), b"ok")

    def test_others_are_served_while_one_does_not_read_and_when_it_resets(self):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for server in self.servers]
            fill(clients)
            for server, client in zip(self.servers, clients):
                with self.subTest(server.peer.name):
                    with server.connect() as other:
                        self.assertEqual(echo(other, b"meanwhile"), b"meanwhile")
                        reset(client)
                        self.assertEqual(echo(other, b"after"), b"after")
                    server.wait_until_left()


class OneServer(unittest.TestCase):
    @with_a_server_each("--read-size", "1000")
    def test_small_reads_lose_nothing(self, server):
        with server.connect() as client:
            self.assertEqual(echo(client, PATTERN[:3000]), PATTERN[:3000])  # whole reads only
            self.assertEqual(echo(client, PATTERN[:50_500]), PATTERN[:50_500])
            client.sendall(PATTERN[:20_000])
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_exactly(client, 20_000), PATTERN[:20_000])
            self.assertEqual(client.recv(1), b"")

    @with_a_server_each("--work", "1000")
    def test_work_takes_time_for_each_request(self, server):
        with server.connect() as client:
            before = time.monotonic_ns()
            for _ in range(10):
                echo(client, b"work")
            self.assertGreaterEqual(time.monotonic_ns() - before, 10_000_000)

    @with_a_server_each()
    def test_ends_with_status_0_at_a_signal_though_clients_are_there(self, server):
        with server.connect() as client:
            echo(client, b"here")
            number = signal.SIGINT if server.peer.name == "bare-epoll" else signal.SIGTERM
            self.assertEqual(server.child.stop(number, PATIENCE), 0)
            self.assertEqual(client.recv(1), b"")


class Floor(unittest.TestCase):
    def test_discards_what_comes_up_to_the_end_when_it_is_told_to(self):
        for options in ([], ["--trigger", "edge"], ["--backend", "poll"], ["--backend", "select"]):
            with self.subTest(options=options):
                server = Server(PEERS[0], "--discard", *options)
                self.addCleanup(server.child.stop)
                with server.connect() as client:
                    client.sendall(PATTERN)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(client.recv(1), b"")


class CommandLines(unittest.TestCase):
    def test_mistakes_are_refused(self):
        for peer in PEERS:
            for wrong in (["--nonsense"], ["--port", "65536"], ["--read-size", "0"], ["--work"],
                          ["--host", "nowhere."]):
                with self.subTest(peer.name, wrong=wrong):
                    ended = subprocess.run([*peer.command, *wrong], capture_output=True, text=True,
                                           timeout=PATIENCE)
                    self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                    self.assertIn(wrong[-1].strip("-"), ended.stderr)

    def test_edges_are_epolls(self):
        floor = PEERS[0].command
        for backend in ("poll", "select"):
            ended = subprocess.run([*floor, "--backend", backend, "--trigger", "edge"],
                                   capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(ended.returncode, 2)
            self.assertIn("--trigger edge: only epoll has it", ended.stderr)


class Lists(unittest.TestCase):
    def test_the_floor_comes_first_and_names_are_not_used_twice(self):
        self.assertTrue(PEERS[0].what.startswith("the floor"))
        self.assertEqual(len({peer.name for peer in PEERS}), len(PEERS))

    def test_select_takes_few(self):
        self.assertEqual([peer.name for peer in PEERS if peer.most == 1024], ["bare-select"])

    def test_each_says_which_library_it_is_and_which_version(self):
        for peer in PEERS:
            start = "Linux " if peer.library == "kernel" else f"{peer.library} "
            self.assertRegex(peer.version, f"^{start}\\d+\\.\\d+")

    def test_what_is_not_built_is_missing(self):
        self.assertEqual(missing("/nonexistent"), PACKAGES)
        self.assertEqual([peer.library for peer in echo_contestants("/nonexistent")], ["Python"])
        built = {peer.library for peer in PEERS}
        self.assertEqual(set(missing(BUILD)), set(PACKAGES) - built)


if __name__ == "__main__":
    unittest.main()
