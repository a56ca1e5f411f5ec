"""The rules of the claims about busy servers, on made-up rounds; nothing is measured."""

import unittest

from comparison.claims import FAILS, HOLDS, UNDECIDED, busy
from rounds_of import figures, noisy

ALIKE = {busy.SELECT: {"cpu": 5.1}, busy.POLL: {"cpu": 4.9}, busy.LEVEL: {"cpu": 5.0},
         busy.EDGE: {"cpu": 5.05}, busy.DRAIN: {"cpu": 5.4}, busy.ONE_SHOT: {"cpu": 5.25},
         busy.TOGGLING: {"cpu": 6.0}}
COUNTED = figures({name: {"change": 0, "wait": 0.1, "calls": 2.1} for name in ALIKE}, rounds=1)


def with_cpu(**changes):
    """ALIKE with other CPU times: names of `busy`."""
    return figures({**ALIKE, **{getattr(busy, name): {"cpu": cpu}
                                for name, cpu in changes.items()}})


class Alike(unittest.TestCase):
    def test_all_within_ten_per_cent(self):
        finding = busy.judge_alike(figures(ALIKE), figures(ALIKE))
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("gains next to nothing", finding.negative)

    def test_one_that_is_dearer_is_enough(self):
        finding = busy.judge_alike(figures(ALIKE), with_cpu(SELECT=5.8))
        self.assertEqual(finding.verdict, FAILS)
        self.assertEqual(finding.negative, "")

    def test_noise_and_few_rounds_decide_nothing(self):
        for few in (noisy(ALIKE, "cpu"), figures(ALIKE, rounds=19)):
            self.assertEqual(busy.judge_alike(few, figures(ALIKE)).verdict, UNDECIDED)

    def test_what_was_not_measured_is_said(self):
        some = figures({name: values for name, values in ALIKE.items() if name != busy.SELECT})
        some.samples.append({"cell": busy.SELECT, "round": 1, "reason": "no room"})
        finding = busy.judge_alike(some, figures(ALIKE))
        self.assertEqual(finding.verdict, UNDECIDED)
        self.assertIn("select: no room", finding.figure)


class Registration(unittest.TestCase):
    def test_the_share_of_two_calls(self):
        finding = busy.judge_registration(figures(ALIKE), COUNTED)
        self.assertEqual(finding.verdict, HOLDS)  # 0.5 of 5.5
        self.assertIn("9", finding.figure)

    def test_a_cheap_call(self):
        finding = busy.judge_registration(with_cpu(ONE_SHOT=5.05), COUNTED)
        self.assertEqual(finding.verdict, FAILS)

    def test_saving_a_cheap_call_gains_little_and_a_dear_one_much(self):
        judge = busy.judge_fewer_registrations
        self.assertEqual(judge(figures(ALIKE), COUNTED).verdict, HOLDS)
        self.assertEqual(judge(with_cpu(ONE_SHOT=6.0), COUNTED).verdict, FAILS)


class Edge(unittest.TestCase):
    def test_as_good_is_not_faster(self):
        finding = busy.judge_edge(figures(ALIKE), figures(ALIKE))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("does not make an echo server faster", finding.negative)

    def test_faster_in_one_workload(self):
        self.assertEqual(busy.judge_edge(figures(ALIKE), with_cpu(EDGE=4.5)).verdict, HOLDS)

    def test_a_gain_that_is_not_sure(self):
        wide = noisy(ALIKE, "cpu")
        self.assertEqual(busy.judge_edge(figures(ALIKE), wide).verdict, UNDECIDED)


class Uring(unittest.TestCase):
    def judged(self, cpu, rounds=20):
        return busy.judge_uring(figures({busy.BARE: {"cpu": 5.0, "rate": 1e5},
                                         busy.URING: {"cpu": cpu, "rate": 1e5}}, rounds))

    def test_cheaper_the_same_and_unsure(self):
        self.assertEqual(self.judged(4.0).verdict, HOLDS)
        self.assertEqual(self.judged(5.0).verdict, FAILS)
        self.assertEqual(self.judged(4.0, rounds=3).verdict, UNDECIDED)

    def test_a_library_that_is_not_here(self):
        finding = busy.judge_uring(figures({busy.BARE: {"cpu": 5.0}}))
        self.assertEqual(finding.verdict, UNDECIDED)
        self.assertIn("liburing-dev", finding.figure)


class Calls(unittest.TestCase):
    CALLS = {busy.LEVEL: 2.1, busy.ONE_SHOT: 3.1, busy.DRAIN: 3.0, busy.TOGGLING: 5.0}

    def judged(self, cpu_of):
        timed = figures({name: {"cpu": cpu_of(calls)} for name, calls in self.CALLS.items()})
        counted = figures({name: {"calls": calls} for name, calls in self.CALLS.items()}, rounds=1)
        return busy.judge_calls(timed, counted)

    def test_what_grows_with_the_calls_is_explained_by_them(self):
        self.assertEqual(self.judged(lambda calls: 3 + calls).verdict, HOLDS)

    def test_what_does_not_is_not(self):
        finding = self.judged(lambda calls: 5.0 + (calls == 2.1) + 0.3 * (calls == 5.0))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("alone does not tell", finding.negative)

    def test_few_servers(self):
        some = figures({busy.LEVEL: {"cpu": 1.0, "calls": 2}})
        self.assertEqual(busy.judge_calls(some, some).verdict, UNDECIDED)


class Exact(unittest.TestCase):
    def counted(self, **changes):
        cells = {name: {"wait": 1, "read": 1, "write": 1, **expected}
                 for name, expected in busy.EXPECTED.items()}
        cells[busy.DRAIN].update(changes)
        return figures(cells, rounds=3)

    def test_what_each_mode_must_do(self):
        self.assertEqual(busy.judge_exact(self.counted()).verdict, HOLDS)

    def test_how_often_it_wakes_does_not_matter(self):
        self.assertEqual(busy.judge_exact(self.counted(wait=0.5, read_blocked=0.5)).verdict, HOLDS)

    def test_another_number_is_named(self):
        finding = busy.judge_exact(self.counted(read_blocked=0))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("drained: 0.00 reads that would block per wake-up, not 1", finding.figure)

    def test_a_mode_without_counters(self):
        self.assertEqual(busy.judge_exact(figures({})).verdict, UNDECIDED)


if __name__ == "__main__":
    unittest.main()
