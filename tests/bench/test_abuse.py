"""Every abuse of bench/abuse with a small crowd: the others are served, the server keeps to its
memory and gets its descriptors back. How long anybody waited is not looked at."""

import os
import unittest
from pathlib import Path

from comparison import machine
from comparison.abuse import Load, listed, page
from comparison.abuse.trial import Trial
from comparison.marked_page import END, begin

BEGIN = begin("bench/abuse")
BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))
PROGRAMS = [BUILD / "bench" / "load_generator", BUILD / "demos" / "echo_server"]
SANITIZED = "-fsanitize" in machine.flags(BUILD)
CORES = machine.core_pair()


@unittest.skipUnless(all(map(Path.exists, PROGRAMS)), "POLLUX_BUILD names no build of demos/ and bench/")
class Abuses(unittest.TestCase):
    def test_others_are_served_and_nothing_is_lost(self):
        shown = 0
        for abuse in listed.all_of(share=0.1):
            if SANITIZED and abuse.confined.memory:
                continue  # AddressSanitizer reserves more than any limit
            with self.subTest(abuse.name):
                outcome = Trial(abuse, BUILD, CORES, pairs=1, seconds=0.1).run()
                broken = [problem for problem in outcome.broken
                          if not (SANITIZED and problem.startswith("grew by"))]
                self.assertEqual(broken, [])
                print(page.line(page.document_of(abuse, outcome)), flush=True)
                shown += not outcome.refusal
        self.assertGreater(shown, 10)


def tried(**changes):
    """An echo server and somebody who says nothing, but for these."""
    fields = {"name": "example", "text": "", "server": ("echo_server",), "crowds": (),
              "others": Load(("--mode", "echo"), connections=1), "growth": 8, "because": ""}
    return Trial(listed.Abuse(**{**fields, **changes}), BUILD, CORES, pairs=1, seconds=0.05).run()


@unittest.skipUnless(all(map(Path.exists, PROGRAMS)), "POLLUX_BUILD names no build of demos/ and bench/")
class Judged(unittest.TestCase):
    """What must not be, is said."""

    def test_a_server_that_grows_too_much(self):
        reader = listed.Crowd(5, says=("x" * 65536,), endless=True, buffer=4096)
        (problem,) = tried(crowds=(reader,), growth=1).broken
        self.assertRegex(problem, r"^grew by \d+\.\d MiB, more than 1$")

    def test_others_who_are_not_served(self):
        (problem,) = tried(server=("discard_server",)).broken
        self.assertIn("0 of 1 connections answered", problem)

    def test_something_that_did_not_happen(self):
        outcome = tried(crowds=(listed.Crowd(2),), suffered={"reset": 1})
        self.assertEqual(outcome.broken, ["reset: 0, not 1 or more"])
        self.assertEqual(outcome.counted["accepted"], 2)

    def test_what_is_left_behind(self):
        outcome = tried(check=lambda folder: f"left: {sorted(folder.iterdir())}")
        self.assertEqual(outcome.broken, ["left: []"])


class Page(unittest.TestCase):
    def test_figures_go_between_the_marks_and_nowhere_else(self):
        text = f"Head\n\n{BEGIN}\n\nold\n{END}\nTail\n"
        once = page.with_figures(text, "new")
        self.assertEqual(once, f"Head\n\n{BEGIN}\n\nnew\n{END}\nTail\n")
        self.assertEqual(page.with_figures(once, "new"), once)
        with self.assertRaisesRegex(ValueError, "it has no line <!-- figures"):
            page.with_figures("Head\n", "new")


if __name__ == "__main__":
    unittest.main()
