"""Aims: how a figure is held against one, what the page says of it, and a short run of two rows."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import aims
import allocations
import instructions
from comparison import machine
from comparison.aims import Row, allocations as allocation_row, churn, dispatch, memory, page, run
from comparison.aims.allocations import chat
from comparison.aims.case import (
    BEYOND, MET, MISSED, MISSING, OPEN, SHOWN, Case, Limit, of_row)
from comparison.aims.servers import OWN
from comparison.contest import Figures
from comparison.marked_page import END, begin
from comparison.processes import Failed
from comparison.result_file import FORMAT
from comparison.statistics import Estimate

BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))
PROGRAM = Path(aims.__file__)
MACHINE = {"cpu": "a CPU", "cores": 2, "hypervisor": False, "memory": "1 kB", "kernel": "Linux",
           "compiler": "g++", "commit": "abc"}
TIME = Limit(1.05, 1.02)


def interval(low, high, count=20):
    return Estimate((low + high) / 2, low, high, count)


def verdict(figure, limit=TIME, **more):
    return Case("", limit, figure, **more).verdict


class Verdicts(unittest.TestCase):
    def test_the_whole_interval_of_a_time_must_say_so(self):
        self.assertEqual(verdict(interval(1.0, 1.02)), BEYOND)
        self.assertEqual(verdict(interval(1.0, 1.05)), MET)
        self.assertEqual(verdict(interval(1.0, 1.06)), OPEN)
        self.assertEqual(verdict(interval(1.06, 1.07)), MISSED)

    def test_a_time_is_judged_by_the_digits_that_are_told(self):
        self.assertEqual(verdict(interval(1.0, 1.054)), MET)
        self.assertEqual(verdict(interval(1.0, 1.054), digits=3), OPEN)

    def test_few_rounds_decide_nothing_about_a_time(self):
        self.assertEqual(verdict(interval(0.5, 0.6, count=19)), OPEN)
        self.assertEqual(verdict(interval(2.0, 3.0, count=19)), OPEN)

    def test_one_exact_count_is_enough(self):
        exact = Limit(3.0, exact=True)
        self.assertEqual(verdict(interval(3.0, 3.0, count=1), exact), MET)
        self.assertEqual(verdict(interval(3.0, 3.01, count=1), exact), MISSED)
        self.assertEqual(verdict(interval(0.0, 0.0, count=1), Limit(0.0, exact=True)), MET)

    def test_without_a_figure_or_a_limit_nothing_is_judged(self):
        self.assertEqual(verdict(None), MISSING)
        self.assertEqual(verdict(interval(9, 9), None), SHOWN)

    def test_the_worst_case_is_the_row_s(self):
        self.assertEqual(of_row([BEYOND, MET, SHOWN]), MET)
        self.assertEqual(of_row([BEYOND, BEYOND]), BEYOND)
        self.assertEqual(of_row([MET, OPEN]), OPEN)
        self.assertEqual(of_row([OPEN, MISSING]), MISSING)
        self.assertEqual(of_row([MISSING, MISSED, MET]), MISSED)
        self.assertEqual(of_row([SHOWN]), SHOWN)


def measured(*attempts):
    with contextlib.redirect_stderr(io.StringIO()):
        rows = [Row(f"row {place}", "work", "measure", "≤ 1", attempt)
                for place, attempt in enumerate(attempts)]
        return list(run.measure(rows, None, lambda row: None))


class Rows(unittest.TestCase):
    def test_one_that_cannot_be_measured_says_why_and_the_others_go_on(self):
        def refuse(lab):
            raise Failed("no such\nbackend")

        def called(lab):
            ending = "raise SystemExit('==1== banner\\nnot today')"
            return subprocess.run([sys.executable, "-c", ending],
                                  capture_output=True, text=True, check=True)

        first, second, third, last = measured(refuse, called, lambda lab: 1 / 0, lambda lab: [
            Case("", TIME, interval(0.9, 1.0))])
        self.assertEqual((first["verdict"], first["reason"], first["broken"]),
                         (MISSING, "no such backend", False))
        self.assertEqual((second["reason"], second["broken"]), ("not today", False))
        self.assertEqual((third["verdict"], third["broken"]), (MISSING, True))
        self.assertEqual(last["verdict"], BEYOND)

    def test_every_row_of_the_table_is_there_once(self):
        rows = aims.aims.load_all()
        self.assertEqual(len(rows), 18)
        self.assertEqual(next(iter(rows)), "dispatch-event")
        for name, row in rows.items():
            self.assertEqual(name, row.name)


def document(*cases, **more):
    rows = measured(lambda lab: list(cases))
    return {"format": FORMAT, "kind": "aims", "started": "today", "seconds": 1.0, "rounds": 20,
            "complete": True, "command_line": "bench/aims", "machine": MACHINE, "rows": rows} | more


class Page(unittest.TestCase):
    def table(self, *cases):
        return page.markdown(document(*cases)).splitlines()

    def test_a_row_says_figure_verdict_and_what_was_beside_it(self):
        lines = self.table(Case("", TIME, interval(1.0, 1.02), beside={
            "libev": interval(1.3, 1.5), "bare": interval(1.0, 1.0)}))
        self.assertIn("| work | measure | ≤ 1 | 1.01 (1.00–1.02) | met, the stretch too | "
                      "libev 1.40; bare 1.00 |", lines)
        self.assertIn("|  | 1.01 (1.00–1.02) | ≤ 1.05 (1.02) | met, the stretch too | "
                      "1.40 (1.30–1.50) | 1.00 |", lines)

    def test_many_cases_are_summed_up_by_their_worst(self):
        good = [Case(f"good {place}", TIME, interval(1.0, 1.0)) for place in range(4)]
        lines = "\n".join(self.table(*good, Case("bad", TIME, interval(1.1, 1.1))))
        self.assertIn("| 4 of 5 met; the worst, bad: 1.10 | missed: 1 of 5 (bad) |", lines)

    def test_where_room_is_scarce_what_is_not_judged_has_none(self):
        shown = [Case(f"shown {place}", None, interval(2.0, 2.0)) for place in range(4)]
        lines = "\n".join(self.table(*shown, Case("good", TIME, interval(1.0, 1.0))))
        self.assertIn("| good: 1.00 | met, the stretch too |", lines)
        self.assertIn("| shown 3 | 2.00 | – | – |", lines)

    def test_why_there_is_no_figure_is_in_the_row(self):
        lines = self.table(Case("edge", TIME, None, reason="a | b\nc"),
                           Case("level", TIME, interval(1.0, 1.0)))
        self.assertIn("| work | measure | ≤ 1 | edge: –; level: 1.00 | "
                      "not measured: a \\| b c | – |", lines)

    def test_a_row_that_was_not_measured_has_no_section(self):
        rows = measured(lambda lab: 1 / 0)
        text = page.markdown(document() | {"rows": rows})
        self.assertIn("not measured: division by zero", text)
        self.assertNotIn("###", text)


class Memory(unittest.TestCase):
    def test_what_there_is_of_once_falls_out(self):
        once, each = 65536, 100
        self.assertAlmostEqual(memory.slope(once / memory.FEW + each, once / memory.MANY + each),
                               each)


class Judged(unittest.TestCase):
    """Rows whose counts are made up, at their aim and beyond it."""

    LAB = SimpleNamespace(build=Path("/nonexistent"), server_core=0, show=lambda text: None,
                          program=Path)

    def test_instructions_above_the_bare_loop(self):
        for row, aim in ((dispatch.instructions_per_event, 36),
                         (dispatch.instructions_per_turn, 80)):
            for above, expected in ((aim, MET), (aim + 0.1, MISSED)):
                counts = {"bare": 12.0, "seam": 20.0, "run": 12.0 + above, "loop": 500.0}
                with mock.patch.object(dispatch, "_per_event",
                                       lambda lab, ready, kind, counts=counts: counts[kind]):
                    self.assertEqual([case.verdict for case in row(self.LAB)], [expected, SHOWN])

    def test_calls_of_a_connection_besides_its_waits(self):
        for calls, blocked, expected in ((9, 0, MET), (10, 1, MISSED)):
            values = {"kernel_calls": calls, "kernel_waits": 2, "kernel_accepts_blocked": blocked}
            figures = Figures([{"cell": OWN, "round": 0, "values": values}])
            with mock.patch.object(churn, "traced", lambda lab, wanted, found=figures: found):
                self.assertEqual([case.verdict for case in churn.calls_per_connection(self.LAB)],
                                 [expected, expected, SHOWN])

    def test_allocations_of_one_more_request(self):
        def made(command, told=""):
            return 500 + self.each * int(told.split()[1] if told else command[-1])

        with mock.patch.object(allocation_row, "chat", lambda port, messages: messages), \
                mock.patch.object(allocation_row.allocations, "made", made), \
                mock.patch.object(allocation_row.allocations, "made_by_server",
                                  lambda command, core, visit: 500 + self.each * visit(0)):
            for self.each, expected in ((0, MET), (1, MISSED)):
                cases = allocation_row.per_request(self.LAB)
                self.assertEqual([case.verdict for case in cases], 4 * [expected])


class Options(unittest.TestCase):
    def refused(self, *words):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as ended:
                aims.arguments(list(words))
        self.assertEqual(ended.exception.code, 2)
        return said.getvalue()

    def test_unknown_rows_are_named_with_those_that_are_there(self):
        self.assertIn("no row speed: choose among dispatch-event, ",
                      self.refused("--only", "memory", "speed"))

    def test_a_page_is_refused_before_measuring(self):
        with tempfile.NamedTemporaryFile(suffix=".md") as file:
            self.assertIn(f"it has no line {begin('bench/aims')}",
                          self.refused("--page", file.name))
            self.assertIn("--page is for a full run",
                          self.refused("--quick", "--page", file.name))
            self.assertIn("--from measures nothing",
                          self.refused("--from", file.name, "--only", "memory"))
        self.assertIn("No such file", self.refused("--page", file.name))

    def test_rounds_must_be_positive(self):
        self.assertIn("rounds must be positive", self.refused("--rounds", "0"))


class Documents(unittest.TestCase):
    def refusal(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            with self.assertRaises(Failed) as refused:
                aims.read(Path(file.name))
        self.assertNotIn("\n", str(refused.exception))
        return str(refused.exception)

    def test_what_is_no_document_is_told_in_one_line(self):
        whole = json.dumps(document(Case("", TIME, interval(1.0, 1.0))))
        self.assertIn("is not JSON", self.refusal(whole[:-20]))
        for text in ("[]", "{}", "null", whole.replace('"aims"', '"abuse"'),
                     whole.replace(f'"format": {FORMAT}', '"format": 0'),
                     whole.replace('"low"', '"lower"'),
                     whole.replace('"cases": [', '"cases": [3, '),
                     whole.replace('"beside": {}', '"beside": {"libev": 3}')):
            with self.subTest(text[:40]):
                self.assertIn("is not what bench/aims writes", self.refusal(text))

    def test_the_status_tells_of_a_missed_aim_a_broken_row_and_an_early_end(self):
        for expected, found in ((0, document(Case("", TIME, interval(1.0, 1.05)))),
                                (0, document(Case("", TIME, interval(1.0, 1.06)))),
                                (1, document(Case("", TIME, interval(1.06, 1.07)))),
                                (1, document() | {"rows": measured(lambda lab: 1 / 0)}),
                                (130, document(complete=False))):
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(aims.ended(SimpleNamespace(source=True), found), expected)

    def test_what_was_written_is_read_again(self):
        written = document(Case("", TIME, interval(1.0, 1.0)))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(written, file)
            file.flush()
            self.assertEqual(aims.read(Path(file.name)),
                             (written, page.markdown(written), page.line(written["rows"][0])))


class Counting(unittest.TestCase):
    def test_set_up_and_end_fall_out(self):
        self.assertEqual(instructions.for_each(
            ["work"], 10, 30, lambda command: 1000 + 7 * command[-1]), 7)
        self.assertEqual(instructions.for_each_told(
            ["work"], 10, 30, lambda command, told: 1000 + 7 * int(told.split()[1])), 7)

    @unittest.skipUnless(shutil.which("valgrind") and (BUILD / "demos" / "chat_server").exists(),
                         "wants valgrind and a build of the demos")
    @unittest.skipIf("-fsanitize" in machine.flags(BUILD), "a sanitizer has its own allocator")
    def test_allocations_of_a_server_are_counted(self):
        server = [BUILD / "demos" / "chat_server"]
        few, many = (allocations.made_by_server(server, 0, lambda port: chat(port, count))
                     for count in (0, 8))
        self.assertGreater(few, 0)
        self.assertGreaterEqual(many, few)


@unittest.skipUnless((BUILD / "bench" / "bench_server").exists(),
                     "POLLUX_BUILD names no build with bench_server")
class Runs(unittest.TestCase):
    """Counts that a build of any kind has."""

    def started(self, *words):
        return subprocess.run([sys.executable, PROGRAM, "--build", BUILD, *words],
                              capture_output=True, text=True, timeout=120, check=False)

    def test_two_rows_are_measured_and_shown_and_all_rows_put_into_a_page(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            done = self.started("--quick", "--only", "batch-writes", "echo-edge", "--output", name)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("batch-writes: met\n    1.00", done.stdout)
            found = json.loads((folder / "aims.json").read_text())
            self.assertEqual([row["name"] for row in found["rows"]], ["echo-edge", "batch-writes"])
            self.assertIn("bare-epoll-edge", found["rows"][0]["cases"][0]["beside"])
            before = f"# Title\n{begin('bench/aims')}\nold\n{END}\nEnd\n"
            (folder / "page.md").write_text(before)
            onto_page = ("--from", folder / "aims.json", "--page", folder / "page.md")
            done = self.started(*onto_page)
            self.assertEqual((done.returncode, done.stderr.split(": ")[-1]),
                             (2, "--page is for a full run\n"))
            self.assertEqual((folder / "page.md").read_text(), before)
            whole = found | {"quick": False, "rows": [found["rows"][0] | {"name": row}
                                                      for row in aims.aims.load_all()]}
            (folder / "aims.json").write_text(json.dumps(whole))
            done = self.started(*onto_page)
            self.assertEqual(done.returncode, 0, done.stderr)
            text = (folder / "page.md").read_text()
            self.assertIn(page.markdown(whole), text)
            self.assertTrue(text.startswith("# Title\n") and text.endswith(f"{END}\nEnd\n"))
            self.assertNotIn("old", text)

    def test_what_is_no_document_ends_it_with_status_2(self):
        done = self.started("--from", "/nonexistent")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "bench/aims: /nonexistent: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
