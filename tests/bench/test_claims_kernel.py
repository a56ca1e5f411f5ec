"""Claims about single facilities of the kernel: from made-up samples to findings, and that each
program does what it says."""

import os
import unittest
from pathlib import Path

from comparison.claims import (
    FAILS, HOLDS, UNDECIDED, files, herd, registering, timing, wakeup)
from comparison.processes import Failed
from comparison.standing import Answerer

BUILD = Path(os.environ["POLLUX_BUILD"])
ROUNDS = 20
CORES = sorted(os.sched_getaffinity(0))


def samples_of(cells, rounds=ROUNDS):
    """Every round the same answers, given by cell."""
    return [{"round": number, "cell": list(cell), **answer}
            for number in range(1, rounds + 1) for cell, answer in cells.items()]


class Herds(unittest.TestCase):
    def waking(self, **wakeups):
        usual = dict.fromkeys(herd.WAYS, 1) | {"own": 8, "shared": 2}
        answers = {(way,): {"count": 10, "wakeups": 10 * each, "in_vain": 3, "shares": [6, 4]}
                   for way, each in (usual | wakeups).items()}
        return herd.judged_herd(samples_of(answers))

    def test_all_woken_and_remedies_that_wake_one_hold(self):
        finding = self.waking()
        self.assertEqual(finding.verdict, HOLDS)
        self.assertIn("8 (8–8) with an epoll set each", finding.figure)

    def test_a_kernel_that_wakes_few_or_a_remedy_that_wakes_all_does_not(self):
        self.assertEqual(self.waking(own=1).verdict, FAILS)
        self.assertEqual(self.waking(exclusive=8).verdict, FAILS)

    def test_the_factor_of_exclusive_decides(self):
        def finding(slower):
            answers = {(way, workers): {"count": 1, "elapsed_ns": 100 * factor, "cpu_ns": 10,
                                        "wakeups": 1, "shares": [1]}
                       for workers in (herd.WORKERS, herd.MANY)
                       for way, factor in (("own", slower), ("exclusive", 1))}
            return herd.judged_exclusive(samples_of(answers)).verdict

        self.assertEqual([finding(3), finding(1.7), finding(1)], [HOLDS, UNDECIDED, FAILS])


class Times(unittest.TestCase):
    def structures(self, tree):
        return timing.judged_timers(samples_of({
            (name, count): {"count": 1, "cpu_ns": tree if name == "red-black" else 20}
            for name in timing.STRUCTURES for count in timing.TIMERS}))

    def test_a_tree_that_is_slower_than_the_heap_holds(self):
        self.assertEqual(self.structures(60).verdict, HOLDS)
        self.assertEqual(self.structures(20).verdict, FAILS)

    def test_it_does_not_pay_where_all_are_fast(self):
        self.assertIn("does not pay", self.structures(60).negative)
        self.assertEqual(self.structures(600).negative, "")

    def precision(self, epoll):
        return timing.judged_precision(samples_of({
            (call, wanted): {"count": 1, "late_ns": [epoll if call == "epoll_wait" else 60_000]}
            for call in timing.CALLS for wanted in timing.asked(call)}))

    def test_how_much_later_than_select_decides(self):
        late = [self.precision(nanoseconds).verdict for nanoseconds in (5_000_000, 500_000, 61_000)]
        self.assertEqual(late, [HOLDS, UNDECIDED, FAILS])

    def test_the_histogram_has_every_wait(self):
        table = self.precision(2_000_000).table
        self.assertEqual(table["rows"][2][-1], "100 %")
        self.assertEqual(len(table["rows"][0]), len(table["header"]))

    def test_what_is_saved_by_not_reading(self):
        def finding(edge):
            return wakeup.judged_edge(samples_of({
                (trigger, threads): {"count": 1, "cpu_ns": cost, "elapsed_ns": 9000}
                for trigger, cost in (("level", 100), ("edge", edge))
                for threads in ("alone", "pair")}))

        self.assertEqual([finding(cost).verdict for cost in (70, 93, 100)],
                         [HOLDS, UNDECIDED, FAILS])
        self.assertIn("saves 30 ns", finding(70).negative)


class Registering(unittest.TestCase):
    def test_growth_of_opening(self):
        def finding(last):
            return registering.judged_opening(samples_of({
                (count,): {"count": 1, "cpu_ns": last if count == 19000 else 200}
                for count in registering.OPEN}))

        self.assertEqual([finding(cost).verdict for cost in (500, 350, 210)],
                         [HOLDS, UNDECIDED, FAILS])

    def test_the_share_of_registering(self):
        def finding(loop):
            return registering.judged_registration(samples_of({
                cell: {"count": cell[0], "setup_ns": 1000, "loop_ns": loop * cell[0]}
                for cell in registering.writes_and_pairs()}))

        self.assertEqual([finding(loop).verdict for loop in (0.5, 5, 50)],
                         [HOLDS, UNDECIDED, FAILS])
        self.assertIn("95.2 % (95.2–95.2) with the 100 writes", finding(0.5).figure)

    def test_the_size_of_a_registration(self):
        sizes = [registering.judged_slab(samples_of({("slab",): {"count": 10, "bytes": 10 * size}}))
                 for size in (160, 200, 400, 50)]
        self.assertEqual([each.verdict for each in sizes], [HOLDS, HOLDS, FAILS, FAILS])


