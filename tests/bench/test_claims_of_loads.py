"""The rules of the claims about idle connections, accepting, loops, reads and threads, on made-up
rounds; nothing is measured."""

import unittest

from comparison.claims import FAILS, HOLDS, UNDECIDED, accepting, idle, reading, scaling, threads
from comparison.claims import triggers
from rounds_of import figures, noisy


class Idle(unittest.TestCase):
    def loss(self, poll=25.0, epoll=5.1, rounds=20):
        cells = {"select, 0 idle": 5.0, "select, 900 idle": 7.0, "poll, 0 idle": 5.0,
                 "poll, 10,000 idle": poll, "epoll, 0 idle": 5.0, "epoll, 10,000 idle": epoll}
        return idle.judge_loss(
            figures({name: {"cpu": cpu} for name, cpu in cells.items()}, rounds), 10_000)

    def test_poll_loses_and_epoll_does_not(self):
        finding = self.loss()
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("poll 8", finding.figure)  # 80 %

    def test_each_half_can_fail(self):
        self.assertEqual(self.loss(poll=7.0).verdict, FAILS)
        self.assertEqual(self.loss(epoll=6.0).verdict, FAILS)
        self.assertEqual(self.loss(rounds=3).verdict, UNDECIDED)

    def test_what_cannot_be_told_from_none_has_no_sign(self):
        self.assertIn("epoll none that can be told (at most", self.loss(epoll=5.0).figure)

    def slowed(self, poll=2000.0):
        rates = {(backend, count): {"rate": 10_000.0} for backend, count in idle.XORG}
        rates["poll", 2047] = {"rate": poll}
        return idle.judge_slowing(figures(
            {f"{backend}, {count:,} idle": values for (backend, count), values in rates.items()}))

    def test_one_busy_among_idle_ones(self):
        self.assertEqual(self.slowed().verdict, HOLDS)
        self.assertEqual(self.slowed(poll=9000.0).verdict, FAILS)
        self.assertEqual([row[-1] for row in self.slowed().table["rows"]][:3],
                         ["100 %", "9 %", "1 %"])

    def batches(self, light=20.0, heavy=55.5):
        cells = {f"{backend}, {name}": {"cpu": 5.0 + work, "wait": 0.1}
                 for backend in ("select", "epoll")
                 for name, (_, work) in idle.BATCHES.items()}
        cells[f"select, {idle.LIGHT}"]["cpu"] = light
        cells[f"select, {idle.HEAVY}"]["cpu"] = heavy
        return idle.judge_batches(figures(cells))

    def test_work_makes_up_for_select(self):
        finding = self.batches()
        self.assertEqual(finding.verdict, HOLDS)
        self.assertEqual(finding.table["rows"][0][1], "10.0")
        self.assertEqual(self.batches(heavy=70.0).verdict, FAILS)
        self.assertEqual(self.batches(light=5.1).verdict, FAILS)


class WakeUps(unittest.TestCase):
    def judged(self, edge, waits=60):
        cells = {triggers.visited(trigger, how): {
            "kernel_wake_ups": 60, "kernel_waits": 60, "kernel_reads": 260, "cpu": 100.0}
            for trigger in (triggers.LEVEL, triggers.EDGE) for how in triggers.VISITS}
        cells[triggers.visited(triggers.EDGE, triggers.SOME)] |= {
            "kernel_wake_ups": edge, "kernel_waits": waits}
        return triggers.judge_wake_ups(figures(cells))

    def test_wake_ups_are_saved_and_waits_are_not(self):
        finding = self.judged(6)
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("no saved system calls", finding.negative)

    def test_waits_may_be_saved_too(self):
        self.assertEqual(self.judged(6, waits=6).negative, "")

    def test_none_are_saved(self):
        self.assertEqual(self.judged(60).verdict, FAILS)


class Directions(unittest.TestCase):
    def judged(self, level=2 / 8, once=0, once_cpu=60.0):
        cells = {name: {"cpu": 60.0, "kernel_changes": level, "kernel_waits": 1}
                 for name in triggers.REGISTRATIONS}
        cells[triggers.ONCE] |= {"cpu": once_cpu, "kernel_changes": once}
        return triggers.judge_directions(figures(cells))

    def test_calls_are_saved_and_time_is_not(self):
        finding = self.judged()
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("8 MiB: 2 (2–2) (level", finding.figure)  # of an answer, not of a MiB
        self.assertIn("no reason for edge triggering", finding.negative)

    def test_otherwise(self):
        self.assertEqual(self.judged(level=0.0).verdict, FAILS)
        self.assertEqual(self.judged(once=1 / 8).verdict, FAILS)
        self.assertEqual(self.judged(once_cpu=30.0).verdict, FAILS)

    def test_not_counted(self):
        cells = {name: {"cpu": 60.0} for name in triggers.REGISTRATIONS}
        self.assertEqual(triggers.judge_directions(figures(cells)).verdict, UNDECIDED)


