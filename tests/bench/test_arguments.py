"""The command line of bench/run, and what it plans."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from comparison.command_line import arguments
from comparison.contestants import MODES
from comparison.machine import largest_send_buffer
from comparison.measure import load_command
from comparison.plan import parts_of, refused_lines, warnings
from comparison.results import COUNTED, KERNEL, KNEE, TIMED
from comparison.workloads import SLOW_BUFFER


def planned(*words):
    with tempfile.TemporaryDirectory() as folder:
        options = arguments(["--output", folder, "--build", "/nonexistent", *words])
        return parts_of(options)


def names(part):
    return {f"{workload.name} {contestant.name}" for workload, contestant in part.cells}


class Refusals(unittest.TestCase):
    def refused(self, *words):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as ended:
                arguments(list(words))
        self.assertEqual(ended.exception.code, 2)
        return said.getvalue()

    def test_a_folder_that_cannot_be_made_is_refused_before_measuring(self):
        with tempfile.NamedTemporaryFile() as file:
            said = self.refused("--output", file.name)
        self.assertIn(f"--output {file.name}: File exists", said)

    def test_a_folder_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "a" / "b"
            arguments(["--output", str(wanted)])
            self.assertTrue(wanted.is_dir())

    def test_unknown_names_are_named_with_those_that_are_there(self):
        self.assertIn("no epoll; there are select-level,", self.refused("--modes", "epoll"))
        self.assertIn("no kqueue; there are select, poll, epoll",
                      self.refused("--backend", "kqueue"))
        self.assertIn("no section mode; choose among", self.refused("--only", "mode"))

    def test_values_out_of_their_range(self):
        for words in (["--connections", "0"], ["--active", "5"], ["--active", "101%"],
                      ["--size", "a"], ["--idle", "-1"], ["--load", "telnet"], ["--rounds", "0"],
                      ["--budget", "-1"], ["--loops", "1,,2"]):
            with self.subTest(words):
                self.assertIn("bench/run: error: ", self.refused(*words))

    def test_what_would_be_right_is_said_in_one_line(self):
        for words, right in ((["--load", "foo"], "no foo; there are echo, upload,"),
                             (["--rate", "-5"], "a number from 0 to below"),
                             (["--active", "1"], "write 1%"),
                             (["--connections", "0"], "“0” is no whole number from 1 on"),
                             (["--work", "0.5"], "no whole number from 0 to 10000000"),
                             (["--path", "plain"], "it begins with /")):
            with self.subTest(words):
                said = self.refused(*words)
                self.assertIn(right, said)
                self.assertEqual(said.count("\n"), 1)

    def test_a_server_wants_a_name_and_a_port(self):
        self.assertIn("NAME='COMMAND … {port}'", self.refused("--server", "./mine"))
        self.assertIn("{port} is missing", self.refused("--server", "mine=./mine --port 7"))
        self.assertIn("not a port", self.refused("--server", "mine=:70000"))


    def test_a_name_stands_for_one(self):
        for words in (["x=mine {port}", "x=mine {port} silent"], ["epoll-level=mine {port}"],
                      ["reactor=mine {port}"]):
            with self.subTest(words):
                said = self.refused(*(part for word in words for part in ("--server", word)))
                self.assertIn("is taken, choose another name", said)

    def test_a_baseline_that_cannot_be_read_is_refused_before_measuring(self):
        with tempfile.NamedTemporaryFile("w") as file:
            for text in ("", "[]", '{"format": 2, "kind": "run", "contestants": [], "workloads": '
                         '[], "samples": [{}], "reasons": []}'):
                with self.subTest(text):
                    file.seek(0)
                    file.truncate()
                    file.write(text)
                    file.flush()
                    self.assertRegex(self.refused("--baseline", file.name), "is not (a result file|JSON)")
        self.assertIn("/nonexistent: No such file", self.refused("--baseline", "/nonexistent"))


class Sections(unittest.TestCase):
    def test_modes_by_default(self):
        part, = planned()
        self.assertEqual(part.name, "servers")
        self.assertEqual(part.rounds[TIMED], 20)
        self.assertIn("echo-5000 epoll-edge", names(part))
        self.assertIn("upload-50 epoll-edge-drain", names(part))
        self.assertNotIn("upload-500 epoll-edge", names(part))

    def test_select_is_refused_beyond_its_set_and_says_so_once(self):
        part, = planned()
        self.assertNotIn("echo-5000 select-level", names(part))
        self.assertEqual(refused_lines([part]),
                         ["select-level under echo-5000: select(2) takes descriptors below 1024 "
                          "(FD_SETSIZE)"])

    def test_models_alone(self):
        part, = planned("--models", "--connections", "7,9")
        self.assertEqual({each.name for each, _ in part.cells}, {"upper-7", "upper-9"})
        self.assertEqual(len(part.cells), 14)
        self.assertEqual(part.rounds, {TIMED: 5})

    def test_some_of_the_modes(self):
        part, = planned("--modes", "poll-level,epoll-level", "--connections", "3")
        self.assertEqual(names(part), {"echo-3 poll-level", "echo-3 epoll-level",
                                       "upload-3 poll-level", "upload-3 epoll-level"})

    def test_backends_and_triggers_are_crossed(self):
        part, = planned("--backend", "epoll,poll", "--trigger", "level,edge", "--load", "echo",
                        "--connections", "1")
        self.assertEqual(names(part), {"echo-1 epoll-level", "echo-1 epoll-edge",
                                       "echo-1 poll-level"})
        self.assertEqual(refused_lines([part]),
                         ["poll-edge under echo-1: poll has no edge trigger: it is epoll's alone"])

    def test_quick_has_few_rounds(self):
        servers, models = planned("--quick", "--only", "modes,models")
        self.assertEqual((servers.rounds[TIMED], models.rounds[TIMED]), (3, 1))
        self.assertEqual({each.connections for each, _ in models.cells}, {1, 50})

    def test_a_budget_is_shared(self):
        both = planned("--budget", "36", "--only", "modes,models")
        self.assertAlmostEqual(sum(part.budget for part in both), 36)
        alone, = planned("--budget", "36", "--models")
        self.assertAlmostEqual(alone.budget, 36)

    def test_a_server_of_ones_own_echoes_beside_the_modes(self):
        part, = planned("--server", "mine=./mine {port}", "--connections", "5")
        self.assertEqual({each.name for _, each in part.cells},
                         {"mine", *(each.name for each in MODES)})
        self.assertEqual({each.name for each, _ in part.cells}, {"echo-5"})
        self.assertEqual(part.bases(), {"echo-5": "epoll-level"})

    def test_it_stands_beside_the_modes_that_are_named(self):
        part, = planned("--server", "mine=:7000", "--modes", "poll-level", "--load", "echo",
                        "--connections", "5")
        self.assertEqual(names(part), {"echo-5 poll-level", "echo-5 mine"})
        self.assertEqual(part.bases(), {"echo-5": "poll-level"})

    def test_a_peer_is_held_against_epoll_level(self):
        part, = planned("--peers", "python-selectors", "--load", "churn", "--connections", "5")
        self.assertEqual(names(part), {"churn-5 epoll-level", "churn-5 python-selectors"})

    def test_a_ramp_takes_the_place_of_timed_rounds(self):
        part, = planned("--ramp", "--modes", "epoll-level")
        self.assertEqual(part.rounds, {KNEE: 3})

    def test_what_can_count_is_counted(self):
        part, = planned()
        self.assertEqual(part.rounds[COUNTED], 3)
        counted = {run.contestant.name for run in part.runs(1) if run.kind == COUNTED}
        self.assertEqual(counted, {each.name for each in MODES})

    def test_what_was_not_started_here_is_not_traced(self):
        part, = planned("--server", "theirs=:7000", "--server", "mine=./mine {port}")
        traced = {run.contestant.name for run in part.runs(1) if run.kind == KERNEL}
        self.assertIn("mine", traced)
        self.assertNotIn("theirs", traced)

    def test_a_quick_run_is_traced_where_counts_are_exact(self):
        part, = planned("--quick", "--modes")
        self.assertEqual({run.workload.connections for run in part.runs(1) if run.kind == KERNEL},
                         {1})


class Axes(unittest.TestCase):
    def test_whole_numbers_stay_whole_for_the_servers(self):
        part, = planned("--modes", "epoll-level", "--connections", "1", "--work", "0,20",
                        "--rate", "2e4")
        self.assertEqual([(repr(workload.work), repr(workload.rate)) for workload, _ in part.cells],
                         [("0", "20000"), ("20", "20000")])

    def test_all_combinations(self):
        part, = planned("--modes", "epoll-level", "--connections", "100,200",
                        "--active", "1%,100%", "--depth", "1,4")
        self.assertEqual(
            {each.name for each, _ in part.cells},
            {"echo-100", "echo-200", "echo-100-depth4", "echo-200-depth4",
             "echo-100-active1%", "echo-200-active1%", "echo-100-active1%-depth4",
             "echo-200-active1%-depth4"})

    def test_an_axis_is_left_to_the_loads_that_have_it(self):
        part, = planned("--modes", "epoll-level", "--load", "echo,download", "--connections", "2",
                        "--answer", "1000,2000", "--read-rate", "500")
        self.assertEqual({each.name for each, _ in part.cells},
                         {"echo-2", "download-2-answer1000-slow500",
                          "download-2-answer2000-slow500"})

    def test_an_axis_that_no_load_has_is_refused(self):
        part, = planned("--modes", "epoll-level", "--load", "echo", "--answer", "1000",
                        "--connections", "1")
        self.assertEqual(part.cells, [])
        self.assertIn("only a download has answers of a size", refused_lines([part])[0])

    def test_what_cannot_be_ramped_up_is_refused(self):
        part, = planned("--ramp", "--modes", "epoll-level", "--load", "upload,echo",
                        "--connections", "1")
        self.assertEqual({each.name for each, _ in part.cells}, {"echo-1"})
        self.assertIn("an upload has no rate", refused_lines([part])[0])
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit):
            planned("--ramp", "--models")
        self.assertIn("the models are not ramped up", said.getvalue())

    def test_more_loops_than_cores_are_said(self):
        parts = planned("--modes", "epoll-level", "--connections", "5", "--loops", "1,2,3")
        self.assertEqual(warnings(parts, 1), ["2, 3 loops share 1 core: what more cores would gain "
                                              "is not seen here"])
        self.assertEqual(warnings(parts, 3), [])

    def test_slow_readers_that_nobody_feels_are_said(self):
        room = largest_send_buffer()
        for answer, lines in ((room // 2, 1), (2 * room, 0)):
            part, = planned("--modes", "epoll-level", "--load", "download", "--connections", "1",
                            "--read-rate", "0,900000000", "--answer", str(answer))
            said = warnings([part], 1)
            self.assertEqual(len(said), lines)
        self.assertEqual([each.receive_buffer_used for each, _ in part.cells], [0, SLOW_BUFFER])

    def test_a_receive_buffer_is_of_a_download_alone(self):
        part, = planned("--modes", "epoll-level", "--load", "download,echo", "--connections", "1",
                        "--receive-buffer", "4096,8192")
        self.assertEqual(names(part), {"download-1-buffer4096 epoll-level", "echo-1 epoll-level",
                                       "download-1-buffer8192 epoll-level"})
        words = list(map(str, load_command("load", part.cells[0][0], 1)))
        self.assertEqual(words[words.index("--receive-buffer") + 1], "4096")

    def test_rounds_that_the_budget_does_not_hold_are_said(self):
        for words in (["--rounds", "1000000", "--budget", "1"],
                      ["--load", "download", "--answer", "50000000", "--read-rate", "2000000",
                       "--connections", "1", "--rounds", "1", "--budget", "3"]):
            parts = planned("--modes", "epoll-level", *words)
            self.assertIn("are made, which takes", warnings(parts, 1)[0])
        for words in ([], ["--quick"], ["--quick", "--models"]):
            self.assertEqual(warnings(planned(*words), 99), [])

    def test_nobody_active_is_refused(self):
        part, = planned("--modes", "epoll-level", "--connections", "10", "--active", "1%")
        self.assertEqual(part.cells, [])
        self.assertEqual(refused_lines([part]), ["epoll-level under echo-10-active1%: 1 % of 10 "
                                                 "connections is none: nobody would send"])


if __name__ == "__main__":
    unittest.main()
