"""Answers from intervals: only enough rounds and a whole interval give one."""

import unittest

from comparison.claims import FAILS, HOLDS, UNDECIDED
from comparison.judging import above, below, every, some, verdict, within
from comparison.statistics import Estimate


def interval(low, high, count=20):
    return Estimate((low + high) / 2, low, high, count)


class Answers(unittest.TestCase):
    def test_the_whole_interval_must_lie_on_one_side(self):
        self.assertIs(above(interval(1.1, 1.2), 1), True)
        self.assertIs(above(interval(0.8, 0.9), 1), False)
        self.assertIsNone(above(interval(0.9, 1.1), 1))
        self.assertIs(below(interval(0.8, 0.9), 1), True)
        self.assertIs(below(interval(1.1, 1.2), 1), False)
        self.assertIsNone(below(interval(0.9, 1.1), 1))

    def test_few_rounds_and_none_give_no_answer(self):
        self.assertIsNone(above(interval(2, 3, count=19), 1))
        self.assertIsNone(below(interval(0.1, 0.2, count=19), 1))
        self.assertIsNone(above(None, 1))
        self.assertIsNone(within(None, 0.9, 1.1))

    def test_within_two_bounds(self):
        self.assertIs(within(interval(0.95, 1.05), 0.9, 1.1), True)
        self.assertIs(within(interval(1.2, 1.3), 0.9, 1.1), False)
        self.assertIs(within(interval(0.7, 0.8), 0.9, 1.1), False)
        self.assertIsNone(within(interval(1.0, 1.3), 0.9, 1.1))

    def test_several_answers(self):
        self.assertIs(every(True, None, False), False)
        self.assertIsNone(every(True, None))
        self.assertIs(every(True, True), True)
        self.assertIs(some(False, None, True), True)
        self.assertIsNone(some(False, None))
        self.assertIs(some(False, False), False)

    def test_verdicts(self):
        self.assertEqual(verdict(True, True), HOLDS)
        self.assertEqual(verdict(True, False, None), FAILS)
        self.assertEqual(verdict(True, None), UNDECIDED)


if __name__ == "__main__":
    unittest.main()
