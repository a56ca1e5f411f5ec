"""K1, K2, K3, K6: from made-up samples to findings, and the program they come from."""

import os
import unittest
from pathlib import Path

from comparison.claims import FAILS, HOLDS, UNDECIDED, waiting
from comparison.standing import Answerer

BUILD = Path(os.environ["POLLUX_BUILD"])
ACTIVE_COST = 600  # of writing and reading


def made_up(rounds=20, per_descriptor=35.0, epoll=(200.0, 0.0, 80.0), poll_base=100.0):
    """Every cell as if waits cost exactly this: epoll by its base, by descriptor, by active one."""
    samples = []
    for number in range(1, rounds + 1):
        for name, watched, active, choice in waiting.cells():
            cost = ACTIVE_COST * active
            if name == "epoll":
                cost += epoll[0] + epoll[1] * watched + epoll[2] * active
            elif name != "none":
                cost += poll_base + per_descriptor * watched
            samples.append({"round": number, "cell": [name, watched, active, choice], "count": 10,
                            "cpu_ns": 10 * cost})
    return samples


class Findings(unittest.TestCase):
    def test_growth_in_proportion_holds(self):
        finding = waiting.judged_growth(made_up())
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("poll 35 ns (35–35)", finding.figure)
        self.assertEqual(len(finding.table["rows"]), len(waiting.WATCHED))

    def test_an_epoll_that_grows_too_does_not(self):
        self.assertEqual(waiting.judged_growth(made_up(epoll=(200, 10, 80))).verdict, FAILS)

    def test_few_rounds_decide_nothing(self):
        for judge in (waiting.judged_growth, waiting.judged_table, waiting.judged_active,
                      waiting.judged_crossover):
            finding = judge(made_up(rounds=3))
            self.assertEqual((finding.verdict, finding.negative), (UNDECIDED, ""))

    def test_the_ratio_is_that_of_the_waits_alone(self):
        finding = waiting.judged_table(made_up())
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("poll 1,250 (1,250–1,250) times epoll's", finding.figure)
        self.assertEqual(waiting.judged_table(made_up(per_descriptor=3.0)).verdict, FAILS)

    def test_active_ones_cost_and_watched_ones_do_not(self):
        self.assertEqual(waiting.judged_active(made_up()).verdict, HOLDS)
        self.assertEqual(waiting.judged_active(made_up(epoll=(200, 1, 80))).verdict, FAILS)

    def test_the_line_of_equal_cost_lies_where_both_cost_the_same(self):
        # 200 + 80 × active = 100 + 35 × 100 at 42.5 of 100
        shares = waiting.equal_costs(made_up(), 100)
        self.assertAlmostEqual(shares[1], 0.425, places=3)

    def test_epoll_cheaper_with_one_of_ten_refutes_the_hundred(self):
        self.assertEqual(waiting.judged_crossover(made_up(poll_base=200)).verdict, FAILS)
        cheap = waiting.judged_crossover(made_up(per_descriptor=1.0, poll_base=50.0))
        self.assertEqual((cheap.verdict, cheap.negative), (HOLDS, ""))


class Program(unittest.TestCase):
    def test_every_facility_finds_all_that_is_ready(self):
        with Answerer([BUILD / "bench" / "kernel_wait", 1200], min(os.sched_getaffinity(0))) as asked:
            for name in ("none", *waiting.FACILITIES):
                for watched, active in ((1, 1), (64, 64), (1200, 7), (1200, 1200)):
                    for choice in (waiting.RANDOM, waiting.SAME):
                        answer = asked.ask(3, name, watched, active, choice)
                        self.assertEqual(answer["count"], 3)
                        self.assertGreater(answer["cpu_ns"], 0)


if __name__ == "__main__":
    unittest.main()
