"""The rules of the claims about busy servers, on made-up rounds; nothing is measured."""

import unittest

from comparison.claims import FAILS, HOLDS, UNDECIDED, busy
from rounds_of import figures, noisy

CPU = {busy.SELECT: 5.1, busy.POLL: 4.9, busy.LEVEL: 5.0, busy.EDGE: 5.05, busy.DRAIN: 5.4,
       busy.ONE_SHOT: 5.25, busy.TOGGLING: 6.0}


def cells(**changes):
    """All servers, alike, with other CPU times for some: names of `busy`, with MANY_ before them
    for those of many connections."""
    found = {name: {"cpu": cpu, "change": 0, "wait": 0.1, "calls": 2.1}
             for name, cpu in CPU.items()}
    found |= {busy.named(name, busy.MANY): {"cpu": CPU[name]} for name in busy.COMPARED_WITH_MANY}
    for name, cpu in changes.items():
        count = busy.MANY if name.startswith("MANY_") else busy.FEW
        found[busy.named(getattr(busy, name.removeprefix("MANY_")), count)]["cpu"] = cpu
    return found


class Alike(unittest.TestCase):
    def test_all_within_ten_per_cent(self):
        finding = busy.judge_alike(figures(cells()))
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("gains less than a tenth", finding.negative)

    def test_one_that_is_dearer_is_enough(self):
        finding = busy.judge_alike(figures(cells(MANY_SELECT=5.8)))
        self.assertEqual(finding.verdict, FAILS)
        self.assertEqual(finding.negative, "")

    def test_noise_and_few_rounds_decide_nothing(self):
        for made in (noisy(cells(), "cpu"), figures(cells(), rounds=19)):
            self.assertEqual(busy.judge_alike(made).verdict, UNDECIDED)

    def test_what_was_not_measured_is_said(self):
        made = figures({name: values for name, values in cells().items() if name != busy.SELECT})
        made.samples.append({"cell": busy.SELECT, "round": 1, "reason": "no room"})
        finding = busy.judge_alike(made)
        self.assertEqual(finding.verdict, UNDECIDED)
        self.assertIn("select: no room", finding.figure)


class Registration(unittest.TestCase):
    def test_the_share_of_two_calls(self):
        finding = busy.judge_registration(figures(cells()))
        self.assertEqual(finding.verdict, HOLDS)  # 0.5 of 5.5
        self.assertIn("two epoll_ctl calls per request: 9", finding.figure)

    def test_a_cheap_call(self):
        finding = busy.judge_registration(figures(cells(ONE_SHOT=5.05)))
        self.assertEqual(finding.verdict, FAILS)

    def test_a_cost_that_cannot_be_told_from_none_has_no_sign(self):
        cheaper = busy.judge_registration(figures(cells(ONE_SHOT=4.9), rounds=3))
        self.assertNotIn("-", cheaper.figure.partition("; ")[0].replace("one-shot", ""))
        self.assertEqual(cheaper.verdict, UNDECIDED)

    def test_saving_a_cheap_call_gains_little_and_a_dear_one_much(self):
        judge = busy.judge_fewer_registrations
        self.assertEqual(judge(figures(cells())).verdict, HOLDS)
        self.assertEqual(judge(figures(cells(ONE_SHOT=6.0))).verdict, FAILS)
        # 1.105 times the cost of level is a gain of 9.5 %.
        self.assertEqual(judge(figures(cells(ONE_SHOT=5.0 * 1.105))).verdict, HOLDS)


class Edge(unittest.TestCase):
    def test_as_good_is_not_faster(self):
        finding = busy.judge_edge(figures(cells()))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("8 % more", finding.negative)

    def test_faster_in_all_and_in_one(self):
        all_four = cells(EDGE=4.8, DRAIN=4.8, MANY_EDGE=4.8, MANY_DRAIN=4.8)
        finding = busy.judge_edge(figures(all_four))
        self.assertEqual((finding.verdict, finding.negative), (HOLDS, ""))
        one = busy.judge_edge(figures(cells(MANY_EDGE=4.5)))
        self.assertEqual(one.verdict, UNDECIDED)
        self.assertIn("it depends on how it is used", one.figure)

    def test_a_gain_that_is_not_sure(self):
        self.assertEqual(busy.judge_edge(noisy(cells(), "cpu")).verdict, UNDECIDED)


class Uring(unittest.TestCase):
    def judged(self, cpu, rounds=20):
        return busy.judge_uring(figures({busy.BARE: {"cpu": 5.0, "kernel_calls": 2},
                                         busy.URING: {"cpu": cpu, "kernel_calls": 0.1}}, rounds))

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
        return busy.judge_calls(figures({name: {"cpu": cpu_of(calls), "kernel_calls": calls}
                                         for name, calls in self.CALLS.items()}))

    def test_what_grows_with_the_calls_is_explained_by_them(self):
        self.assertEqual(self.judged(lambda calls: 3 + calls).verdict, HOLDS)

    def test_what_does_not_is_not(self):
        finding = self.judged(lambda calls: 5.0 + (calls == 2.1) + 0.3 * (calls == 5.0))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("alone does not tell", finding.negative)

    def test_what_falls_with_the_calls_is_not_explained(self):
        self.assertEqual(self.judged(lambda calls: 9 - calls).verdict, FAILS)

    def test_few_servers(self):
        one = figures({busy.LEVEL: {"cpu": 1.0, "calls": 2}})
        self.assertEqual(busy.judge_calls(one).verdict, UNDECIDED)


class Exact(unittest.TestCase):
    def counted(self, **changes):
        cells = {name: {"wait": 1, "read": 1, "write": 1, **expected}
                 for name, expected in busy.EXPECTED.items()}
        cells[busy.DRAIN].update(changes)
        return figures(cells, rounds=3)

    def test_what_each_mode_must_do(self):
        finding = busy.judge_exact(self.counted())
        self.assertEqual((finding.verdict, finding.rounds), (HOLDS, 3))
        self.assertIn("counts are exact: 3 runs of each mode, every one the same", finding.figure)

    def test_a_run_that_differs_is_told_with_its_numbers(self):
        made = self.counted()
        next(each for each in made.samples if each["cell"] == busy.DRAIN)["values"]["blocked"] = 0.9
        finding = busy.judge_exact(made)
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("drained: 0.90–1.00 reads that would block per wake-up, not 1",
                      finding.figure)

    def test_how_often_it_wakes_does_not_matter(self):
        self.assertEqual(busy.judge_exact(self.counted(wait=0.5, blocked=0.5)).verdict, HOLDS)

    def test_another_number_is_named(self):
        finding = busy.judge_exact(self.counted(blocked=0))
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("drained: 0.00 reads that would block per wake-up, not 1", finding.figure)

    def test_a_mode_without_counters(self):
        self.assertEqual(busy.judge_exact(figures({})).verdict, UNDECIDED)


if __name__ == "__main__":
    unittest.main()
