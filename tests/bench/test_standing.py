"""Programs that stand by and are visited in turn."""

import os
import sys
import unittest
from unittest import mock

from comparison import standing
from comparison.processes import Child

CORE = min(os.sched_getaffinity(0))

# Takes so many nanoseconds for each, as it says.
STEADY = """
import json, sys
print("ready", flush=True)
for line in sys.stdin:
    count = int(line.split()[1])
    print(json.dumps({"count": count, "cpu_ns": count * int(sys.argv[1])}), flush=True)
"""
# The same, but the first time takes 400 µs more.
SLOW_TO_BEGIN = STEADY.replace("for line", "first = 400000\nfor line").replace(
    "int(sys.argv[1])}", "int(sys.argv[1]) + first}") + "    first = 0\n"
# Does as it is told once.
TIRED = """
print("ready", flush=True)
count = int(input().split()[1])
print('{"count": %d, "cpu_ns": 5}' % count, flush=True)
raise SystemExit("enough")
"""


def python(program, *arguments):
    return [sys.executable, "-c", program, *arguments]


class Rounds(unittest.TestCase):
    def test_each_visits_every_program_once_in_an_order_that_the_seed_decides(self):
        programs = {name: python(STEADY) for name in "abcd"}
        samples = standing.rounds(programs, [7], 6, seed=3, core=CORE, count=10)
        self.assertEqual([each["round"] for each in samples],
                         [number for number in range(1, 7) for _ in range(4)])
        orders = ["".join(each["name"] for each in samples[i:i + 4]) for i in range(0, 24, 4)]
        self.assertTrue(all(sorted(order) == list("abcd") for order in orders), orders)
        self.assertGreater(len(set(orders)), 1)
        self.assertEqual({(each["count"], each["cpu_ns"]) for each in samples}, {(10, 70)})
        again = standing.rounds(programs, [7], 6, seed=3, core=CORE, count=10)
        self.assertEqual(samples, again)

    def test_a_visit_is_as_long_as_asked_for_whatever_one_costs(self):
        programs = {"dear": python(STEADY, "50000"), "cheap": python(STEADY, "20")}
        for sample in standing.rounds(programs, [], 2, seed=1, core=CORE, milliseconds=10):
            self.assertAlmostEqual(sample["cpu_ns"], 10e6, delta=1e5)

    def test_what_takes_its_time_only_once_makes_no_visit_short(self):
        programs = {"lazy": python(SLOW_TO_BEGIN, "100")}
        for sample in standing.rounds(programs, [], 2, seed=1, core=CORE, milliseconds=1):
            self.assertEqual((sample["count"], sample["cpu_ns"]), (10_000, 1_000_000))

    def test_every_visit_is_of_a_new_process(self):
        programs = {"one": python("import os; print('ready', flush=True)\n"
                                  "while True: print('{\"count\": %s, \"cpu_ns\": %d}' % "
                                  "(input().split()[1], os.getpid()), flush=True)")}
        samples = standing.rounds(programs, [], 6, seed=1, core=CORE, count=1)
        self.assertEqual(len({each["cpu_ns"] for each in samples}), 6)


class Failing(unittest.TestCase):
    def test_one_that_ends_is_quoted_once_and_the_others_go_on(self):
        programs = {"tired": python(TIRED), "steady": python(STEADY, "1")}
        samples = standing.rounds(programs, [], 20, seed=1, core=CORE, count=1)
        failed = [each for each in samples if "reason" in each]
        self.assertEqual([each["name"] for each in failed], ["tired"])
        self.assertIn("enough", failed[0]["reason"])
        self.assertEqual(sum(each["name"] == "steady" for each in samples), 20)

    def test_one_that_does_not_start_or_do_its_part_has_a_reason(self):
        programs = {
            "absent": ["/nonexistent"],
            "lazy": python("print('ready', flush=True); input(); "
                           "print('{\"count\": 1}', flush=True)"),
            "rude": python("print('go away', flush=True)"),
        }
        samples = standing.rounds(programs, [], 2, seed=1, core=CORE, count=10)
        reasons = {each["name"]: each["reason"] for each in samples}
        self.assertEqual(reasons.keys(), programs.keys())
        self.assertIn("does not start", reasons["absent"])
        self.assertIn("when told to do", reasons["lazy"])
        self.assertIn("'go away'", reasons["rude"])

    def test_given_up_in_between_nobody_is_left_behind(self):
        children = set()

        def interrupted(child, **_):
            children.add(child.pid)
            raise KeyboardInterrupt

        with mock.patch.object(Child, "read_line", interrupted):
            with self.assertRaises(KeyboardInterrupt):
                standing.rounds({"one": python(STEADY, "1")}, [], 3, 1, CORE, count=1)
        self.assertEqual(len(children), 1)
        self.assertEqual({pid for pid in children if _parent(pid)}, set())


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return int(file.read().rpartition(")")[2].split()[1]) == os.getpid()
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
