"""Dispatch, timers and posts against other libraries: the programs do what they say, and the
figures say what was measured."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from comparison import machine, peers_micro, standing
from comparison.peers_micro import Column

BUILD = Path(os.environ["POLLUX_BUILD"])
CORES = machine.core_pair()
PRESENT = [name for name in peers_micro.LIBRARIES if name not in peers_micro.missing(BUILD)]
SMALL = {"--watched": "20", "--active": "3", "--timers": "50"}


def small(workload):
    """The same work with little of it."""
    arguments = list(map(str, workload.arguments))
    for option, value in SMALL.items():
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
    return arguments


class Programs(unittest.TestCase):
    """Each checks what it did and ends with an error if that was not what it was asked to do."""

    def visited(self, workload, count):
        present = [each for each in workload.contestants if each.library in PRESENT]
        arguments = small(workload) + (["--other-core", CORES[1]] if workload.cores == 2 else [])
        samples = standing.rounds(
            {each.name: [BUILD / "bench" / "peers" / f"peer_{each.library}", *arguments,
                         *each.options] for each in present},
            [], 2, 1, CORES[0], count=count)
        self.assertEqual({each["name"] for each in samples}, {each.name for each in present})
        for each in samples:
            if "reason" in each:  # not every kernel gives io_uring
                self.assertIn("io_uring", each["reason"])
        return [each for each in samples if "reason" not in each]

    def test_tokens_go_round_on_each_facility(self):
        for facility in ("epoll", "poll", "select"):
            for sample in self.visited(peers_micro.dispatch(facility, "pass", 3), 200):
                self.assertGreater(sample["cpu_ns"], 0)
                self.assertLess(sample["count"], 200 + 20)

    def test_tokens_that_stay_are_told_of_again(self):
        self.visited(peers_micro.dispatch("epoll", "leave", 3), 200)

    def test_what_is_added_is_watched_and_what_is_removed_is_closed(self):
        for facility in ("epoll", "poll", "select"):
            for sample in self.visited(peers_micro.setup(facility), 2):
                self.assertEqual(sample["count"], 2 * 20)
                self.assertEqual(sample["cpu_ns"], sample["add_ns"] + sample["remove_ns"])

    def test_timers_are_armed_cancelled_put_off_and_called(self):
        for sample in self.visited(peers_micro.timers(50), 1):
            self.assertEqual(sample["count"], 50)
            self.assertGreater(sample["call_ns"], 0)

    def test_jobs_arrive_and_come_back(self):
        for sample in self.visited(peers_micro.burst(3000), 3000):
            if "signal" not in sample["name"]:
                self.assertEqual(sample["runs"], 3000)
            self.assertLessEqual(sample["runs"], 3000)
        for sample in self.visited(peers_micro.round_trip(20), 20):
            self.assertGreater(sample["wall_ns"], 0)

    def test_each_says_its_version(self):
        versions = peers_micro.versions(BUILD)
        self.assertEqual(list(versions), PRESENT)
        self.assertRegex(versions["pollux"], r"^\d+\.\d+\.\d+$")

    def test_what_a_library_has_not_is_refused(self):
        for name, arguments in (("pollux", ["dispatch", "--facility", "kqueue"]),
                                ("pollux", ["post", "--way", "signal", "--other-core", 0]),
                                ("bare", ["timers"]), ("bare", ["dispatch", "--active", "1001"]),
                                ("bare", ["dispatch", "--depth", "1"]), ("bare", ["juggle"])):
            program = BUILD / "bench" / "peers" / f"peer_{name}"
            samples = standing.rounds({name: [program]}, arguments, 1, 1, CORES[0], count=1)
            self.assertEqual(len(samples), 1)
            self.assertIn("status 2: ", samples[0]["reason"])


class Measuring(unittest.TestCase):
    def test_a_library_that_is_not_there_is_left_out_and_named(self):
        with tempfile.TemporaryDirectory() as folder:
            programs = Path(folder) / "bench" / "peers"
            programs.mkdir(parents=True)
            for name in ("pollux", "bare"):
                shutil.copy(BUILD / "bench" / "peers" / f"peer_{name}", programs)
            self.assertEqual(peers_micro.missing(Path(folder)), peers_micro.PACKAGES)
            self.assertEqual(list(peers_micro.versions(Path(folder))), ["pollux", "bare"])
            samples = peers_micro.measure(Path(folder), CORES, 1, 1, 0.1, quick=True)
            first = [next(samples) for _ in range(8)]
            samples.close()
        self.assertEqual({each["name"] for each in first},
                         {"pollux", "pollux, adaptive", "pollux, io_uring", "bare"})
        self.assertEqual([each["workload"] for each in first],
                         4 * ["epoll pass 1"] + 4 * ["epoll pass 100"])

    def test_posts_want_two_cores(self):
        with tempfile.TemporaryDirectory() as nothing:
            samples = list(peers_micro.measure(Path(nothing), (0, 0), 1, 1, 1.0, quick=True))
        posts = [each for each in samples if each["workload"] in ("burst", "round-trip")]
        self.assertEqual({(each["name"], each["reason"]) for each in posts},
                         {(name, "wants two cores") for name in ("bare", "pollux")})
        # What cannot even start is said too.
        self.assertTrue(all("does not start" in each["reason"]
                            for each in samples if each not in posts))

    def test_a_small_budget_makes_short_visits(self):
        workloads = peers_micro.plan()
        self.assertEqual(peers_micro.milliseconds_of_visits(workloads, 20, 1), 1.0)
        self.assertEqual(peers_micro.milliseconds_of_visits(workloads, 20, 10_000), 20.0)


ARM = Column("timers", "arm_ns", "arm", "arm a timer")


def timed(name, values, count=100):
    return [{"workload": "timers", "name": name, "round": number, "count": count,
             "arm_ns": value * count, "rearm_ns": count, "put_off_ns": count,
             "cancel_ns": count, "call_ns": count}
            for number, value in enumerate(values, 1)]


class Figures(unittest.TestCase):
    def test_ratios_are_per_operation_and_within_a_round(self):
        samples = timed("pollux", [10, 100], count=7) + timed("libev", [20, 200], count=9)
        found = peers_micro.ratio_of(samples, ARM, "libev")
        self.assertAlmostEqual(found.median, 2.0)
        self.assertAlmostEqual(found.high, 2.0)

    def test_a_winner_wants_twenty_rounds(self):
        for rounds, sentences in ((19, []), (20, ["Takes less time than pollux to arm a timer: "
                                                  "libev ×0.50 (0.50–0.50)."])):
            samples = timed("pollux", [20] * rounds) + timed("libev", [10] * rounds)
            self.assertEqual(peers_micro.where_a_peer_wins(samples), sentences)
            self.assertEqual(peers_micro.where_pollux_wins(samples), [])

    def test_the_best_is_named_first_and_the_floor_is_no_peer(self):
        values = {"pollux": 20, "libuv": 15, "libev": 10, "bare": 1}
        samples = [each for name, value in values.items() for each in timed(name, [value] * 20)]
        self.assertEqual(peers_micro.where_a_peer_wins(samples),
                         ["Takes less time than pollux to arm a timer: libev ×0.50 (0.50–0.50); "
                          "libuv ×0.75 (0.75–0.75)."])
        samples = timed("pollux", [20] * 20) + timed("libuv", [30] * 20)
        self.assertEqual(peers_micro.where_pollux_wins(samples),
                         ["Takes more time than pollux to arm a timer: libuv ×1.50 (1.50–1.50)."])

    def test_a_table_begins_with_its_base_and_says_who_has_no_figures(self):
        samples = timed("pollux", [20] * 3) + timed("libev", [10] * 3)
        samples.append({"workload": "timers", "name": "asio", "round": 1, "reason": "it ended"})
        [section] = peers_micro.sections(samples)
        self.assertEqual([row[:2] for row in section.rows],
                         [["pollux", "20.0 (20.0–20.0) ns"], ["libev", "×0.50 (0.50–0.50)"],
                          ["asio", "–"]])
        self.assertEqual(section.header[1:3], ["arm", "arm anew"])
        self.assertEqual(section.notes[-1], "asio, timers: it ended")

    def test_the_bare_loop_has_a_table_of_its_own(self):
        samples = [{"workload": "epoll leave 1", "name": name, "round": 1, "count": 10,
                    "cpu_ns": value} for name, value in (("bare", 50), ("pollux", 100))]
        titles = [each.title for each in peers_micro.sections(samples)]
        self.assertEqual(len(titles), 2)
        self.assertTrue(titles[0].endswith("times pollux"))
        self.assertTrue(titles[1].endswith("times the bare loop"))

    def test_every_workload_stands_in_a_table(self):
        shown = {column.workload for group in peers_micro.GROUPS for column in group.columns}
        for quick in (False, True):
            self.assertLessEqual({each.key for each in peers_micro.plan(quick)}, shown)


if __name__ == "__main__":
    unittest.main()