class Accepting(unittest.TestCase):
    def limits(self, best, limited=False):
        cells = {f"limit {limit}": {"rate": 1000.0, "cpu": 40.0, "p99": 5000.0,
                                    "limited_by_client": limited} for limit in accepting.LIMITS}
        cells["limit 16"]["rate"] = best
        return accepting.judge_limits(figures(cells), 2000)

    def test_a_limit_that_gains_much(self):
        finding = self.limits(1400.0)
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("with at most 16", finding.figure)

    def test_none_gains(self):
        finding = self.limits(1050.0)
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("even under overload", finding.negative)

    def test_clients_that_were_the_limit_decide_nothing(self):
        finding = self.limits(1400.0, limited=True)
        self.assertEqual(finding.verdict, UNDECIDED)
        self.assertIn("the clients had no time left with 1, 2", finding.figure)

    def seconds(self, blocked_in_bursts):
        blocked = {count: 1000 for count in accepting.ARRIVALS} | {64: blocked_in_bursts}
        return accepting.judge_second(figures(
            {f"{count} at a time": {"accept": 2, "counters": {
                "calls.accept4": 2000, "blocked.accept4": blocked[count]}} for count in blocked}))

    def test_second_accepts(self):
        self.assertEqual(self.seconds(999).verdict, HOLDS)
        finding = self.seconds(250)
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("with 64 at a time", finding.figure)


class Loops(unittest.TestCase):
    def balanced(self, exclusive, reuse_port=40, rounds=20):
        shares = {"exclusive": exclusive, "reuse_port": reuse_port, "round_robin": 25}
        return scaling.judge_balance(figures({spread: {"counters": {
            "calls.accept4": 100, "loop.2.accepted": share,
            **{f"loop.{place}.accepted": (100 - share) / 3 for place in (0, 1, 3)}}}
            for spread, share in shares.items()}, rounds))

    def test_one_worker_gets_most(self):
        finding = self.balanced(90)
        self.assertEqual(finding.verdict, HOLDS)
        self.assertEqual(finding.table["rows"][0], ["exclusive", "90 %", "3 %", "3 %", "3 %"])
        self.assertEqual(self.balanced(40).verdict, FAILS)
        self.assertEqual(self.balanced(90, reuse_port=70).verdict, FAILS)
        self.assertEqual(self.balanced(90, rounds=3).verdict, UNDECIDED)

    def scaled(self, rate, cores):
        return scaling.judge_scaling(figures({
            "1 loop": {"rate": 1000.0}, "reuse_port": {"rate": rate},
            "least_connections": {"rate": rate}}), cores)

    def test_two_cores_say_nothing_of_a_line(self):
        finding = self.scaled(1900.0, cores=2)
        self.assertEqual(finding.verdict, UNDECIDED)
        self.assertIn("needs 4 cores", finding.figure)

    def test_four_cores(self):
        self.assertEqual(self.scaled(3900.0, cores=4).verdict, HOLDS)
        self.assertEqual(self.scaled(2000.0, cores=4).verdict, FAILS)


class Sizes(unittest.TestCase):
    def judged(self, four, make=figures, other=21.0):
        cells = {f"{size} KiB": {"cpu": 20.0, "calls": 2} for size in reading.SIZES}
        cells["4 KiB"]["cpu"] = four
        cells |= {name: {"cpu": other, "calls": 2} for name in reading.OTHERS}
        return reading.judge_sizes(make(cells))

    def test_small_reads_cost_more_or_not(self):
        self.assertEqual(self.judged(34.0).verdict, HOLDS)
        self.assertEqual(self.judged(21.0, other=20.0).verdict, FAILS)
        self.assertEqual(self.judged(24.0, lambda made: noisy(made, "cpu")).verdict, UNDECIDED)


    def test_a_facility_that_costs_more_matters_more(self):
        finding = self.judged(34.0, other=40.0)
        self.assertEqual(finding.verdict, FAILS)
        self.assertIn("select ×2.00", finding.figure)


class Threads(unittest.TestCase):
    def judged(self, at_fifty):
        cells = {f"{model}, {count}": {"cpu": cpu} for count in threads.COUNTS
                 for model, cpu in (("threads", 9.0), ("reactor", 5.0))}
        cells["threads, 50"]["cpu"] = at_fifty
        return threads.judge_models(figures(cells))

    def test_threads_cost_more_or_not(self):
        self.assertEqual(self.judged(9.0).verdict, HOLDS)
        self.assertEqual(self.judged(5.0).verdict, FAILS)


if __name__ == "__main__":
    unittest.main()
