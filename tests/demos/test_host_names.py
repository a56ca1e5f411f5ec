"""Clients that are told the name of their server. `localhost` may be ::1, 127.0.0.1 or both, in any
order; the servers here listen on 127.0.0.1 only."""

import contextlib
import os
import socket
import subprocess
import unittest

from demo import PATIENCE, Modes, Server, closed_port, path, read_all, read_exactly, run
from inbox import Inbox

NOBODY = "nohost.invalid"  # RFC 2606: there will never be one
# Where someone is asked for that and does not answer, that is soon over (resolv.conf(5)).
os.environ["RES_OPTIONS"] = "attempts:1 timeout:1"
# Server, words of the command line, standard input, and what is printed.
STREAMS = {
    "chat_client": ("echo_server", [], "hi\n", r"hi\n"),
    "fanout_client": ("echo_server", ["one", "two", "three"], "", r"(\d\.\d{3} s (\w+): \2\n){3}"),
    "many_clients": ("echo_server", ["--connections", "20", "--messages", "5"], "",
                     r"20 connections, 100 of 100 messages, .*\n"),
    "reconnecting_client": ("echo_server", [], "hi\n", r"hi\n"),
    "tcp_client": ("echo_server", [], "hi\n", r"hi\n"),
    "transfer_client": ("transfer_server", [], "msg|hi\nq\n", ""),
    "upload_client": ("upload_server", [__file__], "", ""),
}
LOGIN = ["--user", "ada", "--password-stdin"]


