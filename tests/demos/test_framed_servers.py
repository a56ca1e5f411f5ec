"""line_server and frame_server: the same messages however the bytes are cut on their way."""

import socket
import struct
import unittest

from demo import Modes, Server, exchange, parse, read_all, read_exactly


def frame(text):
    return struct.pack("<i", len(text)) + text


def send_cut(server, data, place):
    """Two pieces that the server reads apart: another client is served between them."""
    client = server.connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(data[:place])
    with server.connect() as other:
        other.shutdown(socket.SHUT_WR)
        read_all(other)
    client.sendall(data[place:])
    client.shutdown(socket.SHUT_WR)
    answer = read_all(client)
    client.close()
    return answer


class Slow(Modes):
    """A start of a message, and its rest."""
    PROGRAMS = (("line_server", b"a li", b"ne\n"), ("frame_server", frame(b"x")[:3], frame(b"x")[3:]))

    def cut(self, server, start):
        """Twenty clients that begin and do not go on: all see the end."""
        slow = [server.connect() for _ in range(20)]
        for client in slow:
            client.sendall(start)
        for client in slow:
            self.assertEqual(read_all(client), b"")
            client.close()

    def check(self, program, mode, timeout, first, rest):
        with Server(program, *mode, "--timeout", timeout, "--stats") as server, \
                server.connect() as patient:
            for part in first:
                patient.sendall(part)
            self.cut(server, rest[0])
            patient.sendall(b"".join(rest))  # between messages it may take its time
            patient.shutdown(socket.SHUT_WR)
            answer = b"".join((*first, *rest)) if program == "line_server" else b""
            self.assertEqual(read_all(patient), answer)
            stats = parse(server.stop()[2])
            self.assertEqual(stats["closed.deadline"], 20)
            self.assertNotIn("rejected.unfinished", stats)

    def test_m8_slow_ones_are_cut_and_hinder_nobody(self):
        for program, start, rest in self.PROGRAMS:
            for mode in self.modes():
                self.check(program, mode, "300ms", [start + rest], [start, rest])

    def test_the_time_is_that_of_one_message(self):
        for program, start, rest in self.PROGRAMS:
            self.check(program, [], "2s", [start, rest + start, rest], [start, rest])


class Line(Modes):
    def test_lines_come_back_however_they_are_cut(self):
        data = "eins\n\r\n你好\r\n\n\0\xff\n".encode()
        for mode in self.modes():
            with Server("line_server", *mode, "--stats") as server:
                for place in range(len(data)):
                    self.assertEqual(send_cut(server, data, place), data)
                self.assertNotIn("rejected", server.stop()[2])

    def test_a_line_comes_back_at_once(self):
        for mode in self.modes():
            with Server("line_server", *mode) as server, server.connect() as client:
                for part, answer in ((b"a", b""), (b"b\nc", b"ab\n"), (b"d\n", b"cd\n")):
                    client.sendall(part)
                    self.assertEqual(read_exactly(client, len(answer)), answer)

    def test_megabytes_of_lines(self):
        data = b"".join(b"%d\n" % n for n in range(300_000))
        for mode in self.modes():
            with Server("line_server", *mode) as server, server.connect() as client:
                self.assertEqual(exchange(client, data), data)

    def test_the_limit(self):
        for mode in self.modes():
            with Server("line_server", *mode, "--limit", "1000", "--stats") as server:
                longest = b"x" * 1000 + b"\n"
                with server.connect() as client:
                    self.assertEqual(exchange(client, longest), longest)
                for long in (b"x" + longest, b"x" * 1001, b"x" * 100_000):
                    with server.connect() as client:
                        self.assertEqual(exchange(client, b"ok\n" + long), b"ok\n")
                self.assertEqual(parse(server.stop()[2])["rejected.long-line"], 3)

    def test_a_line_of_megabytes_when_it_is_allowed(self):
        data = b"x" * 20_000_000 + b"\n"
        with Server("line_server", "--limit", "20000000") as server, server.connect() as client:
            self.assertEqual(exchange(client, data), data)

    def test_an_unfinished_line(self):
        for mode in self.modes():
            with Server("line_server", *mode, "--stats") as server:
                with server.connect() as client:
                    self.assertEqual(exchange(client, b"whole\nhalf"), b"whole\n")
                self.assertEqual(parse(server.stop()[2])["rejected.unfinished"], 1)


class Frame(Modes):
    def lines(self, server, count):
        return [server.process.stdout.readline() for _ in range(count)]

    def test_m1_split_at_every_byte(self):
        texts = [b"", b"a", "你好".encode(), b"two\nlines"]
        data = b"".join(map(frame, texts))
        printed = ["\n", "a\n", "你好\n", "two\\x0alines\n"]
        for mode in self.modes():
            with Server("frame_server", *mode, "--stats") as server:
                for place in range(len(data)):
                    self.assertEqual(send_cut(server, data, place), b"")
                    self.assertEqual(self.lines(server, len(texts)), printed)
                self.assertNotIn("rejected", server.stop()[2])

    def test_m1_single_bytes(self):
        with Server("frame_server") as server, server.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in frame(b"drop") + frame(b"by drop"):
                client.sendall(bytes([byte]))
            self.assertEqual(self.lines(server, 2), ["drop\n", "by drop\n"])

    def test_m1_bug_f2_lengths(self):
        for mode in self.modes():
            with Server("frame_server", *mode, "--limit", "1000", "--stats") as server:
                for size in (0, 1, 999, 1000):
                    with server.connect() as client:
                        exchange(client, frame(b"x" * size))
                    self.assertEqual(self.lines(server, 1), ["x" * size + "\n"])
                refused = (1001, 2**31 - 1, 2**31, 2**32 - 1)
                for length in refused:
                    with server.connect() as client:
                        self.assertEqual(
                            exchange(client, frame(b"before") + struct.pack("<I", length) + b"x"), b"")
                    self.assertEqual(self.lines(server, 1), ["before\n"])
                self.assertEqual(parse(server.stop()[2])["rejected.bad-length"], len(refused))

    def test_m1_the_end_in_the_middle(self):
        whole = frame(b"text")
        for mode in self.modes():
            with Server("frame_server", *mode, "--stats") as server:
                for size in range(1, len(whole)):
                    with server.connect() as client:
                        self.assertEqual(exchange(client, whole[:size]), b"")
                status, out, err = server.stop()
                self.assertEqual((status, out), (0, ""))
                self.assertEqual(parse(err)["rejected.unfinished"], len(whole) - 1)

    def test_the_default_limit_is_a_megabyte(self):
        with Server("frame_server") as server, server.connect() as client:
            client.sendall(frame(b"y" * 1024 * 1024))
            self.assertEqual(self.lines(server, 1), ["y" * 1024 * 1024 + "\n"])


if __name__ == "__main__":
    unittest.main()
