"""http_server and clients that cut, dribble, flood, lie or leave."""

import os
import re
import select
import socket
import unittest

from demo import PATIENCE, drip, parse, read_all, reset
from http_case import BIG, EDGE, GET, Case, read_response


class HoweverCut(Case):
    def test_m5_byte_by_byte(self):
        request = (b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"5\r\nhello\r\n0\r\n\r\n" + GET)
        for mode in self.modes():
            with self.serve(mode) as server, server.connect() as client, client.makefile("rb") as stream:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in request:
                    client.sendall(bytes([byte]))
                self.assertEqual(read_response(stream)[2], b"5 bytes, crc32 3610a686, not kept\n")
                self.assertEqual(read_response(stream)[2], b"Hello, World!\n")

    def test_m5_a_hundred_pipelined_requests_are_answered_in_order(self):
        paths = ["/plain", "/files/a.txt", "/nowhere", "/files/big.bin", "/style.css"]
        whole = {"/plain": b"Hello, World!\n", "/files/a.txt": b"0123456789", "/files/big.bin": BIG[:5000]}
        asked = [paths[i % 5] for i in range(100)]
        data = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-4999\r\n\r\n".encode()
                        for path in asked)
        for mode in self.modes():
            with self.serve(mode) as server, server.connect() as client, client.makefile("rb") as stream:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                for path in asked:
                    status, _, body = read_response(stream)
                    self.assertEqual(status == 404, path == "/nowhere")
                    if path in whole:
                        self.assertEqual(body, whole[path], path)
                self.assertEqual(stream.read(), b"")

    def test_who_asks_and_does_not_read_is_not_read_from(self):
        for path, size in (("/files/big.bin", len(BIG)), ("/style.css", None)):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            for mode in self.modes():
                with self.serve(mode) as server, server.connect() as client, client.makefile("rb") as stream:
                    client.setblocking(False)
                    sent, data = 0, request * 200_000
                    before = server.descriptors()
                    while True:
                        try:
                            sent += client.send(data[sent:])
                        except BlockingIOError:
                            # Nothing goes while the other side is idle: its own request is answered.
                            self.assertEqual(self.ask(server, "GET", "/plain")[0], 200)
                            if not select.select([], [client], [], 0)[1]:
                                break
                    self.assertLess(sent, len(data))
                    self.assertLessEqual(server.descriptors(), before + 8)  # a file in wait, not hundreds
                    with open(f"/proc/{server.process.pid}/status") as status:
                        used = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
                    if "asan" not in os.environ["POLLUX_DEMOS"]:
                        self.assertLess(used, 40_000)  # KiB
                    # Now it reads, and all is there.
                    client.setblocking(True)
                    client.settimeout(PATIENCE)
                    for _ in range(20):
                        status, fields, body = read_response(stream)
                        self.assertEqual((status, int(fields["content-length"])), (200, size or len(body)))


