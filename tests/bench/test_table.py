import unittest

from comparison import table
from comparison.contestants import MODES
from comparison.results import COUNTED, KNEE, Run
from examples import (BY_NAME, ECHO, MODELS, MODELS_50, UPLOAD, counted, level_and_edge, no_results,
                      served, timed)


class Rows(unittest.TestCase):
    def test_missing_cells_are_dashes(self):
        header, rows = table.timed_rows(level_and_edge([2.0], [1.0]), ECHO, MODES)
        self.assertEqual(rows[0], ["select-level"] + [table.MISSING] * (len(header) - 1))
        edge = rows[3]
        self.assertEqual(edge[1:3], ["1.00 (1.00–1.00)", "0.50 (0.50–0.50)"])

    def test_a_mode_without_base_has_figures_but_no_ratio(self):
        results = no_results()
        timed(results, ECHO, "poll-level", [2.0, 3.0])
        row = table.timed_rows(results, ECHO, MODES)[1][1]
        self.assertEqual(row[1:3], ["2.50 (2.00–3.00)", table.MISSING])

    def test_a_mode_without_figures_has_its_reason_in_its_row(self):
        results = level_and_edge([2.0], [1.0])
        results.refuse(ECHO, BY_NAME["select-level"], "too many")
        rows = table.timed_rows(results, ECHO, MODES)[1]
        self.assertEqual(rows[0], ["select-level", "too many"])
        self.assertEqual(rows[1][1:], [table.MISSING] * (len(rows[1]) - 1))
        self.assertEqual(table.reasons(results, ECHO, MODES), [])

    def test_reasons_are_shown_once(self):
        results = no_results()
        timed(results, ECHO, "select-level", [2.0])
        for _ in range(2):
            results.refuse(ECHO, BY_NAME["select-level"], "too many")
        self.assertEqual(table.reasons(results, ECHO, MODES), ["select-level: too many"])

    def test_modes_with_the_same_reason_stand_together(self):
        results = no_results()
        for mode in MODES:
            timed(results, ECHO, mode.name, [2.0])
            results.refuse(ECHO, mode, "died")
        results.refuse(ECHO, MODES[0], "too many")
        self.assertEqual(
            table.reasons(results, ECHO, MODES), ["all: died", "select-level: too many"]
        )


class Terminal(unittest.TestCase):
    def test_lines_are_aligned_and_fit(self):
        results = no_results()
        for workload in (ECHO, UPLOAD):
            for mode in MODES:
                timed(results, workload, mode.name, [0.001, 99999.9, 12345.6])
                counted(results, workload, mode.name, 123.456, 1234.567, 999.999)
        results.refuse(ECHO, MODES[0], "a long story " * 30)
        lines = table.terminal(results, {ECHO: MODES, UPLOAD: MODES}).splitlines()
        self.assertLessEqual(max(map(len, lines)), table.WIDTH)
        rows = [line for line in lines if line.startswith("  epoll-")]
        self.assertEqual(len(rows), 16)

    def test_models_have_a_base_of_their_own_and_fit(self):
        results = no_results()
        for model in MODELS[1:]:
            served(results, model.name, [12.34, 23.45])
        results.refuse(MODELS_50, MODELS[0], "1 of 50 connections answered; " * 10)
        lines = table.terminal(results, {MODELS_50: MODELS}).splitlines()
        self.assertLessEqual(max(map(len, lines)), table.WIDTH)
        self.assertEqual(len(lines[2].split("×")), 2)  # of CPU alone
        self.assertIn("×reactor", lines[2])
        self.assertRegex(lines[3], "^  iterative  1 of 50 connections answered")
        self.assertNotIn("system calls", "".join(lines))
        self.assertIn("context switches", "".join(lines))

    def test_nothing_measured(self):
        text = table.terminal(no_results(), {ECHO: MODES})
        self.assertIn(ECHO.title, text)


class Counts(unittest.TestCase):
    def test_only_what_was_counted_has_a_column(self):
        header, rows = table.counted_rows(level_and_edge([2.0], [1.0]), ECHO, MODES,
                                          COUNTED)
        self.assertEqual(header, ["mode", "waits", "changes", "reads", "would-block", "writes"])
        self.assertEqual([row[0] for row in rows], ["epoll-level", "epoll-edge"])
        self.assertEqual(rows[1][3:5], ["2.000", "1.000"])

    def test_knees_are_told_with_what_kept_them(self):
        results = no_results()
        for name, values in (("epoll-level", {"knee": 1000.0, "because": "p99"}),
                             ("epoll-edge", {"because": "client", "knee_at_least": 900.0})):
            results.add(Run(KNEE, 1, ECHO, BY_NAME[name]), values)
        header, rows = table.knee_rows(results, ECHO, MODES[2:4])
        self.assertEqual(header, ["mode", "knee requests/s", "×level", "because of"])
        self.assertEqual(rows, [["epoll-level", "1,000 (1,000–1,000)", "1.00 (1.00–1.00)", "p99"],
                                ["epoll-edge", "at least 900 (900–900)", table.MISSING,
                                 "client"]])
        self.assertEqual(table.knee_rows(no_results(), ECHO, MODES), ([], []))

    def test_nothing_counted_is_no_table(self):
        self.assertEqual(table.counted_rows(no_results(), ECHO, MODES, COUNTED), ([], []))


if __name__ == "__main__":
    unittest.main()