def start(program, *options):
    return subprocess.Popen([path(program), *options], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    return listener, str(listener.getsockname()[1])


def take(listener):
    client, _ = listener.accept()
    client.settimeout(PATIENCE)
    return client


class Streams(Modes):
    def test_each_gets_through(self):
        with contextlib.ExitStack() as stack:
            servers = {"echo_server": stack.enter_context(Server("echo_server"))}
            for name in ("transfer_server", "upload_server"):
                servers[name] = stack.enter_context(Inbox(name))
            for mode in self.modes():
                for program, (server, words, say, expected) in STREAMS.items():
                    status, out, err = run(program, *mode, "--host", "localhost", "--port",
                                           str(servers[server].port), *words, input=say)
                    self.assertEqual(status, 0, (program, err))
                    self.assertRegex(out, f"^{expected}$", program)
                with open(__file__, "rb") as this:
                    name = os.path.basename(__file__)
                    self.assertEqual(servers["upload_server"].file(name), this.read())
                os.unlink(os.path.join(servers["upload_server"].path, name))
            self.assertEqual(servers["transfer_server"].stop()[1], "hi\n" * 7)

    def test_login(self):
        for mode in self.modes():
            with Server("login_server", *mode, "--users", "/dev/null") as server:
                by_name, by_address = (
                    run("login_client", *mode, *LOGIN, "--host", host, "--port",
                        str(server.port), input="secret\n") for host in ("localhost", "127.0.0.1"))
                self.assertEqual(by_name, by_address)
                self.assertEqual((by_name[0], by_name[2]), (1, ""))

    def test_many_clients_need_one_look_up_and_no_connection_more(self):
        with Server("echo_server", "--stats") as server:
            for program, count in (("many_clients", 20), ("fanout_client", 3)):
                words = STREAMS[program][1]
                run(program, "--host", "localhost", "--port", str(server.port), *words)
            self.assertIn("accepted=23 ", server.stop()[2])

    def test_nobody_listens(self):
        for mode in self.modes():
            for program, (_, words, _, _) in STREAMS.items():
                with closed_port() as port:
                    status, _, err = run(program, *mode, "--host", "localhost", "--port", str(port),
                                         "--connect-timeout", "10s", *words, input="")
                self.assertEqual(status, 1, program)
                last = err.splitlines()[-1]
                self.assertRegex(last, f"^{program}: .*localhost: Connection refused$")

    def test_no_such_host(self):
        for mode in self.modes():
            for program, (_, words, _, _) in STREAMS.items():
                status, _, err = run(program, *mode, "--host", NOBODY, "--port", "1", *words, input="")
                self.assertEqual(status, 1, program)
                if program != "reconnecting_client":  # which may have tried again
                    self.assert_one_line(err, f"{program}: ", f"{NOBODY}: ")
        status, out, err = run("login_client", *LOGIN, "--host", NOBODY, "--port", "1", input="x\n")
        self.assertEqual((status, out), (1, ""))
        self.assert_one_line(err, f"login_client: {NOBODY}: ")

    def test_what_the_resolver_refuses(self):
        status, _, err = run("tcp_client", "--host", "a" * 300, "--port", "1")
        self.assertEqual(status, 2)
        self.assert_one_line(err, "tcp_client: ")

    def test_a_server_that_never_answers(self):
        # Its queue is full: more clients hang.
        for mode in self.modes():
            with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
                listener.bind("")  # the kernel picks a name
                listener.listen(0)
                address = listener.getsockname()
                for _ in range(8):
                    filler = stack.enter_context(socket.socket(socket.AF_UNIX))
                    filler.setblocking(False)
                    filler.connect_ex(address)
                status, _, err = run("tcp_client", *mode, "--connect-timeout", "50ms", "--host",
                                     "unix:@" + address[1:].decode())
                self.assertEqual(status, 1)
                self.assert_one_line(err, "tcp_client: unix:@", "timed out")


class Reconnecting(Modes):
    def test_each_attempt_looks_up_anew(self):
        for mode in self.modes():
            listener, port = listen()
            client = start("reconnecting_client", *mode, "--host", "localhost", "--port", port,
                           "--first-delay", "1ms")
            with listener, client:
                for _ in range(3):
                    with take(listener):
                        self.assertEqual(client.stderr.readline(),
                                         "reconnecting_client: localhost: connected\n")
                    self.assertIn(", again in ", client.stderr.readline())
                with take(listener) as server:
                    client.stdin.write("late\n")
                    client.stdin.close()
                    self.assertEqual(read_all(server), b"late\n")
                self.assertEqual(client.wait(PATIENCE), 0)

    def test_it_does_not_give_up_while_there_is_something_to_say(self):
        for mode in self.modes():
            with start("reconnecting_client", *mode, "--host", NOBODY, "--port", "1",
                       "--first-delay", "1ms") as client:
                client.stdin.write("hello?\n")
                client.stdin.close()
                for _ in range(2):
                    self.assertRegex(client.stderr.readline(),
                                     f"^reconnecting_client: {NOBODY}: .*, again in \\d+ ms\n$")
                client.kill()


class Threads(Modes):
    def threads(self, host, port, listener, *mode):
        with start("tcp_client", *mode, "--host", host, "--port", port) as client:
            with take(listener) as server:
                client.stdin.write("x")
                client.stdin.flush()
                self.assertEqual(read_exactly(server, 1), b"x")
                count = len(os.listdir(f"/proc/{client.pid}/task"))
                client.stdin.close()
            self.assertEqual(client.wait(PATIENCE), 0)
            return count

    def test_only_a_name_needs_one(self):
        for mode in self.modes():
            listener, port = listen()
            with listener:
                self.assertEqual(self.threads("127.0.0.1", port, listener, *mode), 1)
                self.assertEqual(self.threads("localhost", port, listener, *mode), 2)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.settimeout(PATIENCE)
                listener.bind("")
                listener.listen()
                name = "unix:@" + listener.getsockname()[1:].decode()
                self.assertEqual(self.threads(name, "0", listener, *mode), 1)


class Datagrams(Modes):
    def setUp(self):
        # Nothing tells whether somebody receives: they take the first address.
        self.family, _, _, _, (self.first, *_) = socket.getaddrinfo(
            "localhost", 1, type=socket.SOCK_DGRAM)[0]

    def test_udp_client(self):
        for mode in self.modes():
            with Server("udp_ack_server", *mode, "--host", self.first) as server:
                self.assertEqual(run("udp_client", *mode, "--host", "localhost", "--port",
                                     str(server.port), "--wait", "20s", input="hi\n"),
                                 (0, "已收到\n", ""))

    def test_broadcast_sender(self):
        with socket.socket(self.family, socket.SOCK_DGRAM) as receiver:
            receiver.settimeout(PATIENCE)
            receiver.bind((self.first, 0))
            port = str(receiver.getsockname()[1])
            for mode in self.modes():
                self.assertEqual(run("broadcast_sender", *mode, "--host", "localhost", "--port",
                                     port, input="hi\n"), (0, "", ""))
                self.assertEqual(receiver.recv(100), b"hi")

    def test_no_such_host(self):
        for program in ("udp_client", "broadcast_sender"):
            status, out, err = run(program, "--host", NOBODY, "--port", "1")
            self.assertEqual((status, out), (2, ""))
            self.assert_one_line(err, f"{program}: {NOBODY}: ")


if __name__ == "__main__":
    unittest.main()
