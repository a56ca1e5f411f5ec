"""Made-up results for the tests."""

from comparison.cells import MODELS, MODES, Workload
from comparison.rounds import Run
from comparison.summary import Results

ECHO = Workload("echo", 50, 64)
UPLOAD = Workload("upload", 1, 65536)
MODELS_50 = Workload("models", 50, 64)
BY_NAME = {mode.name: mode for mode in [*MODES, *MODELS]}


def timed(results, workload, mode, cpu_by_round):
    for number, cpu in enumerate(cpu_by_round, 1):
        values = {"rate": 1000.0 / cpu, "p50": cpu, "p99": 2 * cpu, "cpu": cpu, "client_busy": 0.5}
        results.add(Run(False, number, workload, BY_NAME[mode]), values)


def served(results, model, cpu_by_round):
    for number, cpu in enumerate(cpu_by_round, 1):
        values = {"rate": 1e6 / cpu, "p50": 3 * cpu, "p99": 999 * cpu, "cpu": cpu, "waited": 1.0,
                  "preempted": 0.01, "memory": 1234.5, "client_busy": 0.5}
        results.add(Run(False, number, MODELS_50, BY_NAME[model]), values)


def counted(results, workload, mode, wait, read, blocked=0.0):
    values = {"wait": wait, "change": 0.0, "read": read, "blocked": blocked, "write": 1.0}
    results.add(Run(True, 1, workload, BY_NAME[mode]), values)


def level_and_edge(level, edge, workload=ECHO):
    results = Results()
    timed(results, workload, "epoll-level", level)
    timed(results, workload, "epoll-edge", edge)
    counted(results, workload, "epoll-level", 0.5, 1.0)
    counted(results, workload, "epoll-edge", 0.5, 2.0, blocked=1.0)
    return results
