"""Made-up results for the tests."""

from comparison.contestants import BASE, MODEL_BASE, MODES, models
from comparison.results import COUNTED, TIMED, Results, Run
from comparison.workloads import Workload

MODELS = models(2)
ECHO = Workload("echo", 50)
UPLOAD = Workload("upload", 1, 65536)
MODELS_50 = Workload("upper", 50)
BY_NAME = {each.name: each for each in [*MODES, *MODELS]}


def no_results():
    return Results({ECHO.name: BASE, UPLOAD.name: BASE, MODELS_50.name: MODEL_BASE})


def timed(results, workload, name, cpu_by_round):
    for number, cpu in enumerate(cpu_by_round, 1):
        values = {"rate": 1000.0 / cpu, "p50": cpu, "p99": 2 * cpu, "cpu": cpu, "client_busy": 0.5}
        results.add(Run(TIMED, number, workload, BY_NAME[name]), values)


def served(results, model, cpu_by_round):
    for number, cpu in enumerate(cpu_by_round, 1):
        values = {"rate": 1e6 / cpu, "p50": 3 * cpu, "p99": 999 * cpu, "cpu": cpu, "waited": 1.0,
                  "preempted": 0.01, "memory": 1234.5, "client_busy": 0.5}
        results.add(Run(TIMED, number, MODELS_50, BY_NAME[model]), values)


def counted(results, workload, name, wait, read, blocked=0.0):
    values = {"wait": wait, "change": 0.0, "read": read, "blocked": blocked, "write": 1.0}
    results.add(Run(COUNTED, 1, workload, BY_NAME[name]), values)


def level_and_edge(level, edge, workload=ECHO):
    results = no_results()
    timed(results, workload, "epoll-level", level)
    timed(results, workload, "epoll-edge", edge)
    counted(results, workload, "epoll-level", 0.5, 1.0)
    counted(results, workload, "epoll-edge", 0.5, 2.0, blocked=1.0)
    return results
