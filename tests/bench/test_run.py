"""bench/run as a program: what it refuses, what it leaves behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))
RUN = Path(__file__).resolve().parents[2] / "bench" / "run.py"
ONE_CELL = ["--modes", "epoll-level", "--load", "echo", "--connections", "1"]


@unittest.skipUnless((BUILD / "bench/bench_server_hooked").exists()
                     and (BUILD / "bench/load_generator").exists(),
                     "POLLUX_BUILD names no build with bench_server_hooked and load_generator")
class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = Path(folder.name)

    def started(self, *words):
        return subprocess.Popen([sys.executable, str(RUN), "--build", str(BUILD), "--output",
                                 str(self.output), *words], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=os.environ | {"STARTED_BY": str(self.output)})

    def ended(self, *words):
        run = self.started(*words)
        return *run.communicate(timeout=60), run.returncode

    def document(self):
        return json.loads((self.output / "results.json").read_text())

    def test_when_nothing_is_left_nothing_is_run(self):
        _, said, status = self.ended("--backend", "select", "--connections", "2000,3000")
        self.assertEqual(status, 2)
        self.assertIn("refused: select-level under echo-2000, echo-3000: select(2) takes", said)
        self.assertIn("nothing is left to measure", said)
        self.assertFalse((self.output / "results.json").exists())

    def test_a_baseline_is_kept_and_held_against(self):
        baseline = self.output / "baseline.json"
        short = [*ONE_CELL, "--rounds", "1", "--budget", "0.1"]
        output, said, status = self.ended(*short, "--save-baseline", str(baseline))
        self.assertEqual(status, 0, said)
        self.assertIn("Echo of 64-byte messages, 1 connection", output)
        self.assertTrue(self.document()["complete"])
        output, said, status = self.ended(*short, "--baseline", str(baseline))
        self.assertEqual(status, 0, said)
        self.assertIn("the counts of 1 cells were compared, 0 are worse", output)
        baseline.write_text(baseline.read_text().replace('"read": 1.0', '"read": 0.5'))
        output, _, status = self.ended(*short, "--baseline", str(baseline))
        self.assertEqual(status, 1)
        self.assertIn("echo-1 epoll-level, reads per request: 0.500 → 1.000", output)
        _, said, status = self.ended("--modes", "epoll-level", "--connections", "7", "--baseline",
                                     str(baseline))
        self.assertEqual(status, 2)
        self.assertIn("no cell that is measured is in it", said)

    def test_a_server_of_ones_own_without_figures_is_a_failure_with_its_end(self):
        program = ("import os,socket,sys; s = socket.create_server((chr(49)+'27.0.0.1', "
                   "int(sys.argv[1]))); c = s.accept()[0]; c.recv(9); os.abort()")
        output, _, status = self.ended(
            *ONE_CELL, "--rounds", "1", "--budget", "0.1", "--server",
            f'mine={sys.executable} -c "{program}" {{port}}')
        self.assertEqual(status, 1)
        told, = [line for line in output.splitlines() if line.startswith("  mine")]
        self.assertIn("ended by SIGABRT", " ".join(output.split()))
        self.assertIn("and timing, round 1: ", told)

    def test_what_was_measured_is_kept_when_it_is_interrupted(self):
        run = self.started(*ONE_CELL, "--rounds", "1000", "--budget", "1000")
        for line in run.stderr:
            if line.startswith("round 2:"):
                break
        while run.poll() is None:  # impatient
            run.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(0.3)
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)
        self.assertIn("Stopped before the end", said)
        document = self.document()
        self.assertFalse(document["complete"])
        self.assertIn("timed", {each["kind"] for each in document["samples"]})
        self.assertTrue((self.output / "report.html").exists())
        self.assertEqual(self.left_behind(), [])

    def left_behind(self):
        """Command lines of all processes that were started by the run."""
        return [(each / "cmdline").read_bytes() for each in Path("/proc").iterdir()
                if each.name.isdigit() and int(each.name) != os.getpid()
                and str(self.output).encode() in _environment(each)]


def _environment(process):
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    unittest.main()
