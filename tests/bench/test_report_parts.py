"""What the report makes of figures, tables and histograms, before anything is drawn."""

import unittest

from comparison.report import charts, content, drawing, run_pictures, table_pictures
from comparison.report.figures import read_figure
from comparison.report.measurements import Measurements, families, short_title
from comparison.report.sentences import extremes, growth, ratios
from comparison.statistics import Estimate
from comparison.workloads import Workload
from report_examples import ECHO, run_file

ONE = Estimate(1.0, 0.98, 1.02, 20)
LESS, MORE = Estimate(0.8, 0.7, 0.9, 20), Estimate(3.0, 2.5, 3.5, 20)
FEW = Estimate(0.5, 0.4, 0.6, 19)


class Figures(unittest.TestCase):
    def figure(self, cell):
        found = read_figure(cell)
        return [round(each, 6) for each in (
            found.estimate.low, found.estimate.median, found.estimate.high)], found.unit

    def test_numbers_as_they_are_written(self):
        self.assertEqual(self.figure("1,234.5"), ([1234.5] * 3, ""))
        self.assertEqual(self.figure(7), ([7, 7, 7], ""))
        self.assertEqual(self.figure("2.5 (2.1–2.9)"), ([2.1, 2.5, 2.9], ""))
        self.assertEqual(self.figure("×0.97 (0.95–1.00)"), ([0.95, 0.97, 1.0], ""))
        self.assertEqual(self.figure("48.7 % (38.7–59.3)"), ([38.7, 48.7, 59.3], "%"))
        self.assertEqual(self.figure("-1 (-2 to 3)"), ([-2, -1, 3], ""))

    def test_durations_of_a_column_have_one_unit(self):
        self.assertEqual(self.figure("290 ns (280–300)"), ([0.28, 0.29, 0.3], "µs"))
        self.assertEqual(self.figure("1.2 ms (1–2)"), ([1000, 1200, 2000], "µs"))

    def test_words_are_none(self):
        for cell in ("–", "", "level", "3 threads wait", None, True, "1 (3), his 4", float("nan")):
            self.assertIsNone(read_figure(cell), cell)


