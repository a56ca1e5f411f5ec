import os
import unittest
from pathlib import Path

from comparison import machine, peers_memory

BUILD = Path(os.environ["POLLUX_BUILD"])


def sample(name, user, number=1, state="silent", **more):
    return {"name": name, "state": state, "round": number, "connections": 10, "user": user,
            "kernel": 4096.0, "buffers": 0.0} | more


class Tables(unittest.TestCase):
    def rows(self, samples):
        return peers_memory.section(samples).rows

    def test_pollux_comes_first_and_then_who_takes_least(self):
        rows = self.rows([sample("much", 500.0), sample("little", 50.0), sample("pollux", 100.0)])
        self.assertEqual([row[0] for row in rows], ["pollux", "little", "much"])
        self.assertEqual(rows[1][1], "50 (50–50)")
        self.assertIn("0.50", rows[1][3])
        self.assertEqual(rows[1][4], "4,096 (4,096–4,096)")

    def test_what_the_kernel_does_not_say_is_missing(self):
        (row,) = self.rows([sample("pollux", None, kernel=None)])
        self.assertEqual(set(row[1:]), {peers_memory.MISSING})

    def test_why_there_is_no_figure_is_said(self):
        failed = {"name": "libuv", "state": "spoken", "round": 1, "reason": "it ended"}
        found = peers_memory.section([sample("pollux", 100.0), failed])
        self.assertIn("libuv, spoken: it ended", found.notes)
        self.assertEqual(len(found.rows), 2)


class Samples(unittest.TestCase):
    def test_each_has_one_in_each_state(self):
        names = {"bare-select", "bare-threads", "liburing", "pollux"}
        there = names & set(peers_memory.contestants(BUILD))
        self.assertIn("bare-select", there)
        samples = list(peers_memory.measure(BUILD, machine.core_pair(), 1, 1, connections=2000,
                                            names=there))
        self.assertEqual(sorted((each["name"], each["state"]) for each in samples),
                         [(name, state) for name in sorted(there)
                          for state in ("silent", "spoken")])
        for each in samples:
            self.assertNotIn("reason", each)
            self.assertEqual(each["connections"], 992 if each["name"] == "bare-select" else 2000)
            if each["name"] == "bare-threads":
                self.assertGreater(each["user"], 4096)  # a page of stack

    def test_connections_that_speak_one_by_one_are_all_there(self):
        count = 200
        (sample,) = peers_memory.measure(
            BUILD, machine.core_pair(), 1, 1, connections=count, names={"bare-threads"},
            states={"one by one": peers_memory.ONE_BY_ONE})
        self.assertEqual((sample.get("reason"), sample["state"]), (None, "one by one"))
        self.assertGreater(sample["user"], 4096)


if __name__ == "__main__":
    unittest.main()
