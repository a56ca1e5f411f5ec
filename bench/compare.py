"""Compares modes of dispatch (select-level, poll-level, epoll-level, epoll-edge, epoll-one-shot) on
demo servers, and seven models of serving.

Run it through bench/run, which installs and builds what it needs.
"""

import argparse
import json
import os
import random
import shlex
import sys
import time
from pathlib import Path
from textwrap import wrap

from comparison import cells, datagrams, machine, table, transfer
from comparison.finding import level_against_edge, models_side_by_side
from comparison.measure import Bench, default_build
from comparison.models import POOL_THREADS, ModelBench
from comparison.processes import Failed
from comparison.progress import Progress, clock_time
from comparison.rounds import Budget, carry_out, plan
from comparison.summary import Results
from comparison.under_load import TooMany

PROJECT = Path(__file__).resolve().parent.parent
ECHO_SIZE, UPLOAD_SIZE = 64, 65536
UPLOAD_CONNECTIONS = (1, 50)
MIB = 1024 * 1024
# Seconds of measuring, full and quick.
BUDGETS = {"modes": (150.0, 15.0), "models": (210.0, 7.0)}


def arguments(words=None):
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Compares the dispatch of select-level, poll-level, epoll-level, epoll-edge "
        "and epoll-one-shot: a demo server on one core, concurrent clients on another, small "
        "messages and bulk uploads. Then one server in seven models, from one client after the "
        "other to coroutines. Installs missing Debian packages and builds a release first.",
        epilog="Ctrl-C stops and reports what was measured until then.",
    )
    parser.add_argument("--quick", action="store_true",
                        help="1 and 50 connections, 3 rounds (models: 1): less than half a minute")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--modes", action="store_const", dest="only", const="modes",
                       help="only the modes of dispatch, a file and datagrams")
    which.add_argument("--models", action="store_const", dest="only", const="models",
                       help="only the models of serving")
    parser.add_argument("--connections", type=_numbers, metavar="N,N,…",
                        help="numbers of connections (1,50,500,5000)")
    parser.add_argument("--rounds", type=int, help="timed rounds (5; at least 5 tell a difference)")
    parser.add_argument("--budget", type=float, metavar="SECONDS",
                        help="how long to measure (150 for modes, 210 for models; "
                        "15 and 7 with --quick)")
    parser.add_argument("--seed", type=int, help="of the order of the modes (random)")
    parser.add_argument("--spin", action="store_true",
                        help="the clients never sleep: steadier, but they use their whole core")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                        help="folder of results.json and report.html (build/bench)")
    parser.add_argument("--servers", type=Path, metavar="FOLDER",
                        help="take echo_server, discard_server and their _hooked twins from here; "
                        "no models")
    parser.add_argument("--build", type=Path, default=default_build(PROJECT),
                        help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.servers and options.only == "models":
        parser.error("--servers are compared in modes, not in models")
    if options.servers:
        options.only = "modes"
    options.connections = options.connections or ([1, 50] if options.quick else [1, 50, 500, 5000])
    options.model_rounds = options.rounds or (1 if options.quick else 5)
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seed = options.seed if options.seed is not None else random.randrange(2**32)
    if options.rounds < 1 or min(options.connections) < 1 or (options.budget or 1) <= 0:
        parser.error("rounds, connections and budget must be positive")
    try:
        options.output.mkdir(parents=True, exist_ok=True)  # now, not after minutes of measuring
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror}")
    return options


def _numbers(text):
    return [int(part) for part in text.split(",")]


def budget_of(options, name):
    """Seconds for one part; a budget of the user is shared as the usual ones are."""
    usual = {part: seconds[options.quick] for part, seconds in BUDGETS.items()
             if options.only in (None, part)}
    share = options.budget / sum(usual.values()) if options.budget else 1.0
    return usual[name] * share


def parts_of(options, modes_bench, models_bench):
    parts = []
    if options.only != "models":
        uploads = [count for count in UPLOAD_CONNECTIONS if count <= max(options.connections)]
        workloads = [cells.Workload("echo", count, ECHO_SIZE) for count in options.connections]
        workloads += [cells.Workload("upload", count, UPLOAD_SIZE) for count in uploads]
        counting = 1 if options.quick else min(3, options.rounds)
        parts.append(cells.Part(workloads, cells.MODES, modes_bench, options.rounds, counting,
                                budget_of(options, "modes")))
    if options.only != "modes":
        workloads = [cells.Workload("models", count, ECHO_SIZE) for count in options.connections]
        parts.append(cells.Part(workloads, cells.MODELS, models_bench, options.model_rounds, 0,
                                budget_of(options, "models")))
    return parts


