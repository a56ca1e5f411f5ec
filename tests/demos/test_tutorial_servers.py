"""hello, guess_who, print and delay: each answers what one read gave."""

import signal
import socket
import unittest

from demo import Modes, Server, exchange, read_all, read_exactly, reset

GREETING = "你找谁呀!".encode()
HIDDEN = "什么"


class Hello(Modes):
    def test_it_prints_answers_and_closes(self):
        for mode in self.modes():
            with Server("hello_server", *mode) as server:
                with server.connect() as client:
                    client.sendall("你好\n".encode())
                    self.assertEqual(read_all(client), b"Hello World")
                self.assertEqual(server.process.stdout.readline(), "你好\n")

    def test_the_answer_arrives_though_more_is_on_its_way(self):
        for mode in self.modes():
            with Server("hello_server", *mode, "--reply", "再见") as server, \
                    server.connect() as client:
                self.assertEqual(exchange(client, b"x" * 3_000), "再见".encode())

    def test_bug_f10_what_is_printed_is_one_line_without_harm(self):
        with Server("hello_server") as server, server.connect() as client:
            client.sendall(b"one\ntwo\x1b[2J\xff\r\n")
            read_all(client)
            self.assertEqual(server.process.stdout.readline(), "one\\x0atwo\\x1b[2J\\xff\n")


class GuessWho(Modes):
    def check(self, client, text):
        client.sendall(text.encode())
        possible = {text.replace(one, HIDDEN).encode() for one in set(text)}
        size = max(map(len, possible))
        answer = client.recv(size + 1)
        self.assertIn(answer, possible)
        return answer

    def test_a_character_is_hidden_wherever_it_stands(self):
        for mode in self.modes():
            with Server("guess_who_server", *mode) as server, server.connect() as client:
                self.assertEqual(read_exactly(client, len(GREETING)), GREETING)
                for text in ("aaa", "你好,你好", "ab\nab", "é🙂é", "什么", "\n"):
                    self.check(client, text)

    def test_the_choice_is_random_and_repeats_with_the_seed(self):
        def answers(*options):
            with Server("guess_who_server", *options) as server, server.connect() as client:
                read_exactly(client, len(GREETING))
                return [self.check(client, "abcdefgh") for _ in range(20)]
        once = answers("--seed", "7")
        self.assertGreater(len(set(once)), 2)
        self.assertEqual(answers("--seed", "7"), once)
        self.assertNotEqual(answers(), answers())

    def test_the_end_of_the_line_stays(self):
        with Server("guess_who_server") as server, server.connect() as client:
            read_exactly(client, len(GREETING))
            for _ in range(30):
                self.assertEqual(self.check(client, "a\r\n"), (HIDDEN + "\r\n").encode())

    def test_what_is_no_utf8_comes_back_unchanged(self):
        for mode in self.modes():
            with Server("guess_who_server", *mode) as server, server.connect() as client:
                read_exactly(client, len(GREETING))
                for text in (b"a\xff", b"\xe4\xbd", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
                    client.sendall(text)
                    self.assertEqual(read_exactly(client, len(text)), text)

    def test_cut_in_single_bytes_nothing_is_lost(self):
        for mode in self.modes():
            with Server("guess_who_server", *mode) as server, server.connect() as client:
                read_exactly(client, len(GREETING))
                for byte in "你".encode():  # no character by itself
                    client.sendall(bytes([byte]))
                    self.assertEqual(client.recv(10), bytes([byte]))
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")


class Print(Modes):
    def test_each_read_with_its_sender(self):
        for mode in self.modes():
            with Server("print_server", *mode) as server, server.connect() as client:
                host, port = client.getsockname()
                for text, printed in (("你好", "你好"), ("a\r\n", "a"), ("\x1b[31m\nb", "\\x1b[31m\\x0ab")):
                    client.sendall(text.encode())
                    self.assertEqual(server.process.stdout.readline(), f"{host}:{port}: {printed}\n")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")

    def test_what_was_read_of_a_peer_who_is_gone(self):
        for mode in self.modes():
            with Server("print_server", *mode) as server, server.connect() as client:
                client.sendall(b"first")
                self.assertIn(": first\n", server.process.stdout.readline())
                with server.paused():
                    client.sendall(b"last words")
                    reset(client)
                with server.connect() as other:  # else there might be nothing to read
                    other.sendall(b"later")
                    self.assertRegex(server.process.stdout.readline(),
                                     r"^127\.0\.0\.1:\d+: last words\n$")


    def test_the_last_words_of_a_client_that_breaks_off(self):
        for mode in self.modes():
            with Server("print_server", *mode) as server:
                client = server.connect()
                name = "%s:%d" % client.getsockname()
                client.sendall(b"here")
                self.assertEqual(server.process.stdout.readline(), f"{name}: here\n")
                with server.paused():
                    client.sendall(b"and gone")
                    reset(client)
                self.assertEqual(server.process.stdout.readline(), f"{name}: and gone\n")


class Delay(Modes):
    def slept(self, end=""):
        return ("已收到延时反馈信息:sleep" + end).encode()

    def at_once(self, text):
        return ("已收到普通信息:" + text).encode()

    def test_who_sleeps_keeps_nobody_waiting(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "100ms") as server, \
                    server.connect() as sleeper, server.connect() as other:
                sleeper.sendall(b"sleep")
                other.sendall(b"hello")
                answer = self.at_once("hello")
                self.assertEqual(read_exactly(other, len(answer)), answer)
                self.assertEqual(read_exactly(sleeper, len(self.slept())), self.slept())

    def test_what_is_sent_meanwhile_is_answered_first(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "1h") as server, \
                    server.connect() as client:
                client.sendall(b"sleep\n")
                # The next read is another one when the server has done something in between.
                with server.connect() as other:
                    other.sendall(b"x")
                    other.recv(100)
                client.sendall(b"sleepy\n")
                answer = self.at_once("sleepy\n")
                self.assertEqual(read_exactly(client, len(answer)), answer)
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(read_all(client), self.slept("\n"))

    def test_a_client_that_ends_its_side_or_is_gone(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "50ms", "--stats") as server:
                clients = [server.connect() for _ in range(10)]
                for client in clients:
                    client.sendall(b"sleep")
                    client.shutdown(socket.SHUT_WR)
                for client in clients[:5]:
                    client.close()
                for client in clients[5:]:
                    self.assertEqual(read_all(client), self.slept())
                    client.close()
                self.assertEqual(server.stop()[0], 0)

    def test_many_sleeps_of_one_client(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "50ms") as server, \
                    server.connect() as client, server.connect() as other:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for _ in range(150):  # more than it lets wait
                    client.sendall(b"sleep")
                    other.sendall(b"x")
                    other.recv(100)
                client.shutdown(socket.SHUT_WR)
                answered = read_all(client).decode()
                # Some went together, and then were no "sleep" any more.
                self.assertEqual(answered.count("sleep"), 150)

    def test_on_leaving_sleepers_are_answered(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "1h") as server, \
                    server.connect() as client, server.connect() as other:
                client.sendall(b"sleep")
                other.sendall(b"x")
                other.recv(100)  # so "sleep" was read
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(read_all(client), self.slept())
                read_all(other)
                client.close()
                other.close()
                self.assertEqual(server.process.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
