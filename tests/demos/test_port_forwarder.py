"""port_forwarder: what clients and targets see of each other through it, which is all."""

import functools
import http.client
import http.server
import os
import random
import select
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from demo import Modes, PATIENCE, Server, exchange, parse, read_all, read_exactly, reset, run, wait_for


def forwarder(to, *options):
    return Server("port_forwarder", "--to", to, *options, "--stats")


class Target:
    """A listener of ours behind a forwarder; pairs of a client and what the target accepted."""

    def __init__(self, *options):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.listener.settimeout(PATIENCE)
        self.server = forwarder("127.0.0.1:%d" % self.listener.getsockname()[1], *options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.listener.close()

    def accept(self):
        accepted = self.listener.accept()[0]
        accepted.settimeout(PATIENCE)
        return accepted

    def pair(self):
        client = self.server.connect()
        return client, self.accept()

    def await_stats(self, **wanted):
        """Asks until the numbers are such."""
        def so():
            self.server.process.send_signal(signal.SIGUSR1)
            stats = parse(self.server.process.stderr.readline())
            return all(stats[name] == number for name, number in wanted.items())
        wait_for(so)


def fill(sender):
    """Sends until the kernel, and all on the way, take no more for a while; returns how much."""
    sender.setblocking(False)
    sent = 0
    while select.select([], [sender], [], 0.2)[1]:
        sent += sender.send(bytes(100_000))
    sender.settimeout(PATIENCE)
    return sent


class Forwarding(Modes):
    def test_ten_megabytes_both_ways_and_the_end_after_them(self):
        data = random.Random(1).randbytes(10_000_000)
        with Server("echo_server") as echo:
            for mode in self.modes():
                with forwarder(echo.address, *mode) as server:
                    with server.connect() as client:
                        self.assertTrue(exchange(client, data) == data)
                    status, _, err = server.stop()
                    self.assertEqual(status, 0)
                    stats = parse(err)
                    self.assertEqual(
                        (stats["accepted"], stats["open"], stats["relayed"]), (1, 0, 1))
                    self.assertEqual((stats["from_clients"], stats["from_target"]),
                                     (len(data), len(data)))

    def test_unix_on_both_sides(self):
        data = random.Random(2).randbytes(1_000_000)
        with tempfile.TemporaryDirectory() as directory, \
                Server("echo_server", "--host", f"unix:{directory}/echo") as echo:
            for mode in self.modes():
                with forwarder(echo.address, *mode, "--host", f"unix:{directory}/f") as server:
                    with server.connect() as client:
                        self.assertTrue(exchange(client, data) == data)
                    with forwarder(server.address, *mode, "--host", "::1") as before, \
                            before.connect() as client:
                        self.assertTrue(exchange(client, data) == data)

    def test_half_close_and_reset_of_either_side(self):
        for mode in self.modes():
            with Target(*mode) as target:
                for swapped in (False, True):
                    one, other = reversed(target.pair()) if swapped else target.pair()
                    with one, other:
                        one.sendall(b"question")
                        one.shutdown(socket.SHUT_WR)
                        self.assertEqual(read_all(other), b"question")
                        for byte in b"answer":
                            other.sendall(bytes([byte]))
                            self.assertEqual(one.recv(10), bytes([byte]))
                        other.close()
                        self.assertEqual(read_all(one), b"")
                    one, other = reversed(target.pair()) if swapped else target.pair()
                    with one, other:
                        one.sendall(b"x")
                        self.assertEqual(other.recv(10), b"x")
                        reset(one)
                        self.assertRaises(ConnectionResetError, other.recv, 1)
                target.await_stats(**{"open": 0, "relayed": 2, "failed.relay": 2})

    def test_a_slow_reader_stops_the_sender_and_loses_nothing(self):
        for mode in self.modes():
            with Target(*mode) as target:
                client, server = target.pair()
                with client, server:
                    sent = fill(server)
                    client.sendall(b"the other way is free")
                    self.assertEqual(read_exactly(server, 21), b"the other way is free")
                    server.shutdown(socket.SHUT_WR)
                    self.assertEqual(len(read_all(client)), sent)

    def test_a_target_that_refuses_or_is_silent(self):
        with socket.socket() as nobody, tempfile.TemporaryDirectory() as directory, \
                socket.socket(socket.AF_UNIX) as full:
            nobody.bind(("127.0.0.1", 0))
            full.bind(directory + "/full")
            full.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(directory + "/full")
                targets = ("127.0.0.1:%d" % nobody.getsockname()[1],
                           f"unix:{directory}/none", f"unix:{directory}/full")
                for mode in self.modes():
                    for to in targets:
                        with forwarder(to, *mode, "--connect-timeout", "50ms") as server:
                            for _ in range(3):
                                with server.connect() as client:
                                    self.assertEqual(read_all(client), b"")
                            status, _, err = server.stop()
                            self.assertEqual(status, 0)
                            self.assertEqual(parse(err)["failed.connect"], 3)

    def test_m7_m9_clients_that_come_and_go_or_reset_leave_no_descriptors(self):
        with Server("echo_server") as echo:
            for mode in self.modes():
                with forwarder(echo.address, *mode) as server:
                    def still_serves():
                        with server.connect() as client:
                            self.assertEqual(exchange(client, b"here"), b"here")
                    still_serves()
                    before = server.descriptors()
                    for _ in range(200):
                        still_serves()
                    for _ in range(200):
                        reset(server.connect())
                    for _ in range(200):
                        still_serves()
                        if server.descriptors() <= before + 1:
                            break
                    else:
                        self.fail(f"{server.descriptors()} descriptors, {before} before")

    def test_idle_pairs_are_closed(self):
        for mode in self.modes():
            with Target(*mode, "--idle-timeout", "50ms") as target:
                client, server = target.pair()
                with client, server:
                    self.assertRaises(ConnectionResetError, client.recv, 1)
                    self.assertRaises(ConnectionResetError, server.recv, 1)
                target.await_stats(open=0, idle=1)

    def test_more_clients_than_select_takes(self):
        with Target("--backend", "select") as target:
            first, accepted = target.pair()
            clients = [target.server.connect() for _ in range(250)]
            with first, accepted:
                self.assertEqual(clients[-1].recv(1), b"")
                first.sendall(b"x")
                self.assertEqual(accepted.recv(1), b"x")
                for client in clients:
                    client.close()
                for _ in range(250):
                    with target.server.connect() as client:
                        client.shutdown(socket.SHUT_WR)
                        if target.server.descriptors() < 100:
                            break


class Leaving(Modes):
    def test_who_is_connected_may_finish(self):
        for mode in self.modes():
            with Target(*mode) as target:
                client, server = target.pair()
                with client, server:
                    client.sendall(b"x")
                    self.assertEqual(server.recv(1), b"x")
                    target.server.process.send_signal(signal.SIGTERM)
                    try:
                        while True:  # until nobody is accepted any more
                            target.server.connect().close()
                    except ConnectionError:
                        pass
                    server.sendall(b"late answer")
                    server.close()
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(read_all(client), b"late answer")
                self.drain_queue(target)
                status, _, err = target.server.stop(0)
                self.assertEqual(status, 0)
                self.assertEqual(parse(err)["open"], 0)

    def drain_queue(self, target):
        target.listener.setblocking(False)
        while select.select([target.listener], [], [], 0)[0]:
            target.listener.accept()[0].close()
        target.listener.close()

    def test_but_not_for_ever(self):
        for mode in self.modes():
            with Target(*mode, "--drain", "50ms") as target:
                client, server = target.pair()
                with client, server:
                    target.server.process.send_signal(signal.SIGTERM)
                    self.assertEqual(read_all(client), b"")
                    status, _, err = target.server.stop(0)
                    self.assertEqual((status, parse(err)["open"]), (0, 1))

    def test_a_second_signal_ends_it_at_once(self):
        for mode in self.modes():
            with Target(*mode, "--drain", "1h") as target:
                client, server = target.pair()
                with client, server:
                    target.server.process.send_signal(signal.SIGTERM)
                    try:
                        while True:
                            target.server.connect().close()
                    except ConnectionError:
                        pass
                    status, _, _ = target.server.stop(signal.SIGTERM)
                    self.assertEqual(status, 0)


class Http(Modes):
    def test_pythons_web_server_behind_it(self):
        content = random.Random(3).randbytes(1_000_000)
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "file"), "wb") as file:
                file.write(content)

            class Handler(http.server.SimpleHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def log_message(self, *_):
                    pass

            web = http.server.ThreadingHTTPServer(
                ("127.0.0.1", 0), functools.partial(Handler, directory=directory))
            web.daemon_threads = True
            thread = threading.Thread(target=web.serve_forever, args=(0.01,))
            thread.start()
            try:
                for mode in self.modes():
                    with forwarder("127.0.0.1:%d" % web.server_port, *mode) as server:
                        self.get(server, content)
            finally:
                web.shutdown()
                web.server_close()
                thread.join()

    def get(self, server, content):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        for _ in range(3):  # on one connection
            connection.request("GET", "/file")
            self.assertTrue(connection.getresponse().read() == content)
        connection.request("GET", "/none")
        self.assertEqual(connection.getresponse().status, 404)
        connection.close()
        url = f"http://127.0.0.1:{server.port}/file"
        got = subprocess.run(["curl", "--silent", "--fail", url, url], capture_output=True,
                             timeout=PATIENCE, check=True).stdout
        self.assertTrue(got == content + content)


class Mistakes(Modes):
    def test_targets_that_make_no_sense(self):
        for to in ("", "localhost:80", "127.0.0.1", "127.0.0.1:0", "unix:"):
            status, out, err = run("port_forwarder", "--to", to)
            self.assertEqual((status, out), (2, ""), to)
            self.assert_one_line(err, "port_forwarder: ", to)

    def test_itself(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        status, _, err = run("port_forwarder", "--port", port, "--to", "127.0.0.1:" + port)
        self.assertEqual(status, 2)
        self.assert_one_line(err, "where it listens")


if __name__ == "__main__":
    unittest.main()
