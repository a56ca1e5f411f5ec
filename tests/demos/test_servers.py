"""echo_server and discard_server, as a client sees them."""

import os
import random
import signal
import socket
import tempfile
import unittest

from demo import Modes, Server, exchange, parse, read_all, read_exactly, reset, wait_for


class Echo(Modes):
    def test_any_bytes_come_back(self):
        data = bytes(range(256)) * 40
        for mode in self.modes():
            with Server("echo_server", *mode) as server, server.connect() as client:
                client.sendall(data)
                self.assertEqual(read_exactly(client, len(data)), data)

    def test_ten_megabytes_come_back_and_the_end_after_them(self):
        data = random.Random(1).randbytes(10_000_000)
        for mode in self.modes():
            with Server("echo_server", *mode) as server, server.connect() as client:
                self.assertEqual(exchange(client, data), data)

    def test_one_byte_at_a_time(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server, server.connect() as client:
                for byte in b"dribble\0dribble":
                    client.sendall(bytes([byte]))
                    self.assertEqual(client.recv(100), bytes([byte]))

    def test_half_closed_before_anything(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server, server.connect() as client:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")

    def test_greeting_and_prefix(self):
        for mode in self.modes():
            with Server("echo_server", *mode, "--greeting", "Grüß Gott!\n", "--prefix", "→ ") as server, \
                    server.connect() as client:
                greeting = "Grüß Gott!\n".encode()
                self.assertEqual(read_exactly(client, len(greeting)), greeting)
                client.sendall(b"text")
                answer = "→ text".encode()
                self.assertEqual(read_exactly(client, len(answer)), answer)

    def test_who_is_one_too_many_waits_until_another_goes(self):
        for program in ("echo_server", "upper_server"):
            for mode in self.modes():
                with Server(program, *mode, "--max-connections", "2") as server, \
                        server.connect() as first, server.connect() as second:
                    for client in (first, second):
                        client.sendall(b"A")
                        self.assertEqual(read_exactly(client, 1), b"A")
                    with server.connect() as third:
                        third.sendall(b"C")
                        third.setblocking(False)
                        second.sendall(b"B")
                        self.assertEqual(read_exactly(second, 1), b"B")  # served after the third came
                        self.assertRaises(BlockingIOError, third.recv, 1)
                        first.close()
                        third.setblocking(True)
                        self.assertEqual(read_exactly(third, 1), b"C")

    def test_who_is_silent_is_cut(self):
        for program in ("echo_server", "upper_server"):
            for mode in self.modes():
                with Server(program, *mode, "--idle-timeout", "50ms") as server, \
                        server.connect() as silent:
                    self.assertEqual(read_all(silent), b"")

    def test_a_reset_hurts_nobody_else(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server, server.connect() as steady:
                for _ in range(20):
                    client = server.connect()
                    client.sendall(b"x" * 10_000)
                    reset(client)
                steady.sendall(b"still there")
                self.assertEqual(read_exactly(steady, 11), b"still there")


class Discard(Modes):
    def test_everything_is_read_and_nothing_answered(self):
        for mode in self.modes():
            with Server("discard_server", *mode) as server, server.connect() as client:
                self.assertEqual(exchange(client, bytes(3_000_000)), b"")


class Places(Modes):
    def check(self, *options):
        for program in ("echo_server", "discard_server"):
            with Server(program, *options) as server, server.connect() as client:
                client.sendall(b"hello")
                if program == "echo_server":
                    self.assertEqual(read_exactly(client, 5), b"hello")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")
                yield server

    def test_loopback_and_a_free_port_by_default(self):
        for server in self.check():
            self.assertRegex(server.address, r"^127\.0\.0\.1:[1-9]\d*$")

    def test_ipv6(self):
        for server in self.check("--host", "::1"):
            self.assertRegex(server.address, r"^\[::1\]:[1-9]\d*$")

    def test_a_unix_path(self):
        with tempfile.TemporaryDirectory() as directory:
            for server in self.check("--host", f"unix:{directory}/socket"):
                self.assertEqual(server.address, f"unix:{directory}/socket")
            # What the last one left behind is taken over; by then nobody listens there.
            for server in self.check("--host", f"unix:{directory}/socket"):
                pass

    def test_an_abstract_name(self):
        for server in self.check("--host", f"unix:@pollux-demo-{os.getpid()}"):
            self.assertEqual(server.address, f"unix:@pollux-demo-{os.getpid()}")

    def test_backend_by_environment(self):
        for backend in ("select", "poll", "epoll", "adaptive"):
            with Server("echo_server", env={"POLLUX_BACKEND": backend}) as server, \
                    server.connect() as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
                links = [os.readlink(f"/proc/{server.process.pid}/fd/{fd}")
                         for fd in os.listdir(f"/proc/{server.process.pid}/fd")]
                self.assertEqual("anon_inode:[eventpoll]" in links,
                                 backend in ("epoll", "adaptive"))


class Leaks(Modes):
    def test_m7_a_thousand_clients_leave_the_descriptors_as_they_were(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server:
                def once():
                    with server.connect() as client:
                        client.sendall(b"ping")
                        self.assertEqual(client.recv(4), b"ping")
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(client.recv(1), b"")  # the server is done with it
                once()
                before = server.descriptors()
                for _ in range(1000 if mode[1] == "epoll" else 300):
                    once()
                self.assertLessEqual(server.descriptors(), before + 1)


    def test_m9_a_port_scan(self):
        with Server("echo_server") as server, server.connect() as client:
            before = server.descriptors()
            for _ in range(10_000):
                reset(server.connect())
            client.sendall(b"text")
            self.assertEqual(read_exactly(client, 4), b"text")
            wait_for(lambda: server.descriptors() <= before + 1)


class Leaving(Modes):
    def test_signals_end_it_with_status_0(self):
        for mode in self.modes():
            for signum in (signal.SIGINT, signal.SIGTERM):
                with Server("echo_server", *mode) as server:
                    self.assertEqual(server.stop(signum), (0, "", ""))

    def test_idle_clients_see_the_end(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server:
                clients = [server.connect() for _ in range(5)]
                for client in clients:
                    client.sendall(b"x")
                    self.assertEqual(client.recv(1), b"x")
                server.process.send_signal(signal.SIGTERM)
                for client in clients:
                    self.assertEqual(read_all(client), b"")
                    client.close()
                self.assertEqual(server.process.wait(20), 0)

    def test_what_was_queued_is_delivered(self):
        data = random.Random(2).randbytes(20_000_000)
        for mode in self.modes():
            with Server("echo_server", *mode, "--stats") as server, server.connect() as client:
                def stats():
                    server.process.send_signal(signal.SIGUSR1)
                    return parse(server.process.stderr.readline())

                # It sends and does not read, until the answers queue up in the server.
                client.setblocking(False)
                sent = 0
                before = stats()
                while before["sent"] == before["received"]:
                    try:
                        sent += client.send(data[sent:sent + 1_000_000])
                    except BlockingIOError:
                        pass
                    before = stats()
                client.settimeout(20)
                server.process.send_signal(signal.SIGTERM)
                answer = read_all(client)
                client.close()
                after = parse(server.process.stderr.readline())
                self.assertEqual(server.process.wait(20), 0)
                self.assertGreater(len(answer), before["sent"])
                self.assertEqual(len(answer), after["received"])
                self.assertEqual(answer, data[:len(answer)])

    def test_a_client_that_never_ends_does_not_hold_it(self):
        with Server("echo_server") as server, server.connect() as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")
            self.assertEqual(server.stop()[0], 0)

    def test_a_second_signal_leaves_at_once(self):
        with Server("echo_server") as server, server.connect() as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(client.recv(1), b"")  # it is on its way
            self.assertEqual(server.stop(signal.SIGTERM)[0], 0)

    def test_stats_line(self):
        for program in (["echo_server"], ["demo_hooked", "echo_server"]):
            for mode in self.modes():
                with Server(*program, *mode, "--stats") as server:
                    with server.connect() as client:
                        self.assertEqual(exchange(client, b"12345"), b"12345")
                    status, _, line = server.stop()
                    self.assertEqual(status, 0)
                    self.assert_one_line(line)
                    stats = parse(line)
                    for key, value in {"accepted": 1, "open": 0, "received": 5, "sent": 5, "shed": 0,
                                       "closed.peer": 1}.items():
                        self.assertEqual(stats[key], value, key)
                    self.assertEqual("calls.accept4" in stats, program[0] == "demo_hooked")


if __name__ == "__main__":
    unittest.main()
