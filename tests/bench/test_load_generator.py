"""The load generator against small servers whose behaviour is known."""

import itertools
import json
import os
import socket
import subprocess
import threading
import time
import unittest

from comparison.processes import Child
from small_servers import BUILD, LOAD_GENERATOR, Server, command, echo, exactly, load

SIZE = 64
FIN_WAIT2 = 5  # what getsockopt(TCP_INFO) begins with: the other side has our end
AVAILABLE = unittest.skipUnless(LOAD_GENERATOR.exists(),
                                "POLLUX_BUILD names no build with load_generator")


@AVAILABLE
class ClosedLoops(unittest.TestCase):
    def test_the_figures_agree_with_each_other(self):
        with Server(echo) as server:
            (result,), _ = load(server, "--connections", 3, "--depth", 2, "--requests", 200,
                                "--warmup", 0)
        self.assertEqual((result["requests"], result["bytes"]), (200, 200 * SIZE))
        longest, counts = zip(*result["histogram"])
        self.assertEqual(sum(counts), 200)
        self.assertEqual(list(longest), sorted(set(longest)))
        latency = result["latency_ns"]
        self.assertEqual(longest[-1], latency["max"])
        self.assertLessEqual(latency["p50"], latency["p99"])
        self.assertNotIn("rate_asked", result)
        self.assertGreater(result["client_busy"], 0)

    def test_it_runs_on_the_cores_it_is_told(self):
        with Server(echo) as server:
            load(server, "--requests", 10, "--warmup", 0, "--cores", "0-1")
            _, said = load(server, "--requests", 10, "--cores", 1023, status=2)
        self.assertIn("--cores: ", said)

    def test_a_server_that_dies_in_the_middle_is_said_in_one_line(self):
        def dies(connection, _):
            for _ in range(50):
                connection.sendall(exactly(connection, SIZE))

        for loop in ([], ["--rate", 100_000]):
            with self.subTest(loop), Server(dies) as server:
                _, said = load(server, "--warmup", 0, "--seconds", 50, *loop, status=2)
                self.assertRegex(said, r"^load_generator: (the server closed connection 1 after "
                                       r"\d+ bytes|connection 1: .*reset by peer)\n$")

    def test_a_wrong_byte_is_found(self):
        def lies(connection, _):
            for _ in range(3):
                connection.sendall(exactly(connection, SIZE))
            connection.sendall(exactly(connection, SIZE)[::-1])
            echo(connection, _)

        with Server(lies) as server:
            _, said = load(server, "--warmup", 0, status=2)
        self.assertRegex(said, "connection 1: byte (19[2-9]|2..) is not the one that must come")


@AVAILABLE
class StandingBy(unittest.TestCase):
    def setUp(self):
        server = Server(echo)
        server.__enter__()
        self.addCleanup(server.__exit__)
        self.process = subprocess.Popen(
            command("--port", server.port, "--handshake", "--warmup", 0, "--connections", 2,
                    "--requests", 20),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.communicate)
        self.assertEqual(self.process.stdout.readline(), "ready\n")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def result(self):
        return json.loads(self.process.stdout.readline())

    def test_each_go_is_a_phase_of_its_own(self):
        for line in ("go", "go 50", "go"):
            self.say(line)
            result = self.result()
            self.assertEqual(result["requests"], 20)
            self.assertEqual(sum(count for _, count in result["histogram"]), 20)
        self.say("end")
        self.assertEqual(self.process.wait(), 0)

    def test_go_says_for_how_long(self):
        self.say("go 0")
        self.assertEqual(self.result()["requests"], 0)

    def test_the_end_of_its_input_ends_it(self):
        self.process.stdin.close()
        self.process.stdin = None
        self.assertEqual(self.process.wait(), 0)
        self.assertEqual(self.process.stdout.read(), "")

    def test_a_time_that_is_none_is_an_error(self):
        self.say("go fast")
        self.assertEqual(self.process.wait(), 2)
        self.assertEqual(self.process.stderr.read(), "load_generator: go: not a number: fast\n")


def stalls_once(seconds):
    """Echoes, and does nothing for a while before message 101."""
    def serve(connection, _):
        for _ in range(100):
            connection.sendall(exactly(connection, SIZE))
        time.sleep(seconds)  # not to wait for something: this is the stall that is looked for
        echo(connection, _)
    return serve


