"""The models of serving: what is planned and what a run gives."""

import contextlib
import importlib.util
import io
import os
import unittest
from pathlib import Path

import compare
from comparison import machine, models
from comparison.cells import MODELS, Model, Workload
from comparison.summary import Results
from examples import MODELS_50, served

LOAD = {"requests": 1000, "seconds": 0.5, "client_cpu_seconds": 0.25,
        "latency_ns": {"p50": 2000, "p99": 5000}}


def parts(*words):
    options = compare.arguments(list(words))
    return options, compare.parts_of(options, None, None)


class Plans(unittest.TestCase):
    def test_all_of_it_by_default(self):
        _, (modes, serving) = parts()
        self.assertEqual([each.connections for each in serving.workloads], [1, 50, 500, 5000])
        self.assertEqual(len(serving.modes), 7)
        self.assertEqual((serving.rounds, serving.counting_rounds), (5, 0))
        self.assertEqual((modes.rounds, modes.counting_rounds), (5, 3))

    def test_models_alone(self):
        _, (serving,) = parts("--models", "--connections", "7,9")
        self.assertEqual([each.name for each in serving.workloads], ["models-7", "models-9"])

    def test_modes_alone(self):
        for words in (["--modes"], ["--servers", "folder"]):
            _, (modes,) = parts(*words)
            self.assertEqual(modes.workloads[0].kind, "echo")

    def test_quick_has_one_round_of_models(self):
        _, (_, serving) = parts("--quick")
        self.assertEqual(serving.rounds, 1)
        self.assertEqual([each.connections for each in serving.workloads], [1, 50])

    def test_a_budget_is_shared(self):
        _, both = parts("--budget", "36")
        self.assertAlmostEqual(sum(part.budget for part in both), 36)
        _, (serving,) = parts("--budget", "36", "--models")
        self.assertAlmostEqual(serving.budget, 36)

    def test_servers_of_others_have_no_models(self):
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
            parts("--servers", "folder", "--models")


class Cores(unittest.TestCase):
    def test_the_clients_have_theirs_alone_where_there_are_two(self):
        cores = os.sched_getaffinity(0)
        server = machine.cores_beside(min(cores))
        self.assertTrue(server)
        self.assertLessEqual(server, cores)
        self.assertEqual(min(cores) in server, len(cores) == 1)


class Samples(unittest.TestCase):
    def test_everything_is_by_request_or_connection(self):
        values = models.sample(MODELS_50, LOAD, 3_000_000, (500, 10), 1000, 6000)
        self.assertEqual((values["rate"], values["cpu"]), (2000, 3.0))
        self.assertEqual((values["waited"], values["preempted"]), (0.5, 0.01))
        self.assertEqual((values["memory"], values["client_busy"]), (100, 0.5))

    def test_what_is_not_known_is_left_out(self):
        values = models.sample(MODELS_50, LOAD, 3_000_000, None, None, 6000)
        self.assertFalse({"waited", "preempted", "memory"} & values.keys())

    def test_few_connections_say_nothing_about_memory(self):
        one = Workload("models", 1, 64)
        self.assertNotIn("memory", models.sample(one, LOAD, 3_000_000, (1, 1), 1000, 6000))


BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))


@unittest.skipUnless((BUILD / "demos/upper_server").exists()
                     and (BUILD / "bench/load_generator").exists(),
                     "POLLUX_BUILD names no build with upper_server and load_generator")
class RealRuns(unittest.TestCase):
    def setUp(self):
        core, client_core = machine.core_pair()
        self.bench = models.ModelBench(BUILD, {core}, client_core, spin=False, patience=10)

    def test_every_model_serves_one_client(self):
        for model in MODELS:
            with self.subTest(model.name):
                values = self.bench.timed_run(Workload("models", 1, 64), model, 0.02)
                self.assertGreater(values["requests"], 0)
                self.assertGreater(values["cpu"], 0)
                self.assertIn("waited", values)

    def test_several_clients_of_fork_are_summed(self):
        values = self.bench.timed_run(Workload("models", 20, 64), Model("fork"), 0.02)
        self.assertGreater(values["memory"], 0)


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "pictures need matplotlib")
class Pages(unittest.TestCase):
    def test_a_reason_stands_in_the_row_of_its_model(self):
        results = Results()
        for model in MODELS[1:]:
            served(results, model.name, [2.0, 3.0])
        results.refuse(MODELS_50, MODELS[0], "1 of 50 <connections>")
        options = compare.arguments(["--models", "--connections", "50"])
        bench = models.ModelBench(BUILD, {0}, 1, False, 5.0)
        planned = compare.parts_of(options, None, bench)
        document = compare.describe(options, planned, compare.Bench(BUILD, None, 0, 1, False),
                                    bench) | {"finding": ["It is so."], "further": []}
        from comparison.page import page

        text = page(results, planned, document)
        self.assertRegex(text, "<td>iterative</td><td class=reason colspan=[0-9]+>"
                         "1 of 50 &lt;connections&gt;</td>")
        self.assertIn("models: memory per connection, KiB", text)
        self.assertIn("the pool has 64 threads", text)


if __name__ == "__main__":
    unittest.main()
