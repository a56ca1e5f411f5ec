#!/usr/bin/python3
"""The tool behind docs/catalogue.md: what it finds, and what it complains about."""

import pathlib
import tempfile
import unittest

from catalogue import (ALL_MODES, MODES, Mistake, borne_by, complaints, entries, page, places,
                       tests_of_module, tests_of_program)

CASES = """<doctest><TestCase name="L4 D2, bug-A1 closed [poll level]" filename="../../tests/a.cpp"/>
<TestCase name="L4 D2, bug-A1 closed [epoll edge]" filename="../../tests/a.cpp"/>
<TestCase name="UDP [no mode]" filename="/x/tests/b.cpp"/></doctest>"""
MODULE = '''
class Case(Modes):
    def each(self):
        for mode in self.modes(): yield mode
    def test_m7_bug_f2_bug_g_a_flood(self): self.each()
    def test_200_clients(self): pass
'''


def wrong(text, cases="", root=pathlib.Path("/nowhere")):
    return list(complaints(entries(text), tests_of_program(f"<doctest>{cases}</doctest>"), root))


def case(name):
    return f'<TestCase name="{name}" filename="tests/x.cpp"/>'


class Names(unittest.TestCase):
    def test_ids_stand_at_the_beginning(self):
        self.assertEqual(borne_by("C3 bug-D2, P12 an L4 b"), (("C3", "bug-D2", "P12"), "an L4 b"))
        self.assertEqual(borne_by("UDP and IPv6"), ((), "UDP and IPv6"))
        self.assertEqual(borne_by("L9 to L11: a table"), (("L9", "L10", "L11"), "a table"))
        self.assertEqual(borne_by("torture X1 X4 echo"), (("X1", "X4"), "echo"))
        self.assertEqual(borne_by("A2 no id, and not overlooked")[0], ("A2",))

    def test_cases_of_programs_with_their_modes(self):
        one, other = tests_of_program(CASES)
        self.assertEqual((one.ids, one.name, one.file), (("L4", "D2", "bug-A1"), "closed", "a.cpp"))
        self.assertEqual(one.modes, {"poll level", "epoll edge"})
        self.assertEqual((other.ids, other.name, other.modes), ((), "UDP [no mode]", frozenset()))

    def test_methods_that_run_in_modes_or_do_not(self):
        one, other = tests_of_module(MODULE, "m.py")
        self.assertEqual((one.ids, one.name), (("M7", "bug-F2", "bug-G"), "Case: a flood"))
        self.assertEqual((one.modes, other.ids, other.modes), (MODES, (), frozenset()))

    def test_modes_in_a_few_words(self):
        self.assertEqual(places(ALL_MODES), "all")
        self.assertEqual(places(MODES), "select, poll, epoll")
        self.assertEqual(places({mode for mode in ALL_MODES if mode.endswith(" level")}),
                         "level, all backends")
        self.assertEqual(places({mode for mode in MODES if "select" not in mode}), "poll, epoll")
        self.assertEqual(places({"epoll edge", "poll level"}), "poll level, epoll edge")


class Complaints(unittest.TestCase):
    def test_nothing_to_complain_about(self):
        self.assertEqual(wrong("L1 What.\nL2 What.\n    as L1\nL3 What.\n    because Why.\n",
                               case("L1 this")), [])

    def test_an_id_without_test_or_reason(self):
        self.assertEqual(wrong("L1 What."), ["L1: no test bears it, and no reason is written"])

    def test_an_id_that_there_is_not(self):
        self.assertIn("L9: no such id", wrong("", case("L9 that"))[0])

    def test_the_same_as_one_that_is_not_tried(self):
        self.assertIn("no test bears", wrong("L1 What.\n    as L2\nL2 What.\n    because Why.\n")[0])
        self.assertIn("no id", wrong("L1 What.\n    as L2\n")[0])

    def test_a_backend_that_is_not_reached(self):
        self.assertEqual(wrong("L1 [all] What.", case("L1 this [poll level]")),
                         ["L1: no test of it runs on epoll, select"])

    def test_a_file_that_does_not_say_so(self):
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / "run").write_text("stage_asan()")
            for remark, count in (("run stage_asan", 0), ("run asan", 1), ("walk stage_asan", 1)):
                self.assertEqual(len(wrong(f"X6 What.\n    by {remark}\n", root=pathlib.Path(root))),
                                 count, remark)

    def test_a_list_that_cannot_be_read(self):
        for text in ("L1 What.\nL1 What.\n", "    as L1\n", "Q1 What.\n", "L1\n"):
            with self.assertRaises(Mistake):
                entries(text)


class Page(unittest.TestCase):
    def test_what_and_where(self):
        known = entries("== Readiness\nL4 [poll epoll] A | B.\nL5 What.\n    as L4\n    because Why.\n")
        text = page(known, tests_of_program(CASES))
        self.assertIn("## Readiness\n", text)
        self.assertIn("| L4 | A \\| B. | closed (a.cpp) | poll level, epoll edge |\n", text)
        self.assertIn("| L5 | What. | as L4 |  |\n|  |  | *Why.* |  |\n", text)
        self.assertIn("2 ids. 1 are borne by 1 tests, which run 2 times", text)


if __name__ == "__main__":
    unittest.main()
