"""udp_ack_server, udp_client, broadcast_sender and broadcast_receiver."""

import random
import signal
import socket
import subprocess
import tempfile
import unittest

from demo import PATIENCE, Modes, Server, parse, path

ACK = "已收到".encode()


def udp(port=None):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(PATIENCE)
    one.bind(("127.0.0.1", 0))
    if port:
        one.connect(("127.0.0.1", port))
    return one


def client(program, data, *options):
    done = subprocess.run([path(program), *options], input=data, capture_output=True,
                          timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Ack(Modes):
    def test_each_datagram_is_printed_and_answered(self):
        for mode in self.modes():
            with Server("udp_ack_server", *mode, "--stats") as server, udp(server.port) as one:
                sender = "%s:%d" % one.getsockname()
                for data, printed in (("你好".encode(), "你好"), (b"", ""), (b"a\nb\x1b", "a\\x0ab\\x1b"),
                                      (b"line\n", "line"), (b"x" * 65507, "x" * 65507)):
                    one.send(data)
                    self.assertEqual(one.recv(100), ACK)
                    self.assertEqual(server.process.stdout.readline(), f"{sender}: {printed}\n")
                status, _, err = server.stop()
                self.assertEqual(status, 0)
                self.assert_one_line(err)
                stats = parse(err)
                self.assertEqual((stats["datagrams"], stats["answered"]), (5, 5))

    def test_many_at_once(self):
        # More than one visit takes, and what is printed more than a pipe holds.
        for mode in self.modes():
            with Server("udp_ack_server", *mode) as server, udp(server.port) as one:
                for _ in range(150):
                    one.send(b"x")
                for _ in range(150):
                    self.assertEqual(one.recv(100), ACK)

    def test_u10_bug_f6_it_does_not_answer_for_ever(self):
        for mode in self.modes():
            with Server("udp_ack_server", *mode, "--stats") as server, udp(server.port) as one:
                one.send(ACK)
                one.send(b"x")
                self.assertEqual(one.recv(100), ACK)
                one.setblocking(False)
                self.assertEqual(parse(server.stop()[2])["unanswered"], 1)
                with self.assertRaises((BlockingIOError, ConnectionRefusedError)):
                    one.recv(100)

    def test_u10_bug_f6_two_servers_do_not_answer_each_other(self):
        with Server("udp_ack_server", "--stats") as server:
            with udp(server.port) as probe, server.paused():
                port = probe.getsockname()[1]
                for _ in range(5):
                    probe.send(b"x")
                probe.close()
                another = Server("udp_ack_server", "--stats", "--port", str(port))
            with another:  # It has the address of who asked, and gets the answers.
                for one in (server, another):  # who asks now stands in the queue behind all that
                    with udp(one.port) as probe:
                        probe.send(b"x")
                        self.assertEqual(probe.recv(100), ACK)
                self.assertEqual(parse(server.stop()[2])["answered"], 6)
                stats = parse(another.stop()[2])
                self.assertEqual((stats["answered"], stats["unanswered"]), (1, 5))

    def test_u4_senders_that_are_gone(self):
        for mode in self.modes():
            with Server("udp_ack_server", *mode) as server:
                for _ in range(50):
                    with udp(server.port) as one:
                        one.send(b"x")
                with udp(server.port) as one:
                    one.send(b"x")
                    self.assertEqual(one.recv(100), ACK)
                self.assertEqual(server.stop()[0], 0)

    def test_a_sender_without_an_address(self):
        with tempfile.TemporaryDirectory() as directory, \
                Server("udp_ack_server", "--host", f"unix:{directory}/socket", "--stats") as server:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
                one.sendto(b"x", f"{directory}/socket")
            self.assertEqual(server.process.stdout.readline(), "unnamed: x\n")
            self.assertEqual(parse(server.stop()[2])["unanswered"], 1)

    def test_random_bytes_and_descriptors(self):
        some = random.Random(5)
        for mode in self.modes():
            with Server("udp_ack_server", *mode) as server:
                before = server.descriptors()
                for _ in range(100):
                    with udp(server.port) as one:
                        one.send(some.randbytes(some.randrange(100)))
                        self.assertEqual(one.recv(100), ACK)
                self.assertEqual(server.descriptors(), before)

    def test_signals_and_loopback(self):
        for program in ("udp_ack_server", "broadcast_receiver"):
            for mode in self.modes():
                with Server(program, *mode, "--stats") as server:
                    self.assertRegex(server.address, r"^127\.\d+\.\d+\.\d+:[1-9]\d*$")
                    server.process.send_signal(signal.SIGUSR1)
                    self.assertRegex(server.process.stderr.readline(), "^stats .*datagrams=0")
                    self.assertEqual(server.stop()[:2], (0, ""))


class Client(Modes):
    def test_against_the_server(self):
        for mode in self.modes():
            with Server("udp_ack_server", *mode) as server:
                status, out, err = client("udp_client", b"a\n\nb", *mode, "--port", str(server.port),
                                          "--wait", "20s")
                self.assertEqual((status, out, err), (0, "已收到\n" * 3, ""))

    def test_a_dialogue(self):
        for mode in self.modes():
            with udp() as server:
                port = server.getsockname()[1]
                process = subprocess.Popen([path("udp_client"), *mode, "--port", str(port)], bufsize=0,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                for text in ("你好".encode(), b"", b"x" * 60_000):
                    process.stdin.write(text + b"\n")
                    got, sender = server.recvfrom(100_000)
                    self.assertEqual(got, text)
                    server.sendto(text, sender)
                    self.assertEqual(process.stdout.read(len(text) + 1), text + b"\n")
                process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 0)

    def test_nobody_is_there(self):
        with udp(9) as closed:  # connected, it keeps the port and is nobody for others
            port = str(closed.getsockname()[1])
            for mode in self.modes():
                status, out, err = client("udp_client", b"a\nb\n", *mode, "--port", port)
                self.assertEqual((status, out), (1, ""))
                self.assertRegex(err, r"udp_client: 127\.0\.0\.1:\d+: Connection refused\n")

    def test_no_answer_comes(self):
        with udp() as silent:
            port = str(silent.getsockname()[1])
            status, out, err = client("udp_client", b"a\nb\n", "--port", port, "--wait", "10ms")
            self.assertEqual((status, out), (1, ""))
            self.assert_one_line(err, "2 of 2 datagrams had no answer")

    def test_a_line_that_is_too_long(self):
        with Server("udp_ack_server") as server:
            status, out, err = client("udp_client", b"x" * 65508 + b"\ny\n", "--port", str(server.port),
                                      "--wait", "20s")
            self.assertEqual((status, out), (1, "已收到\n"))
            self.assert_one_line(err, "udp_client: 127.0.0.1:", ": Message too long")


class Broadcast(Modes):
    def check(self, mode, *options):
        with Server("broadcast_receiver", *mode, *options) as one, \
                Server("broadcast_receiver", *mode, *options, "--port", str(one.port)) as other:
            done = client("broadcast_sender", "你好\n\nx".encode(), *mode, *options,
                          "--port", str(one.port))
            self.assertEqual(done, (0, "", ""))
            for receiver in (one, other):
                for text in ("你好", "", "x"):
                    line = receiver.process.stdout.readline()
                    self.assertRegex(line, r"^(127\.0\.0\.1|\[\S+\]|[\d.]+):\d+: " + text + "\n$")

    def test_every_receiver_gets_it(self):
        for mode in self.modes():
            self.check(mode)

    def test_a_group(self):
        for mode in self.modes():
            self.check(mode, "--multicast", "239.255.77.1")

    def test_a_group_of_ipv6(self):
        group = "ff01::77"  # it never leaves the machine
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((group, 9, 0, socket.if_nametoindex("lo")))
            except OSError:
                self.skipTest("loopback has no route for multicast of IPv6 here")
        for mode in self.modes():
            self.check(mode, "--multicast", group)

    def test_python_is_heard(self):
        with Server("broadcast_receiver") as server, udp() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            one.sendto(b"hello", ("127.255.255.255", server.port))
            self.assertRegex(server.process.stdout.readline(), r"^127\.0\.0\.1:\d+: hello\n$")

    def test_mistakes(self):
        for options, word in ((["--multicast", "127.0.0.1"], "127.0.0.1"),
                              (["--multicast", "239.1.2.3", "--interface", "eth77"], "eth77"),
                              (["--multicast", "everybody"], "everybody")):
            status, out, err = client("broadcast_receiver", b"", *options)
            self.assertEqual((status, out), (2, ""), err)
            self.assert_one_line(err, "broadcast_receiver: ", word)


if __name__ == "__main__":
    unittest.main()
