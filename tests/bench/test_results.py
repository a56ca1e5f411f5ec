"""Results, and the files they are written to and read from."""

import csv
import json
import tempfile
import unittest
from pathlib import Path

from comparison import result_file
from comparison.plan import Part
from comparison.processes import Failed
from comparison.results import COUNTED, KERNEL, Cell, Results, Run
from comparison.statistics import Estimate
from comparison.workloads import Workload
from examples import BY_NAME, ECHO, UPLOAD, level_and_edge, no_results

LEVEL, EDGE = BY_NAME["epoll-level"], BY_NAME["epoll-edge"]


class Figures(unittest.TestCase):
    def test_drift_common_to_a_round_falls_out(self):
        results = level_and_edge([1.0, 3.0, 9.0, 2.0, 4.0], [2.0, 6.0, 18.0, 4.0, 8.0])
        self.assertEqual(results.against_base(ECHO, "epoll-edge", "cpu"),
                         Estimate(2.0, 2.0, 2.0, 5))

    def test_cells_are_held_against_any_other(self):
        results = level_and_edge([1.0, 2.0], [4.0, 8.0])
        edge = Cell(ECHO, EDGE)
        self.assertEqual(results.estimate(edge, "cpu").median, 6.0)
        self.assertEqual(results.ratio(edge, LEVEL, "cpu").median, 4.0)
        self.assertEqual(results.ratio(edge, Cell(ECHO, LEVEL), "cpu").median, 4.0)
        self.assertIsNone(results.ratio(edge, Cell(UPLOAD, LEVEL), "cpu"))

    def test_the_kernel_stands_in_for_what_was_not_counted(self):
        results = Results()
        results.add(Run(KERNEL, 1, ECHO, EDGE), {"wait": 3.0, "spurious": 0.5})
        self.assertEqual(results.estimate((ECHO, EDGE), "wait").median, 3.0)
        results.add(Run(COUNTED, 1, ECHO, EDGE), {"wait": 2.0})
        self.assertEqual(results.estimate((ECHO, EDGE), "wait").median, 2.0)
        self.assertEqual(results.estimate((ECHO, EDGE), "spurious").median, 0.5)

    def test_a_reason_is_kept_once(self):
        results = Results()
        for _ in range(2):
            results.refuse(ECHO, EDGE, "no")
        self.assertEqual(results.reasons_of(ECHO, EDGE), ["no"])
        self.assertEqual(results.reasons_of(ECHO, LEVEL), [])


    def test_a_reason_met_in_two_kinds_of_run_is_told_once(self):
        results = no_results()
        for reason in ("counting calls, round 1: it died: of age", "plain",
                       "timing, round 1: it died: of age"):
            results.refuse(ECHO, BY_NAME["epoll-edge"], reason)
        self.assertEqual(results.reasons_of(ECHO, BY_NAME["epoll-edge"]),
                         ["counting calls, round 1 and timing, round 1: it died: of age", "plain"])


class Names(unittest.TestCase):
    def test_what_is_usual_is_left_out(self):
        self.assertEqual(Workload("echo", 5).name, "echo-5")
        self.assertEqual(Workload("upload", 5, 65536).name, "upload-5")
        self.assertEqual(Workload("upload", 5, 1000).name, "upload-5-size1000")
        self.assertEqual(Workload("echo", 5, 9, active=0.4, rate=1000).name,
                         "echo-5-size9-active40%-rate1000")

    def test_large_values_keep_all_their_digits(self):
        self.assertEqual(Workload("download", 5, answer=12345678).name, "download-5-answer12345678")

    def test_titles_say_all_of_it(self):
        self.assertEqual(Workload("echo", 5000, active=0.01, idle=10000, work=25).title,
                         "Echo of 64-byte messages, 5,000 connections, 1 % of them active, 10,000 "
                         "more idle, 25 µs of work")


class Files(unittest.TestCase):
    def written(self, folder):
        results = level_and_edge([1.0, 2.0], [4.0, 8.0])
        results.samples[0]["values"]["histogram"] = [[1000, 2], [2000, 1]]
        results.refuse(ECHO, BY_NAME["select-level"], "refused: too many")
        part = Part("servers", [Cell(ECHO, LEVEL), Cell(ECHO, EDGE)],
                    [(Cell(ECHO, BY_NAME["select-level"]), "too many")])
        result_file.write(folder, result_file.document([part], results, complete=True, seed=7))
        return results

    def test_what_is_written_is_read_back(self):
        with tempfile.TemporaryDirectory() as name:
            results = self.written(Path(name))
            run = result_file.read(Path(name) / "results.json")
        self.assertEqual(run.results.samples, results.samples)
        self.assertEqual(run.results.bases, {ECHO.name: "epoll-level"})
        self.assertEqual(run.contestants_of, {ECHO: [LEVEL, EDGE, BY_NAME["select-level"]]})
        self.assertEqual(run.document["seed"], 7)
        edge = run.document["cells"][1]
        self.assertEqual(edge["ratios"]["cpu"]["median"], 4.0)
        self.assertFalse(edge["ratios"]["cpu"]["decided"])
        self.assertEqual(run.document["cells"][2]["reasons"], ["refused: too many"])

    def test_a_row_for_each_sample(self):
        with tempfile.TemporaryDirectory() as name:
            results = self.written(Path(name))
            with open(Path(name) / "results.csv", newline="") as file:
                rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), len(results.samples))
        self.assertEqual((rows[0]["contestant"], rows[0]["connections"], rows[0]["cpu"]),
                         ("epoll-level", "50", "1.0"))
        self.assertNotIn("histogram", rows[0])

    def test_other_files_are_refused(self):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "file"
            with self.assertRaisesRegex(Failed, "No such file"):
                result_file.read(path)
            for text in ("", "[", "[" * 100_000):
                path.write_text(text)
                with self.assertRaisesRegex(Failed, "is not JSON"):
                    result_file.read(path)
            for text in ("[]", "{}", json.dumps({"format": 1, "kind": "run"})):
                path.write_text(text)
                with self.assertRaisesRegex(Failed, "is not a result file of bench/run"):
                    result_file.read(path)


if __name__ == "__main__":
    unittest.main()
