"""Medians, intervals and ratios."""

import random
import unittest

from comparison import statistics
from comparison.statistics import Estimate


class Estimates(unittest.TestCase):
    def test_nothing_has_no_estimate(self):
        self.assertIsNone(statistics.estimate([]))
        self.assertIsNone(statistics.ratio({1: 2.0}, {2: 2.0}))
        self.assertIsNone(statistics.independent_ratio([1.0], []))

    def test_one_value_is_its_own_interval(self):
        self.assertEqual(statistics.estimate([3.0]), Estimate(3.0, 3.0, 3.0, 1))

    def test_one_that_lies_far_out_does_not_move_it(self):
        found = statistics.estimate([1.0] * 19 + [1000.0])
        self.assertEqual((found.median, found.low, found.high), (1.0, 1.0, 1.0))

    def test_the_same_values_give_the_same_interval(self):
        values = [random.Random(7).gauss(5, 1) for _ in range(25)]
        self.assertEqual(statistics.estimate(values), statistics.estimate(values))

    def test_the_interval_holds_the_true_median_about_as_often_as_it_says(self):
        chance = random.Random(3)
        held = 0
        for _ in range(300):
            found = statistics.estimate([chance.lognormvariate(0, 0.3) for _ in range(25)])
            held += found.low <= 1.0 <= found.high
        self.assertGreater(held, 0.90 * 300)
        self.assertLess(held, 300)


class Ratios(unittest.TestCase):
    def test_they_are_formed_within_a_round(self):
        # The machine slowed down by ten in the second round; the ratio did not change.
        found = statistics.ratio({1: 2.0, 2: 20.0}, {1: 1.0, 2: 10.0})
        self.assertEqual((found.median, found.low, found.high), (2.0, 2.0, 2.0))

    def test_a_base_next_to_nothing_gives_none(self):
        self.assertEqual(statistics.paired_ratios({1: 1.0, 2: 1.0}, {1: 0.0, 2: 0.5}), [2.0])

    def test_sets_that_nothing_pairs_are_resampled_by_themselves(self):
        found = statistics.independent_ratio([2.0] * 20, [1.0] * 20)
        self.assertEqual((found.median, found.low, found.high, found.count), (2.0, 2.0, 2.0, 20))

    def test_of_the_smallest_what_disturbs_a_run_is_left_out(self):
        found = statistics.least_ratio([3.0] * 19 + [2.0], [9.0, *[1.0] * 19])
        self.assertEqual((found.median, found.low, found.high, found.count), (2.0, 2.0, 3.0, 20))
        self.assertIsNone(statistics.least_ratio([1.0], []))

    def test_a_winner_wants_rounds_and_an_interval_beside_one(self):
        self.assertTrue(Estimate(0.8, 0.7, 0.9, 20).decided)
        self.assertFalse(Estimate(0.8, 0.7, 0.9, 19).decided)
        self.assertFalse(Estimate(0.9, 0.8, 1.0, 50).decided)
        self.assertFalse(Estimate(0.99, 0.98, 0.996, 50).decided)  # 1.00 as it is shown
        self.assertEqual(Estimate(1.2, 1.1, 1.3, 20).direction, 1)


class Chance(unittest.TestCase):
    def test_sets_that_are_alike_differ_by_chance_as_often_as_is_said(self):
        random_ = random.Random(5)
        chances = [statistics.chance([random_.gauss(1, 0.1) for _ in range(20)],
                                     [random_.gauss(1, 0.1) for _ in range(20)])
                   for _ in range(100)]
        self.assertLess(sum(each <= 0.05 for each in chances), 12)
        self.assertGreater(sum(each > 0.5 for each in chances), 25)

    def test_sets_apart_do_not(self):
        self.assertLess(statistics.chance([2.0] * 20, [1.0] * 20), 0.001)
        self.assertEqual(statistics.chance([1.0] * 20, [1.0] * 20), 1.0)

    def test_many_comparisons_want_smaller_chances(self):
        self.assertEqual(statistics.beyond_doubt({"a": 0.03}, 1), {"a"})
        self.assertEqual(statistics.beyond_doubt({"a": 0.03}, 2), set())
        self.assertEqual(statistics.beyond_doubt({"a": 0.001, "b": 0.02, "c": 0.03}, 3),
                         {"a", "b", "c"})
        self.assertEqual(statistics.beyond_doubt({"a": 0.001, "b": 0.02}, 50), {"a"})


class Groups(unittest.TestCase):
    def test_an_idle_core_and_a_busy_one_are_told_apart(self):
        random_ = random.Random(6)
        for count in (12, 20, 60):
            values = [random_.choice((6.3, 13.5)) * random_.gauss(1, 0.03) for _ in range(count)]
            less, more = statistics.two_groups(values)
            self.assertAlmostEqual(less, 6.3, delta=0.5)
            self.assertAlmostEqual(more, 13.5, delta=1)

    def test_one_group_is_not_parted(self):
        random_ = random.Random(7)
        for spread in (0.02, 0.1, 0.4):
            found = [statistics.two_groups([random_.lognormvariate(0, spread) for _ in range(20)])
                     for _ in range(200)]
            self.assertLess(sum(each is not None for each in found), 10)

    def test_one_that_lies_far_out_and_few_values_are_no_group(self):
        self.assertIsNone(statistics.two_groups([1.0 + 0.01 * step for step in range(19)] + [9.0]))
        self.assertIsNone(statistics.two_groups([1.0] * 4 + [2.0] * 5))
        self.assertIsNone(statistics.two_groups([0.0] * 30))


class Slopes(unittest.TestCase):
    def test_of_a_line(self):
        found = statistics.slope([1, 2, 3, 4] * 5, [3, 5, 7, 9] * 5)
        self.assertAlmostEqual(found.median, 2.0)
        self.assertAlmostEqual(found.low, 2.0)


if __name__ == "__main__":
    unittest.main()