class Refused(Case):
    def check(self, server, data, status):
        """The answer says so and the connection ends, though the client goes on."""
        with server.connect() as client, client.makefile("rb") as stream:
            client.sendall(data)
            got, fields, _ = read_response(stream)
            self.assertEqual((got, fields["connection"]), (status, "close"), data[:80])
            self.assertEqual(stream.read(), b"")

    def test_m5_bug_f11_malformed_requests(self):
        head = b"POST /upload HTTP/1.1\r\nHost: x\r\n"
        with self.serve(EDGE, "--body-limit", "1000", "--stats") as server:
            malformed = (
                    (head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, 400),
                    (head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + GET, 400),
                    (head + b"Content-Length: +5\r\n\r\nhello", 400),
                    (head + b"Content-Length: 18446744073709551621\r\n\r\nhello", 400),
                    (head + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + GET, 400),
                    (head + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + GET, 400),
                    (b"GET / HTTP/1.1\nHost: x\n\n", 400), (b"GET /\0 HTTP/1.1\r\n", 400),
                    (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400), (b"\x16\x03\x01", 400),
                    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
                    (head + b"Content-Length: 1001\r\n\r\n", 413),
                    (head + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
                    (b"GET /" + b"x" * 10_000, 414), (b"GET / HTTP/1.1\r\nX: " + b"x" * 17_000, 431),
                    (head + b"Expect: miracles\r\n\r\n", 417))
            for data, status in malformed:
                self.check(server, data, status)
            # What came before is answered, and nothing behind it.
            answers = self.say(server, GET + b"GET / HTTP/1.1\r\n bad\r\n\r\n" + GET)
            self.assertEqual((answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 400")), (1, 1))
            stats = parse(server.stop()[2])
            self.assertEqual(sum(count for key, count in stats.items() if key.startswith("rejected.")),
                             len(malformed) + 1)
            self.assertEqual((stats["rejected.large-body"], stats["rejected.chunk"]), (2, 1))

    def test_m5_an_end_in_the_middle(self):
        for mode in self.modes():
            with self.serve(mode, "--stats") as server:
                for data in (GET[:10], GET[:-1], b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell"):
                    self.assertEqual(self.say(server, data)[:12], b"HTTP/1.1 400")
                self.assertEqual(self.say(server, b""), b"")
                self.assertEqual(self.say(server, GET + GET[:3]).count(b"HTTP/1.1 "), 2)
                self.assertEqual(parse(server.stop()[2])["rejected.unfinished"], 4)


class TooSlow(Case):
    def drip(self, client, first, more):
        """Sends a byte now and then, until something comes."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(first)
        for _ in range(int(PATIENCE / 0.02)):
            if select.select([client], [], [], 0.02)[0]:
                return read_all(client)
            client.sendall(more)
        raise AssertionError("nothing came")

    def test_m5_bug_f5_deadlines_stand_however_much_comes(self):
        for mode in self.modes():
            with self.serve(mode, "--head-timeout", "100ms", "--body-timeout", "100ms", "--stats") as server:
                with server.connect() as client:
                    self.assertEqual(self.drip(client, b"GET / HTTP/1.1\r\nX: ", b"y")[:12], b"HTTP/1.1 408")
                with server.connect() as client:
                    start = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
                    self.assertEqual(self.drip(client, start, b"y")[:12], b"HTTP/1.1 408")
                stats = parse(server.stop()[2])
                self.assertEqual((stats["rejected.slow-head"], stats["rejected.slow-body"]), (1, 1))

    def test_a_kept_connection_that_is_not_used_ends(self):
        for mode in self.modes():
            with self.serve(mode, "--keep-alive-timeout", "100ms", "--stats") as server:
                with server.paused():
                    silent, client = server.connect(), server.connect()
                    client.sendall(GET)
                with silent, client, client.makefile("rb") as stream:
                    self.assertEqual(read_response(stream)[0], 200)
                    self.assertEqual(stream.read(), b"")
                    self.assertEqual(read_all(silent), b"")
                self.assertEqual(parse(server.stop()[2])["timeout.keep-alive"], 2)

    def test_m8_slow_ones_are_cut_and_do_not_hinder_others(self):
        with self.serve(EDGE, "--head-timeout", "1s") as server:
            slow = [server.connect() for _ in range(200)]
            for client in slow:
                client.sendall(b"GET / HTTP/1.1\r\nX: ")
            drip(slow, lambda: self.assertEqual(self.ask(server, "GET", "/plain")[0], 200))
            for client in slow:
                self.assertEqual(read_all(client)[:12], b"HTTP/1.1 408")
                client.close()


class Ends(Case):
    def test_m7_clients_leave_the_descriptors_as_they_were(self):
        for mode in self.modes():
            with self.serve(mode) as server:
                def once():
                    self.assertEqual(self.say(server, GET + b"GET /files/a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
                                     .count(b"HTTP/1.1 200"), 2)
                once()
                before = server.descriptors()
                for _ in range(200):
                    once()
                self.assertLessEqual(server.descriptors(), before + 1)

    def test_m9_resets_at_any_point(self):
        get = b"GET /files/big.bin HTTP/1.1\r\nHost: x\r\n\r\n"
        put = b"PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000
        for mode in self.modes():
            with self.serve(mode) as server:
                before = server.descriptors()
                for data in [b"", get[:10], get, put[:1000], put, put + get] * 30:
                    client = server.connect()
                    client.sendall(data)
                    reset(client)
                self.assertEqual(self.ask(server, "GET", "/plain")[0], 200)
                while server.descriptors() > before + 1:
                    self.assertEqual(self.ask(server, "GET", "/plain")[0], 200)
                self.assertEqual(server.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
