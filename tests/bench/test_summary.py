import unittest

from comparison.summary import Spread, bootstrap_interval, median, paired_ratios, spread
from examples import ECHO, level_and_edge


class Medians(unittest.TestCase):
    def test_odd_and_even(self):
        self.assertEqual(median([3, 1, 2]), 2)
        self.assertEqual(median([4, 1, 2, 3]), 2.5)

    def test_spread_keeps_both_ends(self):
        self.assertEqual(spread([5.0, 1.0, 3.0]), Spread(3.0, 1.0, 5.0, 3))

    def test_spread_of_nothing(self):
        self.assertIsNone(spread([]))


class PairedRatios(unittest.TestCase):
    def test_pairs_by_round(self):
        self.assertEqual(paired_ratios({1: 2.0, 2: 9.0}, {2: 3.0, 1: 4.0}), [0.5, 3.0])

    def test_a_round_without_partner_gives_none(self):
        self.assertEqual(paired_ratios({1: 2.0, 3: 1.0}, {1: 1.0, 2: 1.0}), [2.0])

    def test_nothing_is_divided_by_nothing(self):
        self.assertEqual(paired_ratios({1: 2.0}, {1: 0.0}), [])

    def test_drift_common_to_a_round_falls_out(self):
        results = level_and_edge([1.0, 3.0, 9.0, 2.0, 4.0], [2.0, 6.0, 18.0, 4.0, 8.0])
        self.assertEqual(results.ratio(ECHO, "epoll-edge", "cpu"), Spread(2.0, 2.0, 2.0, 5))


class Intervals(unittest.TestCase):
    def test_bootstrap_encloses_the_median(self):
        values = [1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 1.0]
        low, high = bootstrap_interval(values)
        self.assertLessEqual(min(values), low)
        self.assertLessEqual(low, median(values))
        self.assertLessEqual(median(values), high)
        self.assertLessEqual(high, max(values))

    def test_bootstrap_is_repeatable_and_narrows(self):
        few, many = [0.9, 1.0, 1.1], [0.9, 1.0, 1.1] * 30
        self.assertEqual(bootstrap_interval(few), bootstrap_interval(few))
        width = [high - low for low, high in map(bootstrap_interval, (few, many))]
        self.assertLess(width[1], width[0])

    def test_bootstrap_of_one_value(self):
        self.assertIsNone(bootstrap_interval([1.0]))

    def test_contains_one_to_the_digits_shown(self):
        self.assertTrue(Spread(0.99, 0.98, 1.00, 5).contains_one)
        self.assertTrue(Spread(0.99, 0.98, 0.997, 5).contains_one)
        self.assertFalse(Spread(0.98, 0.97, 0.99, 5).contains_one)
        self.assertFalse(Spread(1.10, 1.01, 1.20, 5).contains_one)


if __name__ == "__main__":
    unittest.main()
