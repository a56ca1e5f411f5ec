import unittest

from comparison.contestants import MODES, Contestant
from comparison.finding import (agreement, cautions, disagreements, held_against_base, knees,
                                level_against_edge, models_side_by_side, number)
from comparison.results import COUNTED, KERNEL, KNEE, TIMED, Run
from comparison.workloads import Workload
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

    def counted(self, workload, level_reads, edge_reads):
        """The sentence; reads per request in each counted round."""
        results = no_results()
        for mode, reads in (("epoll-level", level_reads), ("epoll-edge", edge_reads)):
            timed(results, workload, mode, STEADY)
            for round, read in enumerate(reads, 1):
                results.add(Run(COUNTED, round, workload, BY_NAME[mode]),
                            {"wait": 1.0, "read": read})
        return level_against_edge(results, [workload])[0]

    def test_calls_that_are_the_same_each_time_explain(self):
        self.assertIn("With 1 connection, edge makes 2.00 reads and 1.00 waits per request, level "
                      "1.00 reads and 1.00 waits.", self.counted(Workload("echo", 1), [1], [2]))

    def test_calls_that_vary_explain_with_their_spread(self):
        text = self.counted(ECHO, [1.0, 1.0, 1.1], [2.0, 2.2, 2.5])
        self.assertIn("With 50 connections, edge makes 2.20 (2.00–2.50) reads and 1.00 waits", text)
        self.assertIn("level 1.00 (1.00–1.10) reads", text)

    def test_calls_that_may_differ_by_chance_explain_nothing(self):
        for level, edge in (([16.0], [22.0]), ([16.0, 23.0, 17.0], [22.0, 18.0, 24.0])):
            self.assertNotIn("reads", self.counted(ECHO, level, edge))

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

    def test_rounds_far_apart_are_named_with_both_ends(self):
        self.assertEqual(cautions(no_results(), ECHO, MODES), [])
        results = level_and_edge([6.3, 13.5, 6.4], [10.0, 14.0, 10.0], Workload("echo", 1))
        self.assertEqual(cautions(results, Workload("echo", 1), MODES),
                         ["Rounds far apart, smallest to largest server CPU per request in µs: "
                          "epoll-level 6.30–13.50. Ratios hold better than figures."])
        self.assertEqual(
            cautions(level_and_edge(STEADY, STEADY, Workload("echo", 1)), Workload("echo", 1),
                     MODES), [])

    def test_counts_that_vary_are_named_with_both_ends(self):
        results = no_results()
        for number, waits in enumerate([0.067, 0.136, 0.1], 1):
            results.add(Run(COUNTED, number, ECHO, BY_NAME["epoll-level"]),
                        {"wait": waits, "read": 1.0})
        text, = cautions(results, ECHO, MODES)
        self.assertIn("Farthest apart in 3 rounds: waits of epoll-level 0.067–0.136.", text)

    def test_one_round_of_counts_that_vary_says_so(self):
        text, = cautions(level_and_edge(STEADY, STEADY), ECHO, MODES)
        self.assertIn("counted in one round", text)

    def test_other_counts_of_the_kernel_are_named(self):
        results = no_results()
        for name, differences in (("epoll-level", []), ("epoll-edge", ["send: 1 and 2"])):
            results.add(Run(KERNEL, 1, ECHO, BY_NAME[name]), {"differences": differences})
        self.assertEqual(disagreements(results), ["echo-50 epoll-edge, round 1: send: 1 and 2"])

    def test_what_agrees_is_counted_among_those_who_count(self):
        results = no_results()
        for name, differences in (("epoll-level", []), ("epoll-edge", ["send: 1 and 2"]),
                                  ("poll-level", [])):
            results.add(Run(KERNEL, 1, ECHO, BY_NAME[name]), {"differences": differences})
        counting = {(ECHO.name, "epoll-level"), (ECHO.name, "epoll-edge")}
        self.assertIn("In 2 traced runs servers counted too: in 1 their counts are those",
                      agreement(results, counting))
        self.assertEqual(agreement(results, set()), "")

    def limits(self, **of_names):
        results = no_results()
        for name, values in of_names.items():
            results.add(Run(TIMED, 1, ECHO, BY_NAME[name.replace("_", "-")]),
                        {"cpu": 1.0, "client_busy": 0.5} | values)
        return cautions(results, ECHO, MODES)

    def test_for_whom_the_clients_had_no_time_is_said(self):
        text, = self.limits(epoll_level={"limited_by_client": True},
                            poll_level={"client_busy": 0.99},
                            epoll_edge={"limited_by_client": False})
        self.assertEqual(text, "The clients had no time left for poll-level, epoll-level: the "
                         "rate is their limit, not the server's.")

    def test_a_rate_that_was_kept_is_nobodys_limit(self):
        text, = self.limits(epoll_level={"limited_by_client": True, "rate_asked": 20000.0,
                                         "rate_kept": 20009.0})
        self.assertIn("late for epoll-level: the rate was kept", text)

    def test_a_client_with_time_left_is_not_called_the_limit(self):
        missed = {"limited_by_client": True, "rate_asked": 5e5, "rate_kept": 1e5}
        text, = self.limits(epoll_level=missed | {"client_busy": 0.338})
        self.assertIn("late for epoll-level, and the rate was not kept", text)
        text, = self.limits(epoll_level=missed | {"client_busy": 0.99})
        self.assertIn("no time left for epoll-level", text)


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
