import os
import signal
import sys
import time
import unittest

from comparison.processes import Child, Failed

CORE = min(os.sched_getaffinity(0))


def python(program):
    return Child([sys.executable, "-c", program], CORE)


class Children(unittest.TestCase):
    def started(self, program):
        child = python(program)
        self.addCleanup(child.stop)
        return child

    def test_talks_in_lines_on_its_core(self):
        child = self.started("import os; print(input(), os.sched_getaffinity(0)); print('more')")
        child.write_line("hello")
        self.assertEqual(child.read_line(), f"hello {{{CORE}}}")
        self.assertEqual(child.read_line(), "more")

    def test_one_that_dies_is_quoted(self):
        child = self.started("import sys; sys.exit('no such port')")
        with self.assertRaisesRegex(Failed, "ended with status 1: no such port"):
            child.read_line()

    def test_a_signal_is_named(self):
        child = self.started("import os; os.abort()")
        with self.assertRaisesRegex(Failed, "SIGABRT"):
            child.read_line()

    def test_silence_has_an_end(self):
        child = self.started("import time; time.sleep(60)")
        started = time.monotonic()
        with self.assertRaisesRegex(Failed, "said nothing for 0.2 s"):
            child.read_line(seconds=0.2)
        self.assertLess(time.monotonic() - started, 5)

    def test_one_that_ignores_the_signal_is_killed(self):
        child = python("import signal, time; signal.signal(15, signal.SIG_IGN);"
                       "print('up', flush=True); time.sleep(60)")
        child.read_line()
        self.assertEqual(child.stop(seconds=0.2), -signal.SIGKILL)

    def test_what_does_not_exist_does_not_start(self):
        with self.assertRaisesRegex(Failed, "does not start"):
            Child(["/nonexistent/server"], CORE)

    def test_cpu_time_grows_with_work_and_settles(self):
        child = self.started("input(); sum(range(3000000)); print('done', flush=True); input()")
        child.settle()
        before = child.cpu_ns()
        child.write_line()
        child.read_line()
        self.assertGreater(child.cpu_ns() - before, 1_000_000)


if __name__ == "__main__":
    unittest.main()
