"""bench/compare and the guard on counts."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import compare
from comparison import changes, result_file
from comparison.plan import Part
from comparison.results import COUNTED, TIMED, Cell, Results, Run
from comparison.workloads import Workload
from examples import BY_NAME, UPLOAD

LEVEL, EDGE = BY_NAME["epoll-level"], BY_NAME["epoll-edge"]
ONE = Workload("echo", 1)
FIFTY = Workload("echo", 50)
STEADY = [10.0, 10.1, 9.9, 10.2, 9.8] * 4


def run(reads=(1.0,), level=STEADY, edge=STEADY, workload=ONE, **facts):
    results = Results({workload.name: LEVEL.name})
    for number, count in enumerate(reads, 1):
        results.add(Run(COUNTED, number, workload, EDGE), {"read": count, "wait": 1.0})
    for name, values in ((LEVEL, level), (EDGE, edge)):
        for number, cpu in enumerate(values, 1):
            results.add(Run(TIMED, number, workload, name), {"cpu": cpu})
    part = Part("servers", [Cell(workload, LEVEL), Cell(workload, EDGE)])
    return result_file.of(result_file.document([part], results, **facts))


def found(before, after):
    return [(each.contestant, each.metric.key, each.worse, each.certain)
            for each in changes.changes(before, after)]


class Counts(unittest.TestCase):
    def test_exact_ones_differ_beyond_what_begins_and_ends(self):
        self.assertEqual(found(run([1.0]), run([1.004])), [])
        self.assertEqual(found(run([1.0]), run([2.0])), [("epoll-edge", "read", True, True)])
        self.assertEqual(found(run([2.0]), run([1.0])), [("epoll-edge", "read", False, True)])

    def test_others_differ_beyond_what_they_spread(self):
        before = run([20.0, 22.0, 24.0], workload=UPLOAD)
        self.assertEqual(found(before, run([26.0, 28.0, 30.0], workload=UPLOAD)), [])
        self.assertEqual(found(before, run([46.0, 48.0, 50.0], workload=UPLOAD)),
                         [("epoll-edge", "read", True, True)])

    def test_few_rounds_of_others_say_nothing(self):
        self.assertEqual(found(run([20.0], workload=UPLOAD), run([90.0], workload=UPLOAD)), [])

    def test_only_exact_ones_are_guarded(self):
        self.assertEqual(len(changes.worse_counts(run([1.0]), run([2.0]))), 1)
        self.assertEqual(changes.worse_counts(run([2.0]), run([1.0])), [])
        self.assertEqual(changes.worse_counts(run([1.0] * 3, workload=FIFTY),
                                              run([2.0] * 3, workload=FIFTY)), [])


class Times(unittest.TestCase):
    def test_they_are_held_against_the_base_of_their_run(self):
        slower = [3 * each for each in STEADY]
        slower_machine = run(level=slower, edge=slower)
        self.assertEqual(found(run(), slower_machine), [("epoll-level", "cpu", True, True)])
        slower_edge = run(edge=[1.5 * each for each in STEADY])
        self.assertEqual(found(run(), slower_edge), [("epoll-edge", "cpu", True, True)])

    def test_few_rounds_are_an_indication(self):
        self.assertEqual(found(run(level=STEADY[:5], edge=STEADY[:5]),
                               run(level=STEADY[:5], edge=[20.0] * 5)),
                         [("epoll-edge", "cpu", True, False)])


    def test_what_chance_may_do_among_many_is_an_indication(self):
        before = run()
        with mock.patch.object(changes, "chance", lambda *_: 0.02):
            self.assertEqual(found(before, run(edge=[11.0] * 20)),
                             [("epoll-edge", "cpu", True, True)])
            with mock.patch.object(changes, "comparisons", lambda *_: 100):
                self.assertEqual(found(before, run(edge=[11.0] * 20)),
                                 [("epoll-edge", "cpu", True, False)])


class Programs(unittest.TestCase):
    def said(self, before, after, *words):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, each in (("a", before), ("b", after)):
                paths.append(str(Path(folder) / name))
                Path(paths[-1]).write_text(result_file.as_text(each.document))
            with contextlib.redirect_stdout(io.StringIO()) as output:
                status = compare.main([*paths, *words])
        return status, output.getvalue()

    def test_what_has_changed_is_a_row(self):
        status, text = self.said(run([1.0]), run([2.0]))
        self.assertEqual(status, 0)
        self.assertRegex(text, r"echo-1 epoll-edge +reads per request +1\.000 +2\.000 +counted "
                         r"+worse")
        self.assertIn("1 counts and 0 of 2 times have changed", text)

    def test_worse_may_be_a_failure(self):
        self.assertEqual(self.said(run([1.0]), run([2.0]), "--fail-on-worse")[0], 1)
        self.assertEqual(self.said(run([2.0]), run([1.0]), "--fail-on-worse")[0], 0)
        few = run(level=STEADY[:5], edge=STEADY[:5])
        unsure = run(level=STEADY[:5], edge=[20.0] * 5)
        self.assertEqual(self.said(few, unsure, "--fail-on-worse")[0], 0)

    def test_other_cells_and_other_machines_are_said(self):
        with contextlib.redirect_stderr(io.StringIO()) as error:
            status, text = self.without_common_cells()
        self.assertEqual(status, 2)
        self.assertIn("have no cell in common", error.getvalue())
        self.assertIn("kernel: Linux 6.1 / Linux 6.9", text)
        self.assertNotIn("cpu: one", text)
        self.assertIn("Only before: echo-1 epoll-level, echo-1 epoll-edge.", text)
        self.assertIn("Only after: echo-50 epoll-level, echo-50 epoll-edge.", text)

    def test_counts_of_too_few_rounds_are_told_of(self):
        _, text = self.said(run([0.04], workload=FIFTY), run([0.18], workload=FIFTY))
        self.assertIn("0 counts and", text)
        self.assertIn("Counts of 1 cells vary with timing and were not compared", text)
        _, text = self.said(run([1.0] * 3, workload=FIFTY), run([1.0] * 3, workload=FIFTY))
        self.assertNotIn("not compared", text)

    def test_chance_does_more_with_few_rounds(self):
        _, text = self.said(run(edge=STEADY[:3], level=STEADY[:3]),
                            run(edge=[20.0] * 3, level=STEADY[:3]))
        self.assertIn("of fewer than 20 rounds are too narrow", " ".join(text.split()))
        _, text = self.said(run(), run(edge=[20.0] * 20))
        self.assertIn("about 1 would differ by chance alone", " ".join(text.split()))

    def without_common_cells(self):
        return self.said(
            run(machine={"kernel": "Linux 6.1", "cpu": "one"}),
            run(workload=FIFTY, machine={"kernel": "Linux 6.9", "cpu": "one"}))

    def test_what_is_no_result_file_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(compare.main(["/nonexistent", "/nonexistent"]), 2)
        self.assertIn("No such file", said.getvalue())


class Baselines(unittest.TestCase):
    def test_it_keeps_exact_counts_alone(self):
        kept = result_file.of(result_file.counts_alone(run([1.0, 1.1]).document))
        self.assertEqual([each["values"] for each in kept.results.samples],
                         [{"read": 1.0, "wait": 1.0}])
        self.assertEqual(len(changes.worse_counts(kept, run([2.0]))), 1)
        self.assertEqual(len(changes.guarded(kept, changes.cells(run([2.0])))), 1)
        self.assertEqual(result_file.counts_alone(run(workload=FIFTY).document)["samples"], [])


if __name__ == "__main__":
    unittest.main()
