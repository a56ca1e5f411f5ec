"""What the load generator does besides echoing: connections for one request, downloads, HTTP, and
connections on which nothing happens."""

import itertools
import json
import os
import socket
import subprocess
import threading
import unittest

from comparison.processes import Child
from small_servers import AVAILABLE, BUILD, SIZE, Server, command, echo, exactly, load

FIN_WAIT2 = 5  # the other side has our end


def tcp_state(connection):
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO) & 0xFF


@AVAILABLE
class Churn(unittest.TestCase):
    def test_each_message_has_a_connection_of_its_own(self):
        served = []

        def one_message(connection, number):
            message = exactly(connection, SIZE)
            connection.sendall(message)
            served.append(number)
            connection.recv(1)

        for loop in ([], ["--rate", 2000], ["--ending", "fin"]):
            served.clear()
            with self.subTest(loop), Server(one_message) as server:
                (result,), _ = load(server, "--mode", "churn", "--connections", 5,
                                    "--requests", 60, "--warmup", 0, *loop)
                self.assertEqual((result["requests"], result["opened"]), (60, 60))
            self.assertEqual(len(served), 60 + 5)  # and one greeting for each place

    def test_what_is_due_while_all_connections_are_in_use_waits_for_any(self):
        with Server(echo) as server:
            (result,), _ = load(server, "--mode", "churn", "--connections", 2, "--rate", 100_000,
                                "--requests", 100, "--warmup", 0)
        self.assertEqual((result["requests"], result["opened"]), (100, 100))

    def test_nobody_listens(self):
        with socket.socket() as bound:  # but does not listen
            bound.bind(("127.0.0.1", 0))
            _, said = load(bound.getsockname()[1], "--mode", "churn", status=2)
        self.assertRegex(said, "^load_generator: 0 of 1 connections answered, then connection 1: "
                               ".*Connection refused\n$")


def answers(size, extra=0):
    def serve(connection, _):
        while exactly(connection, SIZE):
            connection.sendall(bytes(size + extra))
    return serve


@AVAILABLE
class Downloads(unittest.TestCase):
    def test_the_answers_are_counted(self):
        with Server(answers(100_000)) as server:
            (result,), _ = load(server, "--mode", "download", "--answer", 100_000,
                                "--requests", 20, "--connections", 2, "--warmup", 0)
        self.assertEqual((result["requests"], result["bytes"]), (20, 2_000_000))

    def test_more_bytes_than_were_asked_for_are_an_error(self):
        with Server(answers(1000, extra=1)) as server:
            _, said = load(server, "--mode", "download", "--answer", 1000, status=2)
        self.assertIn("connection 1: more than 1000 bytes came for a request", said)

    def test_a_slow_reader_takes_no_more_than_its_rate(self):
        with Server(answers(20_000)) as server:
            (result,), _ = load(server, "--mode", "download", "--answer", 20_000,
                                "--requests", 4, "--connections", 2, "--read-rate", 200_000,
                                "--receive-buffer", 4096, "--warmup", 0)
        self.assertEqual(result["bytes"], 80_000)
        spared = 2 * 0.02 * 200_000  # what may be caught up at the beginning
        allowed = 2 * 200_000 * result["seconds"] + spared
        self.assertLessEqual(result["bytes"], allowed + 2 * 2000)  # and the last piece of each


def http(*answer_list):
    """Answers each GET with the next of these, the last of them again and again; None closes."""
    def serve(connection, _):
        asked = b""
        for number in itertools.count():
            while b"\r\n\r\n" not in asked:
                part = connection.recv(65536)
                if not part:
                    return
                asked += part
            asked = asked.partition(b"\r\n\r\n")[2]
            answer = answer_list[min(number, len(answer_list) - 1)]
            if answer is None:
                return
            connection.sendall(answer)
    return serve


HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
NOT_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


