import io
import unittest

from comparison.contestants import MODES
from comparison.progress import Line, Progress
from comparison.results import COUNTED, TIMED, Run
from examples import ECHO


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Progresses(unittest.TestCase):
    def shown(self, stream):
        progress = Progress(60, stream)
        for kind, number, mode in ((COUNTED, 1, 0), (TIMED, 1, 0), (TIMED, 1, 1), (TIMED, 2, 0)):
            progress.show(Run(kind, number, ECHO, MODES[mode]), 3, 9, 30)
        return stream.getvalue()

    def test_a_file_gets_a_line_for_each_round(self):
        self.assertEqual(self.shown(io.StringIO()),
                         "counting calls, round 1: 3 of 9 runs done, about 1:30 left\n"
                         "round 1: 3 of 9 runs done, about 1:30 left\n"
                         "round 2: 3 of 9 runs done, about 1:30 left\n")

    def test_a_terminal_sees_every_run_on_one_line(self):
        text = self.shown(Terminal())
        self.assertEqual(text.count("\r"), 4)
        self.assertNotIn("\n", text)
        self.assertIn("round 1: echo-50 poll-level", text)

    def test_what_has_many_rounds_has_one_line_in_a_file(self):
        stream = io.StringIO()
        line = Line(stream)
        for text in ("peers, 1: timers, round 1", "peers, 1: timers, round 2", "datagrams"):
            line(text)
        self.assertEqual(stream.getvalue(), "peers, 1: timers, round 1\ndatagrams\n")


if __name__ == "__main__":
    unittest.main()
