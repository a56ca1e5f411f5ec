import unittest

from comparison.contestants import MODES, Contestant
from comparison.finding import (cautions, disagreements, held_against_base, knees,
                                level_against_edge, models_side_by_side, number)
from comparison.results import KERNEL, KNEE, TIMED, Run
from examples import (BY_NAME, ECHO, MODELS, MODELS_50, UPLOAD, level_and_edge, no_results, served,
                      timed)

STEADY = [10.0, 10.0, 10.0, 10.0, 10.0]


class LevelAgainstEdge(unittest.TestCase):
    def sentence(self, level, edge):
        return level_against_edge(level_and_edge(level, edge), [ECHO])[0]

    def test_less_when_the_interval_is_below_one(self):
        text = self.sentence(STEADY * 4, [8.0, 9.0, 8.5, 8.0, 8.2] * 4)
        self.assertIn("Small messages, server CPU per request of edge over level", text)
        self.assertIn("edge takes less: 0.82 (0.80–0.85) with 50 connections", text)
        self.assertNotIn("decided", text)

    def test_more_when_the_interval_is_above_one(self):
        text = self.sentence(STEADY * 4, [12.0, 11.0, 12.5, 13.0, 14.0] * 4)
        self.assertIn("edge takes more", text)

    def test_no_difference_when_the_interval_contains_one(self):
        text = self.sentence(STEADY * 4, [8.0, 9.0, 11.5, 12.0, 10.2] * 4)
        self.assertIn("no difference", text)
        self.assertNotIn("takes", text)

    def test_few_rounds_name_no_winner(self):
        text = self.sentence((STEADY * 4)[:19], [8.0] * 19)
        self.assertIn("no difference can be told: 0.80 (0.80–0.80) with 50 connections", text)
        self.assertIn("Nothing is decided by fewer than 20 rounds, and here are 19.", text)

    def test_the_calls_explain(self):
        text = self.sentence(STEADY, STEADY)
        self.assertIn("edge makes 2.00 reads and 0.50 waits per request", text)
        self.assertIn("level 1.00 reads and 0.50 waits", text)

    def test_without_counts_there_is_no_explanation(self):
        results = no_results()
        timed(results, ECHO, "epoll-level", STEADY)
        timed(results, ECHO, "epoll-edge", STEADY)
        self.assertNotIn("reads", level_against_edge(results, [ECHO])[0])

    def test_missing_cells_are_said(self):
        results = no_results()
        timed(results, ECHO, "epoll-level", STEADY)
        texts = level_against_edge(results, [ECHO, UPLOAD])
        self.assertEqual(len(texts), 2)
        for text in texts:
            self.assertIn("nothing can be said", text)

    def test_no_workload_no_sentence(self):
        self.assertEqual(level_against_edge(no_results(), []), [])


class Models(unittest.TestCase):
    def test_both_ends_are_named_and_who_has_no_figures(self):
        results = no_results()
        served(results, "reactor", [2.0])
        served(results, "fork", [6.0])
        results.refuse(MODELS_50, BY_NAME["iterative"], "1 of 50")
        text, = models_side_by_side(results, [ECHO, MODELS_50], MODELS)
        self.assertIn("server CPU per request: from 2.00 (2.00–2.00) µs (reactor) to 6.00", text)
        self.assertIn("Without figures, for the reasons in the table: iterative.", text)

    def test_nothing_measured(self):
        self.assertIn("not measured", models_side_by_side(no_results(), [MODELS_50], MODELS)[0])


class HeldAgainstBase(unittest.TestCase):
    def test_who_takes_less_and_who_more(self):
        results = level_and_edge(STEADY * 4, STEADY * 4)
        peers = [Contestant(name, "peers") for name in ("quick", "slow", "same")]
        for peer, cpu in zip(peers, ([9.0] * 20, [12.0] * 20, [9.0, 11.0] * 10)):
            for number, value in enumerate(cpu, 1):
                results.add(Run(TIMED, number, ECHO, peer), {"cpu": value})
        text, = held_against_base(results, [ECHO, UPLOAD], peers)
        self.assertEqual(text, "Echo of 64-byte messages, 50 connections, server CPU per request "
                         "over epoll-level: less for quick 0.90 (0.90–0.90); more for slow 1.20 "
                         "(1.20–1.20); no difference can be told for same 1.00 (0.90–1.10).")


class OtherSentences(unittest.TestCase):
    def test_numbers_keep_what_tells_them_from_zero(self):
        self.assertEqual(number(0.0), "0.00")
        self.assertEqual(number(0.0012), "0.001")
        self.assertEqual(number(1234.5, 0), "1,234")

    def test_an_unsteady_machine_is_said(self):
        self.assertEqual(cautions(no_results(), ECHO, MODES), [])
        results = level_and_edge([10.0, 30.0, 10.0], [10.0, 30.0, 10.0])
        self.assertIn("3.0-fold", " ".join(cautions(results, ECHO, MODES)))
        self.assertEqual(cautions(level_and_edge(STEADY, STEADY), ECHO, MODES), [])

    def test_other_counts_of_the_kernel_are_named(self):
        results = no_results()
        for name, differences in (("epoll-level", []), ("epoll-edge", ["send: 1 and 2"])):
            results.add(Run(KERNEL, 1, ECHO, BY_NAME[name]), {"differences": differences})
        self.assertEqual(disagreements(results), ["echo-50 epoll-edge, round 1: send: 1 and 2"])

    def test_a_client_without_time_is_said(self):
        results = no_results()
        for name, limited in (("epoll-level", True), ("epoll-edge", False)):
            results.add(Run(TIMED, 1, ECHO, BY_NAME[name]),
                        {"cpu": 1.0, "client_busy": 0.5, "limited_by_client": limited})
        self.assertIn("for epoll-level: their", cautions(results, ECHO, MODES)[0])
        self.assertIn("for anyone", cautions(results, ECHO, [BY_NAME["epoll-level"]])[0])


class Knees(unittest.TestCase):
    def said(self, level, edge):
        results = no_results()
        for name, rounds in (("epoll-level", level), ("epoll-edge", edge)):
            for number, values in enumerate(rounds, 1):
                results.add(Run(KNEE, number, ECHO, BY_NAME[name]), values)
        everybody = [BY_NAME["epoll-level"], BY_NAME["epoll-edge"]]
        return " ".join(knees(results, [ECHO], everybody))

    def test_a_ratio_within_the_resolution_is_no_difference(self):
        base = [{"knee": 1000.0}] * 20
        self.assertIn("no difference can be told for epoll-edge 1.09",
                      self.said(base, [{"knee": 1090.0}] * 20))
        self.assertIn("more for epoll-edge 1.20", self.said(base, [{"knee": 1200.0}] * 20))
        self.assertIn("less for epoll-edge 0.80", self.said(base, [{"knee": 800.0}] * 20))

    def test_rounds_in_which_the_client_was_the_limit_are_not_left_out(self):
        text = self.said([{"knee": 1000.0}] * 20,
                         [{"knee": 900.0}] * 8 + [{"knee_at_least": 2000.0}] * 12)
        self.assertIn("epoll-edge keeps at least 2,000", text)
        self.assertNotIn(" over epoll-level", text)


if __name__ == "__main__":
    unittest.main()