@AVAILABLE
class OpenLoops(unittest.TestCase):
    def test_a_stall_is_seen_by_an_open_loop_and_hidden_by_a_closed_one(self):
        stall, amount = 0.2, ("--requests", 1000, "--warmup", 0)
        with Server(stalls_once(stall)) as server:
            (opened,), _ = load(server, "--rate", 1000, *amount)
        with Server(stalls_once(stall)) as server:
            (closed,), _ = load(server, *amount)
        self.assertGreater(closed["latency_ns"]["max"], stall * 0.9e9)
        self.assertLess(closed["latency_ns"]["p99"], stall * 0.5e9)
        # Of 200 requests that were due in the stall, ten waited for more than nine tenths of it.
        self.assertGreater(opened["latency_ns"]["p99"], stall * 0.9e9)
        self.assertEqual(opened["requests"], 1000)

    def test_requests_are_sent_when_they_are_due_whether_or_not_answers_come(self):
        def answers_a_hundred_at_once(connection, _):
            connection.sendall(exactly(connection, 100 * SIZE))  # the greeting
            while part := exactly(connection, 100 * SIZE):
                connection.sendall(part)

        with Server(answers_a_hundred_at_once) as server:
            (result,), _ = load(server, "--rate", 5000, "--requests", 500, "--depth", 100,
                                "--warmup", 0)
        self.assertEqual((result["requests"], result["unanswered"]), (500, 0))
        self.assertEqual(round(result["rate_asked"]), 5000)
        self.assertLessEqual(result["rate_kept"], 5000.001)

    def test_what_is_never_answered_is_counted_and_does_not_hang(self):
        def falls_silent(connection, number):
            if number > 0:
                return echo(connection, number)
            for _ in range(11):
                connection.sendall(exactly(connection, SIZE))
            while connection.recv(65536):
                pass
            return None

        with Server(falls_silent) as server:
            process = subprocess.Popen(
                command("--port", server.port, "--handshake", "--warmup", 0, "--rate", 1000,
                        "--requests", 30, "--patience", 0.4),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            lines = process.communicate("go\ngo\n")[0].splitlines()
            self.assertEqual(process.returncode, 0)
        self.assertEqual(lines[0], "ready")
        silent, again = map(json.loads, lines[1:])
        self.assertEqual((silent["requests"], silent["unanswered"]), (10, 20))
        self.assertEqual(sum(count for _, count in silent["histogram"]), 30)
        self.assertGreater(silent["latency_ns"]["p50"], 0.4e9)
        # The next phase begins at rest, on another connection.
        self.assertEqual((again["requests"], again["unanswered"]), (30, 0))

    def test_a_neglected_connection_has_its_share_of_the_requests(self):
        def serves_the_first(connection, number):
            connection.sendall(exactly(connection, SIZE))
            if number == 0:
                echo(connection, number)
            while connection.recv(65536):
                pass

        with Server(serves_the_first) as server:
            (result,), _ = load(server, "--connections", 2, "--rate", 2000, "--requests", 100,
                                "--patience", 0.4, "--warmup", 0)
        self.assertEqual((result["requests"], result["unanswered"]), (50, 50))

    def test_a_rate_beyond_the_client_is_said_to_be(self):
        with Server(echo) as server:
            (result,), said = load(server, "--rate", 100_000_000, "--requests", 400_000,
                                   "--connections", 2, "--depth", 65536, "--warmup", 0)
        self.assertTrue(result["limited_by_client"])
        self.assertGreater(result["late"], 1000)
        self.assertIn("the client was the limit", said)

    def test_poisson_arrivals_are_as_many_as_asked(self):
        with Server(echo) as server:
            (result,), _ = load(server, "--rate", 5000, "--requests", 250, "--arrivals", "poisson",
                                "--seed", 7, "--warmup", 0)
        self.assertEqual(result["requests"], 250)


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

    def test_what_is_not_2xx_is_an_error_that_is_counted(self):
        result = self.get(http(HELLO, NOT_THERE, HELLO, NOT_THERE), "--requests", 20)
        self.assertEqual((result["requests"], result["errors"]), (20, 19))

    def test_who_says_that_it_closes_is_connected_to_again(self):
        result = self.get(http(HELLO, HELLO, LAST, None), "--requests", 30)
        self.assertEqual((result["requests"], result["errors"]), (30, 0))
        self.assertEqual(result["opened"], 10)

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
class Ramps(unittest.TestCase):
    def test_the_knee_of_a_server_with_a_known_limit_is_below_it(self):
        def five_milliseconds_each(connection, _):
            while message := exactly(connection, SIZE):
                time.sleep(0.005)  # the work that limits it: 200 messages a second at most
                connection.sendall(message)

        with Server(five_milliseconds_each) as server:
            (*steps, last), _ = load(server, "--ramp", "--rate", 50, "--seconds", 0.1,
                                     "--warmup", 0, "--p99-limit", 0.02)
        self.assertEqual(round(steps[0]["rate_asked"]), 50)
        self.assertTrue(all("latency_ns" in step for step in steps))
        self.assertIn(last["because"], ("rate", "p99", "client"))  # a busy machine: client
        self.assertLess(last["kept"], 300)
        if last["because"] == "client":
            self.assertIsNone(last["knee"])

    def test_a_ramp_goes_by_time(self):
        _, said = load(1, "--ramp", "--requests", 10, status=2)
        self.assertIn("--ramp goes by --seconds", said)


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
                while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO) & 0xFF != FIN_WAIT2:
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


class Refusals(unittest.TestCase):
    def said(self, *arguments):
        done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=10,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    @AVAILABLE
    def test_bad_options_are_named_in_one_line(self):
        for expected, arguments in {
            "--port is missing": [],
            "unknown option --fast": ["--fast"],
            "--size: its value is missing": ["--port", "1", "--size"],
            "--size must be at least 1": ["--port", "1", "--size", "0"],
            "--size: not a number: big": ["--port", "1", "--size", "big"],
            "--seconds: not a number: nan": ["--port", "1", "--seconds", "nan"],
            "--rate: more than 0": ["--port", "1", "--rate", "0"],
            "--arrivals: even or poisson": ["--arrivals", "odd"],
            "--mode: echo, ": ["--mode", "gopher"],
            "--answer: not in mode echo": ["--port", "1", "--answer", "5"],
            "--depth: a connection for": ["--port", "1", "--mode", "churn", "--depth", "2"],
            "--path: begins with /": ["--port", "1", "--mode", "http", "--path", "plain"],
            "--cores: not a number": ["--cores", "1,"],
            "connections need": ["--port", "1", "--connections", "9999999"],
        }.items():
            with self.subTest(expected):
                self.assertIn(expected, self.said(*arguments))

    @AVAILABLE
    def test_help_names_every_option_within_a_hundred_columns(self):
        text = subprocess.run(command("--help"), capture_output=True, text=True,
                              check=True).stdout
        self.assertIn("--patience S", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)


if __name__ == "__main__":
    unittest.main()
