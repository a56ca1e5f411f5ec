"""Rounds of servers under load, as the claims have them."""

import os
import unittest
from pathlib import Path
from types import SimpleNamespace

from comparison import contest, machine
from comparison.contest import ALL_CORES, ONE_CORE, TWO_CORES, Cell, Figures
from comparison.contestants import server
from comparison.workloads import Workload

BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))
SERVER = server("epoll")
ONE = Workload("echo", 1)


def laboratory(rounds=2):
    server_core, client_core = machine.core_pair()
    return SimpleNamespace(build=BUILD, rounds=rounds, seed=1, spin=False, show=lambda text: None,
                           server_core=server_core, client_core=client_core)


def visited(samples):
    return sorted((each["round"], each["cell"]) for each in samples)


@unittest.skipUnless((BUILD / "bench/bench_server").exists(), "POLLUX_BUILD has no bench_server")
class Rounds(unittest.TestCase):
    def test_every_round_visits_every_cell_fresh_or_standing_by(self):
        cells = [Cell(place, SERVER, ONE, place) for place in (ONE_CORE, TWO_CORES, ALL_CORES)]
        for stand_by in (False, True):
            samples = contest.timed(laboratory(), cells, 0.02, stand_by)
            self.assertEqual(visited(samples), sorted(
                (number, cell.name) for number in (1, 2) for cell in cells))
            for each in samples:
                self.assertGreater(each["values"]["cpu"], 0)

    def test_calls_are_counted_by_the_server_and_by_the_kernel(self):
        cells = [Cell("drained", server("edge", "--drain", trigger="edge"), ONE, TWO_CORES)]
        figures = Figures(contest.counted(laboratory(), cells, 0.02)
                          + contest.counted_by_kernel(laboratory(), cells, 0.02))
        # How many would block depends on whether the client is quicker than the second read.
        for reads, blocked in (("read", "blocked"), ("kernel_reads", "kernel_reads_blocked")):
            each = figures.derived(lambda reads, blocked: reads - blocked,
                                   ("drained", reads), ("drained", blocked))
            self.assertAlmostEqual(each.median, 1, places=2)
            self.assertGreater(figures.estimate("drained", blocked).median, 0)

    def test_idle_connections_are_held_besides(self):
        cells = [Cell("idle", SERVER, Workload("echo", 1, idle=20))]
        with contest.Stand(laboratory(), cells[0], 0.02) as stand:
            descriptors = len(os.listdir(f"/proc/{stand.server.pid}/fd"))
            self.assertGreater(stand.time()["requests"], 0)
        self.assertGreater(descriptors, 20)

    def test_what_failed_once_is_not_waited_for_again(self):
        cells = [Cell("bad", server("bad", "--no-such-option"), ONE), Cell("good", SERVER, ONE)]
        samples = contest.timed(laboratory(), cells, 0.02)
        self.assertEqual(visited(samples), [(1, "bad"), (1, "good"), (2, "good")])
        self.assertIn("--no-such-option", Figures(samples).trouble())


class Samples(unittest.TestCase):
    def test_ratios_are_formed_within_rounds(self):
        figures = Figures([{"cell": cell, "round": number, "values": {"cpu": cpu}}
                           for cell, number, cpu in (("a", 1, 2.0), ("a", 2, 30.0), ("b", 1, 1.0),
                                                     ("b", 2, 10.0), ("b", 3, 1.0))])
        self.assertEqual(figures.ratio("a", "b", "cpu").median, 2.5)
        self.assertEqual(figures.derived(lambda a, b: a - b, ("a", "cpu"), ("b", "cpu")).count, 2)
        self.assertIsNone(figures.estimate("c", "cpu"))
        self.assertEqual(figures.trouble(), "")

    def test_clients_that_were_the_limit_now_and_then_are_told(self):
        figures = Figures([{"cell": cell, "round": number, "values": {
            "limited_by_client": number <= rounds}}
            for cell, rounds in (("often", 2), ("once", 1)) for number in range(1, 9)])
        self.assertEqual(figures.limited(), ["often"])
        self.assertEqual(figures.trouble(), " (the clients were the limit of often)")
        self.assertEqual(figures.trouble(["once"]), "")

    def test_a_laboratory_measures_only_once(self):
        measured = []

        @contest.once
        def figures_of(lab):
            measured.append(lab)
            return len(measured)

        lab, other = laboratory(), laboratory()
        self.assertEqual([figures_of(lab), figures_of(lab), figures_of(other)], [1, 1, 2])


if __name__ == "__main__":
    unittest.main()
