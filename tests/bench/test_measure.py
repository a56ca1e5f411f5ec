"""What a run gives, and real runs of modes and models."""

import os
import shutil
import unittest
from pathlib import Path

from comparison import machine
from comparison.contestants import MODES, own, peers
from comparison.engine_counters import look
from comparison.laboratory import Laboratory
from comparison.measure import Bench, counted_values, server_command, timed_values
from comparison.processes import Failed
from comparison.results import Cell
from comparison.workloads import Workload
from examples import BY_NAME, MODELS, MODELS_50

LOAD = {"requests": 1000, "bytes": 2 * 1024 * 1024, "seconds": 0.5, "client_busy": 0.5,
        "latency_ns": {"p50": 2000, "p99": 5000, "p99.9": 9000}}
BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))


class Cores(unittest.TestCase):
    def test_the_clients_have_theirs_alone_where_there_are_two(self):
        cores = os.sched_getaffinity(0)
        server = machine.cores_beside(min(cores))
        self.assertTrue(server)
        self.assertLessEqual(server, cores)
        self.assertEqual(min(cores) in server, len(cores) == 1)


class Samples(unittest.TestCase):
    def test_everything_is_by_request_or_connection(self):
        values = timed_values(MODELS_50, LOAD, 3_000_000, (500, 10), 1000, 6000)
        self.assertEqual((values["rate"], values["cpu"]), (2000, 3.0))
        self.assertEqual((values["waited"], values["preempted"]), (0.5, 0.01))
        self.assertEqual((values["memory"], values["client_busy"]), (100, 0.5))

    def test_bulk_is_by_mib_and_kib(self):
        values = timed_values(Workload("upload", 1), LOAD, 2048_000)
        self.assertEqual((values["rate"], values["cpu"]), (4.0, 1000.0))

    def test_what_is_not_known_is_left_out(self):
        values = timed_values(MODELS_50, LOAD)
        self.assertFalse({"cpu", "waited", "preempted", "memory"} & values.keys())

    def test_nothing_answered_is_a_failure(self):
        with self.assertRaises(Failed):
            timed_values(MODELS_50, LOAD | {"requests": 0})

    def test_calls_are_by_kind(self):
        counters = {"calls.epoll_wait": 500, "calls.recv": 2000, "blocked.recv": 1000,
                    "calls.send": 1000, "calls.close": 10}
        values = counted_values(Workload("echo", 1), LOAD, counters)
        self.assertEqual((values["wait"], values["read"], values["blocked"], values["write"]),
                         (0.5, 2.0, 1.0, 1.0))
        self.assertEqual((values["change"], values["calls"]), (0.0, 3.51))

    def test_a_server_that_does_not_count_is_a_failure(self):
        with self.assertRaisesRegex(Failed, "pollux_hooked"):
            counted_values(Workload("echo", 1), LOAD, {"accepted": 1})


@unittest.skipUnless((BUILD / "bench/bench_server").exists()
                     and (BUILD / "bench/load_generator").exists(),
                     "POLLUX_BUILD names no build with bench_server and load_generator")