class Files(unittest.TestCase):
    def sending(self, **blocking):
        return files.judged_blocking(samples_of({
            (way, count): {"count": 1, "cpu_ns": 5,
                           "elapsed_ns": blocking[f"with_{count}"] if way == "blocking" else 100}
            for way in files.WAYS for count in files.CONNECTIONS})).verdict

    def test_faster_once_is_enough(self):
        self.assertEqual(self.sending(with_1=90, with_8=120), HOLDS)
        self.assertEqual(self.sending(with_1=100, with_8=120), FAILS)

    def reading(self, cold=100, in_memory=0, epoll=0):
        return files.judged_disk(samples_of({
            (state,): {"count": 10, "in_memory": in_memory, "called_ready": 10,
                       "epoll_takes_it": epoll, "took_ns": [took] * 10}
            for state, took in (("cold", cold), ("warm", 10))})).verdict

    def test_a_stall_counts_only_where_reads_were_cold(self):
        self.assertEqual([self.reading(), self.reading(cold=11), self.reading(epoll=1)],
                         [HOLDS, FAILS, FAILS])
        self.assertEqual(self.reading(in_memory=9), UNDECIDED)


class Programs(unittest.TestCase):
    def ask(self, command, *questions, cores=CORES[0]):
        with Answerer([BUILD / "bench" / command[0], *command[1:]], cores) as answerer:
            return [answerer.ask(*question) for question in questions]

    def test_every_connection_is_accepted_and_wakes_somebody(self):
        for way in herd.WAYS:
            with self.subTest(way):
                answer, = self.ask(["kernel_herd"], (5, way, 3, 1, "settle"))
                self.assertEqual((answer["accepted"], sum(answer["shares"])), (5, 5))
                self.assertGreaterEqual(answer["wakeups"], 5)
        answer, = self.ask(["kernel_herd"], (5, "own", 3, 4, "answer"), cores=set(CORES))
        self.assertEqual(answer["accepted"], 5)

    def test_no_wait_ends_early(self):
        questions = [(1, call, wanted) for call in timing.CALLS
                     for wanted in (2_000_000, *timing.PARTS[:1]) if wanted in timing.asked(call)]
        for question, answer in zip(questions, self.ask(["kernel_timeout"], *questions)):
            self.assertGreaterEqual(min(answer["late_ns"]), 0, question)

    def test_wakeups_arrive_read_or_not(self):
        questions = [(20, trigger, threads) for trigger in ("level", "edge")
                     for threads in ("alone", "pair")]
        for answer in self.ask(["kernel_wakeup", CORES[-1]], *questions):
            self.assertEqual(answer["count"], 20)

    def test_tokens_go_round_and_registering_is_timed(self):
        for answer in self.ask(["kernel_registration", 20], (100, 20, 1), (7, 20, 20), (0, 1, 1)):
            self.assertGreater(min(answer["setup_ns"], answer["loop_ns"]), 0)

    def test_descriptors_are_opened_and_registered(self):
        self.assertGreater(self.ask(["kernel_open"], (10, 50))[0]["cpu_ns"], 0)
        # What the whole machine has more: others give back meanwhile.
        self.assertEqual(self.ask(["kernel_slab", 200], (5,))[0]["count"], 1000)

    def test_all_bytes_are_sent(self):
        questions = [(3, way, count) for way in files.WAYS for count in files.CONNECTIONS]
        for answer in self.ask(["kernel_send", CORES[0], CORES[-1]], *questions, cores=set(CORES)):
            self.assertGreater(min(answer["elapsed_ns"], answer["cpu_ns"]), 0)

    def test_warm_blocks_are_in_memory_and_epoll_refuses_files(self):
        warm, cold = self.ask(["kernel_disk", BUILD], (5, "warm"), (5, "cold"))
        self.assertEqual((warm["in_memory"], warm["called_ready"], warm["epoll_takes_it"]), (5, 5, 0))
        self.assertEqual(len(cold["took_ns"]), 5)

    def test_every_structure_keeps_its_timers(self):
        for name in timing.STRUCTURES:
            self.assertEqual(self.ask(["timer_structures"], (50, name, 30))[0]["count"], 50)

    def test_a_question_that_makes_no_sense_is_refused(self):
        for command, *question in (
            ["kernel_herd", 1],
            ["kernel_herd", 1, "own"],
            ["kernel_herd", 1, "nobody", 2, 1, "settle"],
            ["kernel_herd", 1, "own", 0, 1, "settle"],
            ["kernel_herd", 1, "own", 1, 0, "settle"],
            ["kernel_open", 1, 1],
            ["kernel_send", 1, "blocking", 0],
            ["kernel_wakeup", 1, "edge", "both"],
        ):
            cores = {"kernel_send": (CORES[0], CORES[-1]), "kernel_wakeup": CORES[-1:]}
            with self.subTest((command, *question)), \
                    self.assertRaisesRegex(Failed, "ended with status 1"):
                self.ask([command, *cores.get(command, ())], question)


if __name__ == "__main__":
    unittest.main()
