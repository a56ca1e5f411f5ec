"""A server under the load generator, when it holds all connections and when it does not."""

import os
import sys
import unittest
from pathlib import Path

from comparison.processes import Failed
from comparison.servers import Server
from comparison.under_load import TooMany, UnderLoad

CORE = min(os.sched_getaffinity(0))
LOAD_GENERATOR = Path(os.environ.get("POLLUX_BUILD", "/nonexistent")) / "bench/load_generator"
LISTEN = """
import fcntl, socket, struct, termios, time
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
"""
TWO_AFTER_ANOTHER = LISTEN + """
clients = [listener.accept()[0] for _ in range(2)]
while True:
    for client in clients:
        client.sendall(client.recv(100).CHANGE())
"""
ANSWERS_ONE_AND_CLOSES_ANOTHER = LISTEN + """
one, another = [listener.accept()[0] for _ in range(2)]
one.sendall(one.recv(100).upper())
outgoing = lambda: struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, bytes(4)))[0]
while outgoing():  # until the client has it
    pass
another.recv(100)
another.close()
time.sleep(60)
"""
SILENT = LISTEN + "time.sleep(60)"


@unittest.skipUnless(LOAD_GENERATOR.exists(), "POLLUX_BUILD names no build with load_generator")
class UnderLoads(unittest.TestCase):
    def under_load(self, program, patience=10):
        load = [LOAD_GENERATOR, "--mode", "upper", "--connections", 2, "--seconds", 0.05,
                "--warmup", 0, "--patience", patience]
        return UnderLoad(Server("python", [sys.executable, "-c", program], CORE), load, CORE)

    def refusal(self, program, patience=10):
        with self.assertRaises(Failed) as caught, self.under_load(program, patience) as run:
            run.connect()
        return caught.exception

    def test_all_connections_are_answered_and_then_measured(self):
        with self.under_load(TWO_AFTER_ANOTHER.replace("CHANGE", "upper")) as run:
            run.connect()
            self.assertGreater(run.measure(0.05)["requests"], 0)

    def test_answers_must_be_in_upper_case(self):
        problem = self.refusal(TWO_AFTER_ANOTHER.replace("CHANGE", "lower"))
        self.assertIn("0 of 2 connections answered", str(problem))
        self.assertIn("is not the one that must come back", str(problem))

    def test_a_server_that_holds_fewer_says_how_many(self):
        problem = self.refusal(ANSWERS_ONE_AND_CLOSES_ANOTHER)
        self.assertIsInstance(problem, TooMany)
        self.assertRegex(str(problem), "^1 of 2 connections answered, then ")
        self.assertRegex(str(problem), "; the server has 1 thread$")

    def test_a_server_that_does_not_accept_is_seen_to_have_a_queue(self):
        problem = self.refusal(SILENT, patience=0.2)
        self.assertNotIsInstance(problem, TooMany)  # it does not work with any number
        self.assertEqual(str(problem), "0 of 2 connections answered, then the server did nothing "
                         "for 0.2 s; connection 1 has 0 of 64 bytes of the answer it waits for; "
                         "2 wait in the listen queue; the server has 1 thread")

    def test_a_refused_connection_says_how_many_are_open(self):
        problem = self.refusal("print('listening on 127.0.0.1:1', flush=True); input()")
        self.assertNotIsInstance(problem, TooMany)
        self.assertIn("0 of 2 connections to 127.0.0.1:1 open, then connect: Connection refused",
                      str(problem))


if __name__ == "__main__":
    unittest.main()