@AVAILABLE
class Http(unittest.TestCase):
    def get(self, serve, *arguments, status=0):
        with Server(serve) as server:
            results, said = load(server, "--mode", "http", "--warmup", 0, *arguments,
                                 status=status)
        return results[0] if results else said

    def test_answers_by_length_and_in_chunks_in_both_loops(self):
        for loop in ([], ["--depth", 5], ["--rate", 5000], ["--rate", 5000, "--close"]):
            with self.subTest(loop):
                result = self.get(http(HELLO, CHUNKED, HELLO), "--requests", 60,
                                  "--connections", 3, *loop)
                self.assertEqual((result["requests"], result["errors"]), (60, 0))
                self.assertEqual(result["opened"], 60 if "--close" in loop else 0)
                self.assertNotIn("size", result)

    def test_what_is_not_2xx_is_an_error_that_is_counted(self):
        result = self.get(http(HELLO, NOT_THERE, HELLO, NOT_THERE), "--requests", 20)
        self.assertEqual((result["requests"], result["errors"]), (20, 19))

    def test_who_says_that_it_closes_is_connected_to_again(self):
        result = self.get(http(HELLO, HELLO, LAST, None), "--requests", 30)
        self.assertEqual((result["requests"], result["errors"]), (30, 0))
        self.assertEqual(result["opened"], 10)

    def test_who_says_that_it_closes_is_not_asked_again_though_it_does_not(self):
        def answers_two(connection, _):
            for answer in (HELLO, LAST):
                connection.recv(65536)
                connection.sendall(answer)
            while connection.recv(65536):
                pass

        result = self.get(answers_two, "--requests", 20)
        self.assertEqual((result["requests"], result["opened"]), (20, 10))

    def test_pipelined_requests_that_were_not_answered_are_asked_again(self):
        result = self.get(http(HELLO, HELLO, LAST, None), "--requests", 30, "--depth", 4)
        self.assertEqual((result["requests"], result["errors"]), (30, 0))

    def test_who_closes_without_a_word_between_answers_is_connected_to_again(self):
        result = self.get(http(HELLO, HELLO, None), "--requests", 30)
        self.assertEqual(result["requests"], 30)
        self.assertGreaterEqual(result["opened"], 14)

    def test_who_closes_within_an_answer_is_an_error(self):
        def breaks_off(connection, _):
            for answer in (HELLO, HELLO[:-1]):
                connection.recv(65536)
                connection.sendall(answer)

        said = self.get(breaks_off, "--requests", 30, status=2)
        self.assertIn("the server closed connection 1", said)

    def test_who_never_answers_is_not_asked_for_ever(self):
        said = self.get(http(None), "--requests", 30, status=2)
        self.assertIn("0 of 1 connections answered, then the server closed connection 1", said)

    def test_answers_to_the_end_of_the_stream(self):
        def old(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")

        result = self.get(old, "--requests", 20)
        self.assertEqual((result["requests"], result["errors"]), (20, 0))

    def test_what_is_no_http_and_what_nobody_asked_for(self):
        said = self.get(http(b"SSH-2.0-OpenSSH\r\n"), status=2)
        self.assertIn("connection 1: no good HTTP: not a status line: SSH-2.0", said)
        said = self.get(http(HELLO + HELLO), status=2)
        self.assertIn("connection 1: an answer came that nobody asked for", said)

    @unittest.skipUnless((BUILD / "demos/http_server").exists(), "no http_server was built")
    def test_our_own_server(self):
        core = min(os.sched_getaffinity(0))
        server = Child([str(BUILD / "demos/http_server"), "--port", "0"], core)
        self.addCleanup(server.stop)
        port = server.read_line().rsplit(":", 1)[1]
        for arguments, errors in [(["--path", "/plain"], 0), (["--path", "/nowhere"], 100),
                                  (["--path", "/plain", "--close", "--connections", 4], 0)]:
            with self.subTest(arguments):
                (result,), _ = load(port, "--mode", "http", "--warmup", 0, "--requests", 100,
                                    *arguments)
                self.assertEqual((result["requests"], result["errors"]), (100, errors))


@AVAILABLE
class Idle(unittest.TestCase):
    def hold(self, server, *arguments, descriptors=1000):
        limited = ["prlimit", f"--nofile={descriptors}", *command("--port", server.port, "--mode",
                                                                  "idle", *arguments)]
        process = subprocess.Popen(limited, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        return process

    def test_connections_beyond_a_process_are_held_by_several_until_input_ends(self):
        with Server(lambda connection, _: connection.recv(1)) as server:
            process = self.hold(server, "--connections", 100, descriptors=50)
            self.assertEqual(process.stdout.readline(), "ready\n")
            server.wait_for(100)
            self.assertEqual(len(server.connections), 100)
            sources = {connection.getpeername()[0] for connection in server.connections}
            self.assertEqual(sources, {"127.0.0.1", "127.0.1.1", "127.0.1.2"})
            result = json.loads(process.communicate()[0])
        self.assertEqual((result["connections"], result["processes"], result["closed"]),
                         (100, 3, 0))
        self.assertEqual(process.returncode, 0)

    def test_what_the_server_has_closed_is_said(self):
        def ends_two(connection, number):
            if number < 2:
                connection.shutdown(socket.SHUT_WR)
                while tcp_state(connection) != FIN_WAIT2:
                    pass  # until the other side has it
                ended.release()
            connection.recv(1)

        ended = threading.Semaphore(0)
        with Server(ends_two) as server:
            process = self.hold(server, "--connections", 5)
            self.assertEqual(process.stdout.readline(), "ready\n")
            self.assertTrue(ended.acquire(timeout=10) and ended.acquire(timeout=10))
            self.assertEqual(json.loads(process.communicate()[0])["closed"], 2)

    def test_connections_that_nobody_accepts_are_not_ready(self):
        with socket.create_server(("127.0.0.1", 0), backlog=10) as listener:
            _, said = load(listener.getsockname()[1], "--mode", "idle", "--connections", 3,
                           "--patience", 0.05, status=2)
        self.assertIn("3 of 3 connections wait in the listen queue", said)

    def test_helpers_end_with_their_parent(self):
        with Server(lambda connection, _: connection.recv(1)) as server:
            process = self.hold(server, "--connections", 60, descriptors=50)
            self.assertEqual(process.stdout.readline(), "ready\n")
            server.wait_for(60)
            process.kill()
            for thread in list(server.threads)[1:]:
                thread.join(10)  # its recv has come to an end
            self.assertFalse(any(thread.is_alive() for thread in server.threads[1:]))

    def test_what_cannot_be_opened_is_said(self):
        with Server(lambda connection, _: connection.recv(1)) as server:
            port = server.port
        _, said = load(port, "--mode", "idle", "--connections", 3, status=2)
        self.assertIn(f"0 of 3 connections to 127.0.0.1:{port} open, then connect: ", said)


if __name__ == "__main__":
    unittest.main()