class TablePictures(unittest.TestCase):
    def drawn(self, header, rows):
        return [(figure.get_label(), len(figure.axes[0].containers) or len(figure.axes[0].lines))
                for figure in table_pictures.pictures(header, rows)]

    def test_columns_of_one_quantity_are_lines_of_one_picture(self):
        header = ["watched", "poll, one wait", "epoll, one wait", "calls"]
        rows = [[count, "1 µs (1–1)", "2 µs (1–3)", "7 (6–8)"] for count in (1, 10, 100)]
        self.assertEqual(self.drawn(header, rows), [("one wait, µs", 2)])

    def test_of_two_numbers_each_is_an_axis_while_the_other_stays(self):
        rows = [[n, a, "1 µs (1–2)"] for n, a in
                [(10, 5), (100, 5), (1000, 5), (1000, 10), (1000, 100)]]
        self.assertEqual(self.drawn(["watched", "active", "one wait"], rows),
                         [("one wait, µs, 5 active", 1), ("one wait, µs, 1000 watched", 1)])

    def test_words_are_lines_where_there_is_a_number(self):
        rows = [[name, count, "2 (1–3)"] for name in ("poll", "epoll") for count in (1, 10, 20)]
        self.assertEqual(self.drawn(["facility", "idle", "CPU"], rows), [("CPU", 2)])

    def test_words_alone_are_rows(self):
        rows = [["level", "2 (1–3)", "x"], ["edge", "–", "y"], ["a row with a reason", "why"]]
        self.assertEqual([title for title, _ in self.drawn(["trigger", "CPU", "word"], rows)],
                         ["CPU"])

    def names(self, header, rows):
        axes = table_pictures.pictures(header, rows)[0].axes[0]
        return ([each.get_text() for each in axes.get_yticklabels()],
                [each.get_text() for each in axes.texts])

    def test_who_is_compared_is_drawn_beside_each_other(self):
        header = ["load", "requests per wait, select", "select, CPU µs", "epoll, CPU µs"]
        rows = [["1 busy", "1.0", "80 (79–81)", "2 (1–3)"],
                ["all busy", "36.4", "4 (3–5)", "1 (1–2)"]]
        self.assertEqual(self.names(header, rows), (["select", "epoll"] * 2,
                                                    ["1 busy", "all busy"]))

    def test_columns_of_the_same_title_are_no_comparison(self):
        header = ["limit", "answered/s", "to limit 1", "CPU", "to limit 1"]
        rows = [[each, *["2 (1–3)"] * 4] for each in (1, 2, 4)]
        self.assertEqual(self.drawn(header, rows), [("answered/s", 1)])

    def test_rows_of_a_group_stand_together_and_a_group_of_one_is_none(self):
        header = ["facility", "idle", "CPU"]
        rows = [[name, idle, "2 (1–3)"] for name in ("poll", "epoll") for idle in ("0", "900")]
        self.assertEqual(self.names(header, rows), (["poll", "epoll"] * 2,
                                                    ["0 idle", "900 idle"]))
        self.assertEqual(self.names(header, rows[:2]),
                         (["poll, 0 idle", "poll, 900 idle"], []))

    def test_a_facility_keeps_its_colour(self):
        header, rows = ["watched", "poll, one wait", "epoll, one wait", "other, one wait"], [
            [place, *["1 µs (1–2)"] * 3] for place in (1, 2, 3)]
        figure, = table_pictures.pictures(header, rows)
        colours = [each.lines[0].get_color() for each in figure.axes[0].containers]
        self.assertEqual(colours, [drawing.colour(each) for each in (1, 2, 0)])

    def test_what_was_counted_does_not_name_a_row(self):
        rows = [["level", "0.00", "2 (1–3)"], ["edge", "1.00", "3 (2–4)"]]
        figure, = table_pictures.pictures(["trigger", "epoll_ctl", "CPU"], rows)
        self.assertEqual(list(figure.axes[0].texts), [])  # no headings of groups

    def test_numbers_of_a_header_are_an_axis(self):
        rows = [[name, "1 ns (1–2)", "2 ns (1–3)", "3 ns (2–4)"] for name in ("heap", "list")]
        self.assertEqual(self.drawn(["kept in", "10 timers", "100 timers", "1,000 timers"], rows),
                         [("kept in, µs", 2)])

    def test_a_table_without_intervals_is_not_drawn(self):
        self.assertEqual(self.drawn(["n", "m"], [[1, 2], [2, 3], [3, 4]]), [])
        self.assertEqual(self.drawn([], []), [])


class Distributions(unittest.TestCase):
    def test_rounds_are_put_together_and_the_slowest_is_left_out(self):
        shares, values = charts.merged([[[1000, 5], [2000, 4]], [[1000, 90], [9000, 1]]])
        self.assertEqual([list(shares), list(values)], [[0.95, 0.99], [1.0, 2.0]])

    def test_one_bucket_is_all_there_is(self):
        shares, values = charts.merged([[[1000, 3]]])
        self.assertLess(shares[0], 1)
        self.assertEqual(values[0], 1.0)

    def test_a_percentile_is_the_end_of_its_bucket_in_each_round(self):
        found = charts.quantiles([[[1000, 50], [3000, 50]], [[1000, 49], [5000, 51]]], 0.5)
        self.assertEqual((found.low, found.high), (1.0, 5.0))


class Captions(unittest.TestCase):
    def test_the_first_sentence_stands_out(self):
        picture = content.Picture("name", "K1, holds: 2.5 of 3. Measured: 4. It is.", None)
        self.assertEqual((picture.headline, picture.rest),
                         ("K1, holds: 2.5 of 3.", "Measured: 4. It is."))
        self.assertEqual(content.Picture("name", "Alone.", None).rest, "")

    def test_a_table_says_of_how_many_rounds_it_is(self):
        def rounds(*found):
            return content.Table("n", "c", ["", ""], [["x", each] for each in found]).rounds
        self.assertEqual(rounds(content.Measured(FEW), content.Measured(None)), "19 rounds")
        self.assertEqual(rounds(content.Measured(FEW), content.Measured(ONE)), "19 to 20 rounds")
        self.assertEqual(rounds("2"), "")

    def test_lines_of_a_legend_have_their_style(self):
        figure = charts.percentiles("latency", [
            charts.Distribution("a", [[[1000, 50], [3000, 50]]], len(drawing.COLOURS))])
        line, = figure.axes[0].get_legend().get_lines()
        self.assertEqual(line.get_linestyle(), "--")