class RealRuns(unittest.TestCase):
    def setUp(self):
        server_core, client_core = machine.core_pair()
        self.bench = Bench(BUILD, server_core, machine.cores_beside(client_core), client_core)

    def test_every_model_serves_one_client(self):
        for model in MODELS:
            with self.subTest(model.name):
                values = self.bench.timed(Workload("upper", 1), model, 0.02)
                self.assertGreater(values["requests"], 0)
                self.assertGreater(values["cpu"], 0)
                self.assertIn("waited", values)

    def test_several_clients_of_fork_are_summed(self):
        values = self.bench.timed(Workload("upper", 20), BY_NAME["fork"], 0.02)
        self.assertGreater(values["memory"], 0)

    def test_every_mode_takes_the_loads(self):
        for mode in MODES:
            for workload in (Workload("echo", 2, depth=3), Workload("upload", 1, 65536)):
                with self.subTest(f"{mode.name} {workload.name}"):
                    try:
                        self.assertGreater(self.bench.timed(workload, mode, 0.02)["rate"], 0)
                    except Failed as problem:  # not every kernel gives io_uring
                        if "io_uring_setup" not in str(problem):
                            raise
                        self.skipTest(str(problem))

    def test_axes_of_the_server_reach_it(self):
        mode = BY_NAME["epoll-level"]
        words = list(map(str, server_command(
            BUILD, mode, Workload("echo", 1, accepts=2, read_size=4096, work=3, loops=2))))
        for option, value in (("--accepts", "2"), ("--read-size", "4096"), ("--work", "3"),
                              ("--loops", "2")):
            self.assertEqual(words[words.index(option) + 1], value)
        values = self.bench.timed(Workload("echo", 2, loops=2, read_size=32), mode, 0.02)
        self.assertGreater(values["requests"], 0)

    def test_edge_that_drains_reads_once_more(self):
        counts = {name: self.bench.counted(Workload("echo", 1), BY_NAME[name], 0.02)
                  for name in ("epoll-edge", "epoll-edge-drain", "epoll-one-shot")}
        self.assertAlmostEqual(counts["epoll-edge"]["read"], 1.0, 2)
        drain = counts["epoll-edge-drain"]
        self.assertAlmostEqual(drain["read"], 1.0 + drain["blocked"], 2)
        self.assertGreater(drain["blocked"], 0)
        self.assertAlmostEqual(counts["epoll-one-shot"]["change"], 1.0, 2)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_the_kernel_counts_the_same_and_says_more(self):
        values = self.bench.counted_by_kernel(Workload("echo", 3), BY_NAME["epoll-level"], 0.02)
        self.assertEqual(values["differences"], [])
        self.assertAlmostEqual(values["read"], 1.0, 2)
        self.assertGreaterEqual(values["events"], 1.0)
        self.assertGreaterEqual(values["bytes_per_wake"], 64)
        self.assertEqual(values["spurious"], 0)

    def test_others_hold_the_connections_that_are_not_used(self):
        workload = Workload("echo", 10, active=0.2, idle=5)
        with self.bench.under_load(workload, BY_NAME["epoll-level"], 0.02, hooked=True) as run:
            run.connect()
            self.assertEqual(look(run.server.child)["open"], 15)
            self.assertGreater(run.measure(0.02)["requests"], 0)

    def test_a_ramp_ends_with_a_knee_or_says_why_not(self):
        values = self.bench.knee(Workload("echo", 2), BY_NAME["epoll-level"], 0.02)
        self.assertIn(values["because"], ("p99", "rate", "client"))
        self.assertEqual("knee" in values, values["because"] != "client")
        self.assertEqual("knee_at_least" in values, "knee" not in values)
        self.assertGreater(len(values["steps"]), 1)

    def test_peers_are_started_as_modes_are(self):
        for peer in peers(BUILD):
            if peer.name in ("bare-epoll", "python-selectors"):
                with self.subTest(peer.name):
                    self.assertGreater(self.bench.timed(Workload("churn", 2), peer, 0.02)["cpu"], 0)

    def test_a_server_of_ones_own_says_nothing_and_is_measured(self):
        program = BUILD / "demos" / "echo_server"
        mine = own(f"mine={program} --port {{port}}")
        self.assertGreater(self.bench.timed(Workload("echo", 2), mine, 0.02)["cpu"], 0)

    def test_one_that_does_not_listen_is_a_failure(self):
        with self.assertRaisesRegex(Failed, "sh ended before it listened on port.*no luck"):
            self.bench.timed(Workload("echo", 2), own("m=sh -c 'echo no luck >&2; exit {port}'"),
                             0.02)

    def test_one_that_runs_already_has_its_cpu_by_its_port(self):
        with self.bench.under_load(Workload("echo", 1), BY_NAME["epoll-level"], 1) as run:
            values = self.bench.timed(Workload("echo", 2), own(f"m=:{run.server.port}"), 0.02)
            self.assertGreater(values["cpu"], 0)
            self.assertFalse(run.server.child.ended())

    def test_a_laboratory_compares_in_rounds(self):
        shown = []
        laboratory = Laboratory(BUILD, rounds=2, seed=1, show=shown.append)
        level, edge = BY_NAME["epoll-level"], BY_NAME["epoll-edge"]
        one, many = Workload("echo", 1), Workload("echo", 10**7)
        results = laboratory.compare([one, many], [level, edge], seconds=0.02, title="K0")
        ratio = results.ratio(Cell(one, edge), level, "cpu")
        self.assertEqual(ratio.count, 2)
        self.assertIn("descriptors", results.reasons_of(many, level)[0])
        self.assertEqual(len(shown), 4)
        self.assertRegex(shown[0], r"^K0: 1 of 4, echo-1 epoll-(level|edge)$")
        counts = laboratory.counted([(one, edge)], seconds=0.02)
        self.assertAlmostEqual(counts.estimate((one, edge), "read").median, 1.0, 2)


if __name__ == "__main__":
    unittest.main()