def measure(part, seed, results):
    """True when all runs were made, False when Ctrl-C ended them."""
    wanted = []
    for workload in part.workloads:
        for mode in part.modes:
            reason = cells.refusal(workload, mode, machine.hard_descriptor_limit())
            if reason:
                results.refuse(workload, mode, "refused: " + reason)
            else:
                wanted.append((workload, mode))

    def keep(run, values):
        if isinstance(values, TooMany):
            results.refuse(run.workload, run.mode, str(values))
        elif isinstance(values, Failed):
            what = "counting calls" if run.counting else "timing"
            results.refuse(run.workload, run.mode, f"{what}, round {run.round}: {values}")
        else:
            results.add(run, values)

    progress = Progress()
    runs = plan(wanted, part.rounds, part.counting_rounds, seed)
    try:
        carry_out(runs, part.bench, Budget(part.budget), progress, keep)
        return True
    except KeyboardInterrupt:
        return False
    finally:
        progress.end()


def measure_further(options, bench):
    """What is no comparison of modes: one big file, and datagrams. Empty for servers of others."""
    if options.servers:
        return []
    show = (lambda text: print(text, file=sys.stderr)) if not sys.stderr.isatty() else (
        lambda text: print(f"\r{text:<60}\r", end="", file=sys.stderr, flush=True))
    size = (64 if options.quick else 1024) * MIB
    samples = transfer.measure(bench.build, bench.server_core, bench.client_core, size,
                               options.rounds, options.seed, show)
    sections = [transfer.section(samples, size)]
    show("datagrams")
    try:
        sections.append(datagrams.section(datagrams.measure(
            bench.build, bench.server_core, 0.02 if options.quick else 0.2, options.rounds)))
    except Failed as problem:
        print(f"bench/run: {problem}", file=sys.stderr)
    show("")
    return sections


def cell_summary(results, workload, mode):
    summary = {"workload": workload.name, "mode": mode.name,
               "reasons": results.reasons_of(workload, mode), "median_min_max": {}, "ratio": {}}
    for metric in cells.timed_metrics(workload.kind) + cells.counted_metrics(workload.kind):
        spread = results.spread(workload, mode.name, metric.key)
        ratio = results.ratio(workload, mode.name, metric.key)
        if spread:
            summary["median_min_max"][metric.key] = [spread.median, spread.low, spread.high]
        if ratio:
            summary["ratio"][metric.key] = [ratio.median, ratio.low, ratio.high]
    return summary


def describe(options, parts, bench, models_bench):
    """What a reader needs to judge the figures and to repeat them."""
    return {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "command_line": shlex.join(["bench/run", *sys.argv[1:]]),
        "seed": options.seed,
        "plan": {
            "rounds": options.rounds, "model_rounds": options.model_rounds,
            "counting_rounds": max(part.counting_rounds for part in parts),
            "budget_seconds": [part.budget for part in parts], "spin": options.spin,
            "server_core": bench.server_core, "client_core": bench.client_core,
            "model_cores": sorted(models_bench.server_cores),
            "pool_threads": POOL_THREADS, "loops": models_bench.loops,
            "patience": models_bench.patience,
        },
        "machine": machine.facts(PROJECT, options.build),
    }


def write_report(folder, results, parts, document):
    from comparison.page import page  # matplotlib takes a second to load: not before measuring

    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False))
    (folder / "report.html").write_text(page(results, parts, document))


def show(results, parts, document):
    for part in parts:
        print(table.terminal(results, part.workloads, part.modes))
    for section in document["further"]:
        print(table.further(section))
    for sentence in document["finding"]:
        print("\n".join(wrap(sentence, table.WIDTH)) + "\n")


def main():
    options = arguments()
    started = time.monotonic()
    server_core, client_core = machine.core_pair()
    bench = Bench(options.build, options.servers, server_core, client_core, options.spin)
    models_bench = ModelBench(options.build, machine.cores_beside(client_core), client_core,
                              options.spin, patience=2.0 if options.quick else 8.0)
    parts = parts_of(options, bench, models_bench)
    document = describe(options, parts, bench, models_bench)
    if server_core == client_core:
        print("Only one core: server and clients share it.", file=sys.stderr)
    try:
        for part in parts:
            part.bench.check_programs()
    except Failed as failure:
        print(f"bench/run: {failure}", file=sys.stderr)
        return 2
    results = Results()
    complete = all(measure(part, options.seed, results) for part in parts)
    further = measure_further(options, bench) if complete and options.only != "models" else []
    workloads = [each for part in parts for each in part.workloads]
    document |= {
        "complete": complete,
        "seconds": time.monotonic() - started,
        "finding": level_against_edge(results, workloads) + models_side_by_side(results, workloads),
        "cells": [cell_summary(results, workload, mode)
                  for part in parts for workload in part.workloads for mode in part.modes],
        "samples": results.samples,
        "further": further,
    }
    show(results, parts, document)
    write_report(options.output, results, parts, document)
    where = min(os.path.relpath(options.output), str(options.output.resolve()), key=len)
    print(f"{clock_time(time.monotonic() - started)} minutes; {where}/report.html, "
          f"{where}/results.json")
    if not complete:
        print("Stopped before the end: fewer rounds than planned.", file=sys.stderr)
        return 130
    return 0 if results.samples else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
