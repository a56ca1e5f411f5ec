import unittest

from comparison.cells import MODES
from comparison.processes import Failed
from comparison.rounds import LONGEST, SHORTEST, Budget, carry_out, plan
from comparison.under_load import TooMany
from examples import ECHO, UPLOAD

CELLS = [(workload, mode) for workload in (ECHO, UPLOAD) for mode in MODES]


class Plan(unittest.TestCase):
    def test_every_round_visits_every_cell_once(self):
        runs = plan(CELLS, rounds=3, counting_rounds=2, seed=1)
        self.assertEqual(len(runs), len(set(runs)))
        self.assertEqual(sum(not run.counting for run in runs), 3 * len(CELLS))
        self.assertEqual(sum(run.counting for run in runs), 2 * len(CELLS))

    def test_a_seed_fixes_the_order_and_rounds_differ(self):
        self.assertEqual(plan(CELLS, 5, 1, seed=7), plan(CELLS, 5, 1, seed=7))
        orders = {
            tuple(run.mode for run in plan(CELLS, 5, 0, seed=7)
                  if run.round == number and run.workload == ECHO)
            for number in range(1, 6)
        }
        self.assertGreater(len(orders), 1)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Sharing(unittest.TestCase):
    def test_runs_end_in_time_whatever_they_cost_beside(self):
        clock = Clock()
        budget, left = Budget(60, clock), plan(CELLS, 5, 1, seed=1)
        while left:
            length = 0.1 if left[0].counting else budget.seconds_per_run(left)
            clock.now += length + 0.3
            budget.note(left.pop(0).workload, 0.3)
        self.assertLess(clock.now, 63)
        self.assertGreater(clock.now, 50)

    def test_length_has_bounds(self):
        clock = Clock()
        runs = plan(CELLS, 1, 0, seed=1)
        self.assertEqual(Budget(100000, clock).seconds_per_run(runs), LONGEST)
        self.assertEqual(Budget(0.1, clock).seconds_per_run(runs), SHORTEST)


class Silent:
    def show(self, *_):
        pass


class Breaking:
    """A bench on which one mode fails."""

    def timed_run(self, workload, mode, seconds):
        if mode == MODES[0]:
            raise Failed("died")
        return {"cpu": seconds}

    counting_run = timed_run


class Broken:
    """A bench on which nothing works; counts the attempts."""

    def __init__(self, kind=Failed):
        self.attempts = 0
        self._kind = kind

    def timed_run(self, workload, mode, seconds):
        self.attempts += 1
        raise self._kind("died")


class CarryingOut(unittest.TestCase):
    def test_a_program_that_never_works_is_given_up(self):
        kept, bench = [], Broken()
        runs = plan(CELLS, 3, 0, seed=1)
        carry_out(runs, bench, Budget(1), Silent(), lambda run, got: kept.append(got))
        self.assertEqual(bench.attempts, 4)  # two of each kind of server
        self.assertEqual(len(kept), len(CELLS))

    def test_too_many_connections_for_some_are_not_too_many_for_others(self):
        kept, bench = [], Broken(TooMany)
        runs = plan(CELLS, 3, 0, seed=1)
        carry_out(runs, bench, Budget(1), Silent(), lambda run, got: kept.append(got))
        self.assertEqual(bench.attempts, len(CELLS))  # each cell once

    def test_a_failing_cell_is_kept_once_and_not_tried_again(self):
        kept = []
        runs = plan([(ECHO, mode) for mode in MODES], 3, 0, seed=1)
        carry_out(runs, Breaking(), Budget(1), Silent(), lambda run, got: kept.append((run, got)))
        failures = [run for run, got in kept if isinstance(got, Failed)]
        self.assertEqual([(run.round, run.mode) for run in failures], [(1, MODES[0])])
        self.assertEqual(len(kept) - len(failures), 3 * (len(MODES) - 1))


if __name__ == "__main__":
    unittest.main()
