"""The server of large answers that claims are tried with: every byte comes, however it is told that
it may write on."""

import os
import signal
import socket
import subprocess
import unittest
from pathlib import Path

SERVER = Path(os.environ.get("POLLUX_BUILD", "/nonexistent")) / "bench/peers/answer_bare"
WAYS = (("level", "switched"), ("edge", "switched"), ("edge", "once"))
ANSWER = 8_000_000  # more than the kernel takes at once


@unittest.skipUnless(SERVER.exists(), "POLLUX_BUILD has no answer_bare")
class Answers(unittest.TestCase):
    def start(self, *options):
        child = subprocess.Popen([SERVER, "--port", "0", *options], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def test_every_byte_of_every_answer_comes(self):
        for trigger, registered in WAYS:
            with self.subTest(trigger=trigger, registered=registered):
                child = self.start("--trigger", trigger, "--registered", registered,
                                   "--request", "10", "--answer", str(ANSWER))
                port = int(child.stdout.readline().rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                    client.sendall(b"0123456789" * 2 + b"01234")  # two, and half of a third
                    self.take(client, 2 * ANSWER)
                    client.sendall(b"56789")
                    self.take(client, ANSWER)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(client.recv(1), b"")
                child.send_signal(signal.SIGTERM)
                self.assertEqual(child.wait(10), 0)

    def take(self, client, count):
        while count > 0:
            received = len(client.recv(min(count, 1 << 20)))
            self.assertGreater(received, 0)
            count -= received

    def test_always_registered_at_level_is_refused(self):
        child = self.start("--trigger", "level", "--registered", "once")
        self.assertEqual(child.wait(10), 2)
        self.assertIn("--registered once", child.stderr.read())


if __name__ == "__main__":
    unittest.main()
