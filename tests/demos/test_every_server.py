"""What holds for every server program that is a `Server`, whatever it serves."""

import random
import signal
import socket
import unittest

from demo import Modes, Server, read_all, reset

# The programs, with the options that they need. Add yours here. Not talk_server, which serves one
# client at a time, and has tests of its own.
SERVERS = {
    "chat_server": [],
    "command_server": ["cat"],
    "coroutine_echo_server": [],
    "delay_server": ["--delay", "50ms"],
    "discard_server": [],
    "echo_server": [],
    "frame_server": [],
    "guess_who_server": [],
    "hello_server": [],
    "http_server": [],
    "line_server": [],
    "login_server": ["--users", "/dev/null"],
    "print_server": [],
    "transfer_server": ["--dir", "/tmp"],
    "upload_server": ["--dir", "/tmp"],
    "upper_server": [],
}
THOROUGH = ["--backend", "epoll", "--trigger", "edge"]


class EveryServer(Modes):
    def each(self, check):
        """Each program in each mode. Nobody reads what it prints: keep that below what a pipe
        holds."""
        for program, options in SERVERS.items():
            for mode in self.modes():
                with self.subTest(program=program), \
                        Server(program, *mode, *options, "--stats") as server:
                    check(server)

    def cycles(self):
        return 1000 if self.mode == THOROUGH else 200

    def still_serves(self, server):
        """A client that ends its side at once sees the end, and all of those before are gone."""
        with server.connect() as client:
            client.shutdown(socket.SHUT_WR)
            read_all(client)

    def test_m7_clients_that_come_and_go_leave_the_descriptors_as_they_were(self):
        def check(server):
            self.still_serves(server)
            before = server.descriptors()
            for _ in range(self.cycles()):
                self.still_serves(server)
            self.assertLessEqual(server.descriptors(), before + 1)
        self.each(check)

    def test_m9_a_burst_of_resets(self):
        def check(server):
            self.still_serves(server)
            before = server.descriptors()
            for _ in range(self.cycles()):
                reset(server.connect())
            for _ in range(self.cycles()):  # it may hear of some resets later than of this client
                self.still_serves(server)
                if server.descriptors() <= before + 1:
                    return
            self.fail(f"{server.descriptors()} descriptors, {before} before")
        self.each(check)

    def test_m10_it_listens_at_loopback(self):
        def check(server):
            self.assertRegex(server.address, r"^127\.0\.0\.1:[1-9]\d*$")
        self.each(check)

    def test_resets_in_the_middle_of_anything(self):
        def check(server):
            with server.connect() as steady:
                for size in (1, 3, 4, 5, 100, 10_000):
                    client = server.connect()
                    client.setblocking(False)
                    client.send(b"\x7f" * size)
                    reset(client)
                steady.shutdown(socket.SHUT_WR)
                read_all(steady)
            self.still_serves(server)
        self.each(check)

    def test_random_bytes_harm_nobody(self):
        def check(server):
            some = random.Random(7)
            for size in (1, 10, 1000, 4000):
                with server.connect() as client:
                    try:
                        client.sendall(some.randbytes(size))
                        client.shutdown(socket.SHUT_WR)
                        read_all(client)
                    except (ConnectionResetError, BrokenPipeError):
                        pass  # that is an answer too
            self.still_serves(server)
            self.assertEqual(server.stop()[0], 0)
        self.each(check)

    def test_a_signal_ends_it_while_clients_are_there(self):
        def check(server):
            clients = [server.connect() for _ in range(3)]
            clients[0].sendall(b"x")
            self.still_serves(server)  # so those are accepted
            server.process.send_signal(signal.SIGTERM)
            for client in clients:
                read_all(client)
                client.close()
            status, _, err = server.stop(0)
            self.assertEqual(status, 0, err)
            self.assert_one_line(err, "stats accepted=")
        self.each(check)

    def test_a_second_signal_ends_it_at_once(self):
        def check(server):
            with server.connect() as client:
                self.still_serves(server)
                server.process.send_signal(signal.SIGTERM)
                read_all(client)  # it is on its way, and waits for this client
                status, _, err = server.stop(signal.SIGTERM)
                self.assertEqual(status, 0, err)
        self.each(check)


if __name__ == "__main__":
    unittest.main()
