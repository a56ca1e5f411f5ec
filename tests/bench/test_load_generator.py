"""The load generator: its loops and figures, against small servers whose behaviour is known."""

import json
import subprocess
import time
import unittest

from small_servers import AVAILABLE, SIZE, Server, command, echo, exactly, load


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

    def test_the_same_for_people(self):
        with Server(echo) as server:
            done = subprocess.run(command("--port", server.port, "--requests", 200, "--text",
                                          "--rate", 5000, "--warmup", 0),
                                  capture_output=True, text=True, check=True, timeout=60)
        self.assertRegex(done.stdout, r"(?s)^requests    200, [\d.]+ a second, 0 errors\n.*"
                                      r"\nopen loop   5000\.0 a second asked, .*\nlatency     p50 ")

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
                self.assertRegex(said, r"^load_generator: (the server closed connection 1|"
                                       r"connection 1: recv: Connection reset by peer) after "
                                       r"3200 bytes, with 0 of 64 bytes of an answer\n$")

    def test_a_missing_byte_is_told(self):
        def keeps_one(connection, _):
            connection.sendall(exactly(connection, SIZE))
            connection.sendall(exactly(connection, SIZE)[:-1])
            connection.recv(1)

        def closes(connection, _):
            connection.sendall(exactly(connection, SIZE)[:-1])

        for serve, expected in {
            keeps_one: "did nothing for 0.2 s; connection 1 has 63 of 64 bytes of the answer",
            closes: "closed connection 1 after 63 bytes, with 63 of 64 bytes of an answer",
        }.items():
            with self.subTest(expected), Server(serve) as server:
                _, said = load(server, "--warmup", 0, "--patience", 0.2, status=2)
                self.assertIn(expected, said)

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
class Refusals(unittest.TestCase):
    def said(self, *arguments):
        done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=10,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_bad_options_are_named_in_one_line(self):
        for expected, arguments in {
            "--port is missing": [],
            "--port: 1 to 65535, not 99999": ["--port", "99999"],
            "--port: 1 to 65535, not 0": ["--port", "0"],
            "--port: must not be negative: -1": ["--port", "-1"],
            "--port: not a number: http": ["--port", "http"],
            "unknown option --fast": ["--fast"],
            "--size: its value is missing": ["--port", "1", "--size"],
            "--size must be at least 1": ["--port", "1", "--size", "0"],
            "--size: not a number: big": ["--port", "1", "--size", "big"],
            "--seconds: not a number: nan": ["--port", "1", "--seconds", "nan"],
            "--rate: 0.001 to 100000000": ["--port", "1", "--rate", "0"],
            "--rate: 0.001 to": ["--port", "1", "--rate", "1e-300"],
            "--arrivals: even or poisson": ["--arrivals", "odd"],
            "--mode: echo, ": ["--mode", "gopher"],
            "--answer: not in mode echo": ["--port", "1", "--answer", "5"],
            "--depth: a connection for": ["--port", "1", "--mode", "churn", "--depth", "2"],
            "--path: begins with /": ["--port", "1", "--mode", "http", "--path", "plain"],
            "--cores: not a number": ["--cores", "1,"],
            "--cores: no such core": ["--cores", "1-0"],
            "connections need": ["--port", "1", "--connections", "1000000"],
            "--connections goes up to": ["--port", "1", "--mode", "idle", "--connections",
                                         str(2 ** 64 - 1)],
        }.items():
            with self.subTest(expected):
                self.assertIn(expected, self.said(*arguments))

    def test_help_names_every_option_within_a_hundred_columns(self):
        text = subprocess.run(command("--help"), capture_output=True, text=True,
                              check=True).stdout
        self.assertIn("--patience S", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)


if __name__ == "__main__":
    unittest.main()
