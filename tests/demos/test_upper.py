"""upper_server: one handler, in every model."""

import os
import select
import signal
import socket
import tempfile
import threading
import unittest

from demo import Modes, PATIENCE, Server, exchange, parse, read_all, read_exactly, reset, run, wait_for

MODELS = ("iterative", "threads", "pool", "fork", "reactor", "multi", "coroutine")
# Models of which each client has a place of its own: one that does nothing keeps nobody waiting.
CONCURRENT = ("threads", "fork", "reactor", "multi", "coroutine")
AT_ONCE = {"iterative": 1, "pool": 2}  # the others have as many as they like
CLIENTS = 200


def at_once(count, work):
    """Calls `work(number)` in so many threads at once; returns what they returned."""
    answers = [None] * count

    def call(number):
        answers[number] = work(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def children(server):
    """The processes that its threads have started; a thread may end while one looks."""
    found = set()
    tasks = f"/proc/{server.process.pid}/task"
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/children") as file:
                found.update(file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Upper(Modes):
    def each(self, check, *options, models=MODELS, modes=None):
        for mode in modes or self.modes():
            for model in models:
                with self.subTest(model=model, mode=mode), \
                        Server("upper_server", *mode, "--model", model, "--threads", "2", "--stats",
                               *options) as server:
                    check(server, model)

    def test_200_clients_at_once(self):
        """They come all at once, ask twice, and go; who serves one after the other does that."""
        def check(server, _):
            def work(number):
                with server.connect() as client:
                    text = f"client {number}: straße\n".encode()
                    client.sendall(text)
                    first = read_exactly(client, len(text))
                    return first + exchange(client, text)
            for number, answer in enumerate(at_once(CLIENTS, work)):
                self.assertEqual(answer, f"client {number}: straße\n".encode().upper() * 2)
            status, _, err = server.stop()
            self.assertEqual(status, 0)
            self.assertEqual(parse(err)["accepted"], CLIENTS)
            self.assertEqual(parse(err)["shed"], 0)
        self.each(check, modes=[["--backend", "epoll"], ["--backend", "select"],
                                ["--backend", "epoll", "--trigger", "edge"]])

    def test_200_clients_that_stay(self):
        def check(server, _):
            clients = [server.connect() for _ in range(CLIENTS)]
            for number, client in enumerate(clients):
                client.sendall(b"client %d" % number)
            for number, client in reversed(list(enumerate(clients))):
                self.assertEqual(read_exactly(client, len(b"client %d" % number)), b"CLIENT %d" % number)
            for client in clients:
                client.close()
        self.each(check, models=CONCURRENT, modes=[["--backend", "epoll"], ["--backend", "poll"]])

    def test_m6_every_byte_and_megabytes(self):
        every = bytes(range(256)) + "é, 你好, ab\n".encode()
        megabytes = b"The quick brown fox\n" * 50_000

        def check(server, _):
            with server.connect() as client:
                self.assertEqual(exchange(client, every + megabytes), (every + megabytes).upper())
        self.each(check)

    def test_clients_that_vanish(self):
        def check(server, model):
            for size in (0, 1, 1000, 100_000):
                for _ in range(5):
                    client = server.connect()
                    client.setblocking(False)
                    if size:
                        client.send(b"x" * size)
                    reset(client)
            with server.connect() as client:
                self.assertEqual(exchange(client, b"served"), b"SERVED")
            if model == "fork":
                wait_for(lambda: not children(server))
            self.assertEqual(server.stop()[0], 0)
        self.each(check)

    def test_sigterm_under_load_loses_nothing_that_was_answered(self):
        """Each client sends without end. What it receives are whole answers in their order, and then
        the end, never a reset."""
        def check(server, model):
            busy = threading.Barrier(AT_ONCE.get(model, 3) + 1, timeout=PATIENCE)

            def work(number):
                request = b"request of client %d\n" % number
                got, left, waited = bytearray(), b"", False
                with server.connect() as client:
                    client.setblocking(False)
                    sending = [client]
                    while True:
                        readable, writable, _ = select.select([client], sending, [], PATIENCE)
                        if readable:
                            part = client.recv(65536)
                            if not part:
                                return bytes(got), request.upper()
                            got += part
                            if not waited:
                                waited = True
                                busy.wait()
                        if writable:
                            left = left or request * 500
                            try:
                                left = left[client.send(left):]
                            except ConnectionError:
                                sending = []  # it is gone; what it said can still be read

            def stop(_):
                busy.wait()
                server.process.send_signal(signal.SIGTERM)

            for result in at_once(busy.parties, lambda number: (work if number else stop)(number)):
                if result:
                    got, answer = result
                    self.assertGreater(len(got), 0)
                    self.assertEqual(got, (answer * (len(got) // len(answer) + 1))[:len(got)])
            status, _, err = server.stop(0)
            self.assertEqual(status, 0, err)
        self.each(check)

    def test_sigterm_does_not_wait_for_those_who_say_nothing(self):
        def check(server, model):
            clients = [server.connect() for _ in range(AT_ONCE.get(model, 3))]
            for client in clients:
                client.sendall(b"hello")
                self.assertEqual(read_exactly(client, 5), b"HELLO")
            status, _, err = server.stop()
            self.assertEqual(status, 0, err)
            for client in clients:
                self.assertEqual(read_all(client), b"")
                client.close()
        self.each(check)

    def test_nothing_is_left_of_clients_that_are_gone(self):
        def check(server, model):
            with server.connect() as client:
                client.sendall(b"hello")
                self.assertEqual(read_exactly(client, 5), b"HELLO")
                self.assertEqual(len(children(server)), 1 if model == "fork" else 0)
            wait_for(lambda: not children(server))
            before = server.descriptors()
            for _ in range(20):
                with server.connect() as client:
                    self.assertEqual(exchange(client, b"hello"), b"HELLO")
            wait_for(lambda: not children(server) and server.descriptors() <= before)
        self.each(check)

    def test_unix_streams(self):
        with tempfile.TemporaryDirectory() as directory:
            for model in MODELS:
                name = os.path.join(directory, model)
                with Server("upper_server", "--model", model, "--host", "unix:" + name) as server:
                    for _ in range(3):
                        with server.connect() as client:
                            self.assertEqual(exchange(client, b"hello"), b"HELLO")
                    self.assertEqual(server.stop()[0], 0)


class UpperDatagrams(Modes):
    def check(self, server, client):
        client.settimeout(PATIENCE)
        for text in (b"hello", b"", "é, ab".encode(), b"x" * 8000):
            client.send(text)
            self.assertEqual(client.recv(65536), text.upper())
        status, _, err = server.stop()
        self.assertEqual(status, 0)
        self.assertEqual(parse(err)["accepted"], 4)

    def test_udp(self):
        for mode in self.modes():
            for model in MODELS:
                with Server("upper_server", *mode, "--model", model, "--udp", "--stats") as server, \
                        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.connect(("127.0.0.1", server.port))
                    self.check(server, client)

    def test_unix_datagrams(self):
        with tempfile.TemporaryDirectory() as directory:
            for model in MODELS:
                name = os.path.join(directory, model)
                with Server("upper_server", "--model", model, "--udp", "--stats",
                            "--host", "unix:" + name) as server, \
                        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                    client.bind(name + "-client")
                    client.connect(name)
                    self.check(server, client)


class UpperMistakes(Modes):
    def test_an_option_wins_over_the_environment(self):
        with Server("upper_server", "--backend", "poll", env={"POLLUX_BACKEND": "kqueue"}) as server, \
                server.connect() as client:
            self.assertEqual(exchange(client, b"a"), b"A")

    def test_a_model_that_there_is_not(self):
        status, out, err = run("upper_server", "--model", "magic")
        self.assertEqual((status, out), (2, ""))
        self.assert_one_line(err, "upper_server: ", "magic", *MODELS)


if __name__ == "__main__":
    unittest.main()
