"""many_clients against the echo server, and against servers that are none."""

import os
import socket
import threading
import unittest

from demo import MODES, Modes, Server, closed_port, run


class Stub:
    """A server of Python's sockets that treats each client by a function."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.listener.getsockname()[1])
        self.serve = serve

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.treat, args=[client], daemon=True).start()

    def treat(self, client):
        with client:
            try:
                self.serve(client)
            except OSError:
                pass


class WithEcho(Modes):
    def test_200_clients_in_every_mode_of_both_sides(self):
        for place, mode in enumerate(self.modes()):
            backend, trigger = MODES[-1 - place]
            with Server("echo_server", "--backend", backend, "--trigger", trigger) as server:
                status, out, err = run("many_clients", *mode, "--port", str(server.port),
                                       "--connections", "200", "--messages", "20")
                self.assertEqual((status, err), (0, ""))
                self.assert_one_line(out, "200 connections", "4000 of 4000 messages",
                                     "256000 bytes")

    def test_large_messages(self):
        for mode in self.modes():
            with Server("echo_server", *mode) as server:
                status, out, err = run("many_clients", *mode, "--port", str(server.port),
                                       "--connections", "10", "--messages", "3", "--size", "1000000")
                self.assertEqual((status, err), (0, ""))
                self.assertIn("30000000 bytes", out)

    def test_over_a_unix_socket(self):
        with Server("echo_server", "--host", f"unix:@pollux-many-{os.getpid()}") as server:
            status, _, err = run("many_clients", "--host", server.address, "--connections", "50")
            self.assertEqual((status, err), (0, ""))


class WithoutEcho(Modes):
    def check(self, port, *parts, options=()):
        for mode in self.modes():
            status, out, err = run("many_clients", *mode, "--port", port, "--connections", "3",
                                   "--messages", "2", *options)
            self.assertEqual(status, 1, err)
            self.assert_one_line(err, "many_clients: ", *parts)

    def test_nobody_listens(self):
        with closed_port() as port:
            self.check(str(port), "3 of 3 clients failed", "Connection refused")

    def test_a_server_that_garbles(self):
        def garble(client):
            while data := client.recv(1000):
                client.sendall(data[:-1] + bytes([data[-1] ^ 1]))
        with Stub(garble) as server:
            self.check(server.port, "3 of 3 clients failed", "byte 63", "wrong")

    def test_a_server_that_says_too_much(self):
        def babble(client):
            client.sendall(b"welcome to this fine machine\n" * 10)
            client.recv(1000)
        with Stub(babble) as server:
            self.check(server.port, "3 of 3 clients failed", "wrong")

    def test_a_server_that_hangs_up(self):
        with Stub(lambda client: client.recv(1000)) as server:
            self.check(server.port, "3 of 3 clients failed", "after 0 of 128 bytes")

    def test_a_server_that_says_nothing(self):
        with Stub(lambda client: client.recv(1000) and client.recv(1000)) as server:
            self.check(server.port, "3 of 3 clients failed", "no answer",
                       options=["--timeout", "0.05"])


if __name__ == "__main__":
    unittest.main()
