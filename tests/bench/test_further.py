"""What is no comparison of modes: one big file, and datagrams."""

import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from comparison import datagrams, further, peers_memory, peers_micro, table, transfer
from comparison.command_line import arguments
from comparison.plan import parts_of
from comparison.processes import Child, Failed


def uploaded(contestant, number, seconds, cpu):
    return {"contestant": contestant, "round": number,
            "values": {"seconds": seconds, "rate": 64 / seconds, "cpu": cpu}}


class Transfers(unittest.TestCase):
    def test_ratios_are_those_within_a_round(self):
        samples = [uploaded("socat", 1, 2.0, 1.0), uploaded("transfer_server", 1, 1.0, 0.5),
                   uploaded("socat", 2, 4.0, 2.0), uploaded("transfer_server", 2, 1.0, 1.0)]
        section = transfer.section(samples, 64 * transfer.MIB)
        rows = {row[0]: row[1:] for row in section["rows"]}
        self.assertEqual(rows["transfer_server"][1], "0.38 (0.25–0.50)")
        self.assertEqual(rows["transfer_server"][4], "0.50 (0.50–0.50)")
        self.assertIn("64 MiB", section["title"])

    def test_what_failed_has_a_reason_and_no_figure(self):
        section = transfer.section([{"contestant": "socat", "round": 1, "reason": "no disk"}], 1)
        self.assertTrue(all(set(row[1:]) == {table.MISSING} for row in section["rows"]))
        self.assertIn("socat, round 1: no disk", table.further(section))

    def test_a_file_is_sent_whole_and_the_receivers_end_awaited(self):
        receiver = ("import socket; s = socket.create_server(('127.0.0.1', 0));"
                    "print(s.getsockname()[1], flush=True); c = s.accept()[0]; n = 0\n"
                    "while part := c.recv(65536): n += len(part)\n"
                    "print(n, flush=True); c.close()")
        core = min(os.sched_getaffinity(0))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(bytes(300_000))
            server = Child([sys.executable, "-c", receiver], core)
            self.addCleanup(server.stop)
            sender = Child([sys.executable, str(transfer.SENDER), server.read_line(), str(path)],
                           core)
            self.addCleanup(sender.stop)
            self.assertIn('"bytes": 300000', sender.read_line())
            self.assertEqual(server.read_line(), "300000")

    def test_a_receiver_that_is_missing_is_a_reason(self):
        core = min(os.sched_getaffinity(0))
        samples = list(transfer.measure(Path("/nonexistent"), core, core, 1024 * 1024, 1, 1))
        reasons = [each.get("reason", "") for each in samples
                   if each["contestant"] == "transfer_server"]
        self.assertEqual(len(reasons), 1)
        self.assertIn("does not start", reasons[0])


class Datagrams(unittest.TestCase):
    def test_ways_are_held_against_one_by_one(self):
        samples = [{"way": way, "size": 64, "round": 1, "values": {"rate": 1e9 / ns, "ns": ns}}
                   for way, ns in (("one", 1000.0), ("batch", 500.0))]
        samples.append({"way": "segments", "size": 64, "round": 1, "reason": "not here"})
        samples.append({"way": "one", "size": 64, "round": "counting", "values": {"calls": 2.0}})
        section = datagrams.section(samples)
        one, batch, segments = section["rows"]
        self.assertEqual(one[4], "2.000 (2.000–2.000)")
        self.assertEqual(batch[3], "0.50 (0.50–0.50)")
        self.assertEqual(segments[1], table.MISSING)
        self.assertIn("UDP_SEGMENT, recvmmsg: not here", section["notes"])

    def test_a_program_that_is_missing_is_said(self):
        with self.assertRaisesRegex(Failed, "micro_datagrams"):
            datagrams.measure(Path("/nonexistent"), min(os.sched_getaffinity(0)), 0.01, 1)


class Choices(unittest.TestCase):
    def sections(self, *words):
        with tempfile.TemporaryDirectory() as folder:
            return further.sections_of(arguments(["--output", folder, *words]))

    def test_there_is_more_where_nobody_has_chosen_what_to_measure(self):
        self.assertEqual(self.sections(), ["modes", "peers"])
        self.assertEqual(self.sections("--quick", "--peers"), ["peers"])
        self.assertEqual(self.sections("--modes"), ["modes"])
        for words in (["--models"], ["--modes", "epoll-level"], ["--connections", "5"], ["--ramp"],
                      ["--load", "echo"], ["--server", "mine=:7000"], ["--trigger", "edge"]):
            with self.subTest(words):
                self.assertEqual(self.sections(*words), [])

    def test_all_together_takes_six_and_a_half_minutes_and_a_quick_run_one(self):
        for words, most in (([], 390), (["--quick"], 40)):
            with tempfile.TemporaryDirectory() as folder:
                options = arguments(["--output", folder, *words])
            servers = sum(part.budget for part in parts_of(options))
            self.assertLessEqual(servers + further.seconds_of(options), most)

    def measured(self, section, module, function):
        options = SimpleNamespace(is_usual=True, only=[section], peers=None, modes=None, quick=True,
                                  rounds=3, seed=1, build=Path("/nonexistent"), chosen_peers=[])
        found = further.Further()
        with mock.patch.object(module, "measure", function):
            with self.assertRaises(KeyboardInterrupt):
                further.measure(options, (0, 0), lambda text: None, found)
        return found

    def test_what_was_measured_is_kept_when_it_is_interrupted(self):
        def loops(*_):
            yield {"workload": "epoll setup", "name": "pollux", "round": 1, "count": 1,
                   "add_ns": 100.0, "remove_ns": 200.0}
            raise KeyboardInterrupt

        found = self.measured("peers", peers_micro, loops)
        self.assertEqual(len(found.loops), 1)
        self.assertIn("100 (100–100) ns", found.tables()[0]["rows"][0])

        def uploads(*_):
            yield uploaded("socat", 1, 2.0, 1.0)
            raise KeyboardInterrupt

        found = self.measured("modes", transfer, uploads)
        self.assertEqual(len(found.sections[0]["samples"]), 1)

        def memory(*_):
            yield {"name": "pollux", "state": "silent", "round": 1, "connections": 5, "user": 10.0}
            raise KeyboardInterrupt

        with mock.patch.object(peers_micro, "measure", lambda *_: []):
            found = self.measured("peers", peers_memory, memory)
        self.assertEqual(len(found.sections[0]["samples"]), 1)

    def test_datagrams_that_cannot_be_measured_have_a_reason_in_their_section(self):
        with mock.patch.object(transfer, "measure", lambda *_: []):
            options = SimpleNamespace(is_usual=True, only=["modes"], modes=None, quick=True,
                                      rounds=3, seed=1, build=Path("/nonexistent"))
            found = further.Further()
            further.measure(options, (0, 0), lambda text: None, found)
        self.assertIn("micro_datagrams: ", found.sections[0]["notes"][-1])
        self.assertIn("micro_datagrams: ", table.further(found.sections[0]))


if __name__ == "__main__":
    unittest.main()