class Sentences(unittest.TestCase):
    def test_what_is_decided_is_told_from_what_is_not(self):
        text = ratios("CPU", "level", [("a", LESS), ("b", ONE), ("c", MORE), ("d", None)])
        self.assertEqual(text, "CPU: less than level in 1 of 3, down to ×0.80 (0.70–0.90) for a; "
                         "more than level in 1 of 3, up to ×3.00 (2.50–3.50) for c; no difference "
                         "can be told in 1.")

    def test_few_rounds_decide_nothing(self):
        text = ratios("CPU", "level", [("a", FEW)])
        self.assertIn("no difference to level can be told. Nothing is decided by fewer", text)

    def test_intervals_that_meet_are_said_to(self):
        self.assertIn("overlap", extremes("p99", " µs", [("a", ONE), ("b", Estimate(2, 1, 3, 20))]))
        self.assertNotIn("overlap", extremes("p99", " µs", [("a", LESS), ("b", MORE)]))
        self.assertEqual(extremes("p99", " µs", [("a", None)]), "p99: not measured.")

    def test_growth_names_the_steepest_and_the_flattest(self):
        text = growth("CPU", "connections", [
            ("poll", [(1, ONE), (1000, MORE)]), ("epoll", [(1, ONE), (1000, ONE)])])
        self.assertEqual(text, "CPU: from 1 to 1,000 connections ×3.00 for poll, no change that can "
                         "be told for epoll.")
        few = growth("CPU", "connections", [("poll", [(1, FEW), (1000, MORE)])])
        self.assertIn("×6.00 for poll from 1 to 1,000 connections. Nothing is decided by", few)
        self.assertIn("too little", growth("CPU", "connections", [("poll", [(1, ONE)])]))


class Counts(unittest.TestCase):
    def said(self, workload, rounds):
        return run_pictures.calls_said("calls", workload, ["level", "edge"], [
            Estimate(1.0, 1.0, 1.0, rounds), Estimate(2.0, 2.0, 2.0, rounds)])

    def test_one_connection_that_waits_is_counted_exactly(self):
        self.assertEqual(self.said(ECHO[0], 1), "calls: from 1.00 (level) to 2.00 (edge).")

    def test_one_round_names_nobody_where_counts_vary(self):
        text = self.said(ECHO[1], 1)
        self.assertIn("in 1 round. Such counts vary", text)
        self.assertNotIn("level", text)
        self.assertIn("to 2.00 (edge). Such counts vary with how much is ready at once: 3 rounds.",
                      self.said(ECHO[1], 3))


class Runs(unittest.TestCase):
    def test_families_differ_in_one_axis(self):
        others = [Workload("echo", 50, size=1000), Workload("upload", 50)]
        found = families([*reversed(ECHO), *others], "connections")
        self.assertEqual(found, [ECHO])
        self.assertEqual(families([ECHO[1], *others], "size"), [[ECHO[1], others[0]]])

    def test_a_subject_that_all_share_is_not_said_again(self):
        self.assertEqual(short_title(ECHO[1], ECHO), "50 connections")
        self.assertEqual(short_title(ECHO[1], [*ECHO, Workload("upload", 1)]), ECHO[1].title)

    def test_figures_are_those_of_the_rounds(self):
        run = Measurements(run_file(ECHO[:1], rounds=3))
        self.assertEqual(set(run.values(ECHO[0], "epoll-edge", "cpu")), {1, 2, 3})
        self.assertEqual(run.ratio(ECHO[0], "epoll-level", "cpu").median, 1.0)
        self.assertIsNone(run.figure(ECHO[0], "nobody", "cpu"))
        self.assertFalse(run.under(ECHO[0], "models"))


class Cells(unittest.TestCase):
    def test_an_interval_that_says_nothing_is_not_shown(self):
        self.assertEqual(str(content.Measured(Estimate(1.001, 1.0, 1.004, 20))), "1.00")
        self.assertEqual(str(content.Measured(MORE, 1)), "3.0 (2.5–3.5)")
        self.assertEqual(str(content.Measured(None)), "–")

    def test_only_decided_ratios_are_marked(self):
        marks = [content.Measured(each, ratio=True).mark for each in (LESS, ONE, MORE, FEW)]
        self.assertEqual(marks, ["▼", "", "▲", ""])


if __name__ == "__main__":
    unittest.main()
