import unittest

from comparison.contestants import MODES
from comparison.processes import Failed
from comparison.results import COUNTED, TIMED
from comparison.rounds import LONGEST, SHORTEST, Budget, carry_out, plan
from comparison.under_load import TooMany
from examples import ECHO, UPLOAD

CELLS = [(workload, mode) for workload in (ECHO, UPLOAD) for mode in MODES]


class Plan(unittest.TestCase):
    def test_every_round_visits_every_cell_once(self):
        runs = plan(CELLS, {COUNTED: 2, TIMED: 3}, seed=1)
        self.assertEqual(len(runs), len(set(runs)))
        kinds = [run.kind for run in runs]
        self.assertEqual(kinds, [COUNTED] * 2 * len(CELLS) + [TIMED] * 3 * len(CELLS))

    def test_a_seed_fixes_the_order_and_rounds_differ(self):
        rounds = {TIMED: 5, COUNTED: 1}
        self.assertEqual(plan(CELLS, rounds, seed=7), plan(CELLS, rounds, seed=7))
        orders = {
            tuple(run.contestant for run in plan(CELLS, {TIMED: 5}, seed=7)
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
        budget, left = Budget(60, clock), plan(CELLS, {TIMED: 5, COUNTED: 1}, seed=1)
        while left:
            length = 0.1 if left[0].kind == COUNTED else budget.seconds_per_run(left)
            clock.now += length + 0.3
            budget.note(left.pop(0), 0.3)
        self.assertLess(clock.now, 64)
        self.assertGreater(clock.now, 50)

    def test_length_has_bounds(self):
        clock = Clock()
        runs = plan(CELLS, {TIMED: 1}, seed=1)
        self.assertEqual(Budget(100000, clock).seconds_per_run(runs), LONGEST)
        self.assertEqual(Budget(0.1, clock).seconds_per_run(runs), SHORTEST)


class Silent:
    def show(self, *_):
        pass


class Breaking:
    """A bench on which one mode fails."""

    def timed(self, workload, mode, seconds):
        if mode == MODES[0]:
            raise Failed("died")
        return {"cpu": seconds}


class Broken:
    """A bench on which nothing works; counts the attempts."""

    def __init__(self, kind=Failed):
        self.attempts = 0
        self._kind = kind

    def timed(self, workload, mode, seconds):
        self.attempts += 1
        raise self._kind("died")


class CarryingOut(unittest.TestCase):
    def test_a_program_that_never_works_is_given_up(self):
        kept, bench = [], Broken()
        runs = plan(CELLS, {TIMED: 3}, seed=1)
        carry_out(runs, {TIMED: bench.timed}, Budget(1), Silent(),
                  lambda run, got: kept.append(got))
        self.assertEqual(bench.attempts, 4)  # two of each kind of server
        self.assertEqual(len(kept), len(CELLS))

    def test_too_many_connections_for_some_are_not_too_many_for_others(self):
        kept, bench = [], Broken(TooMany)
        runs = plan(CELLS, {TIMED: 3}, seed=1)
        carry_out(runs, {TIMED: bench.timed}, Budget(1), Silent(),
                  lambda run, got: kept.append(got))
        self.assertEqual(bench.attempts, len(CELLS))  # each cell once

    def test_a_failing_cell_is_kept_once_and_not_tried_again(self):
        kept = []
        runs = plan([(ECHO, mode) for mode in MODES], {TIMED: 3}, seed=1)
        carry_out(runs, {TIMED: Breaking().timed}, Budget(1), Silent(),
                  lambda run, got: kept.append((run, got)))
        failures = [run for run, got in kept if isinstance(got, Failed)]
        self.assertEqual([(run.round, run.contestant) for run in failures], [(1, MODES[0])])
        self.assertEqual(len(kept) - len(failures), 3 * (len(MODES) - 1))


if __name__ == "__main__":
    unittest.main()
