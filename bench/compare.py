"""Compares select-level, poll-level, epoll-level, epoll-edge and epoll-one-shot on demo servers.

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
from comparison.finding import level_against_edge
from comparison.measure import Bench, default_build
from comparison.processes import Failed
from comparison.progress import Progress, clock_time
from comparison.rounds import Budget, carry_out, plan
from comparison.summary import Results

PROJECT = Path(__file__).resolve().parent.parent
ECHO_SIZE, UPLOAD_SIZE = 64, 65536
UPLOAD_CONNECTIONS = (1, 50)
MIB = 1024 * 1024


def arguments(words=None):
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Compares the dispatch of select-level, poll-level, epoll-level, epoll-edge "
        "and epoll-one-shot: a demo server on one core, concurrent clients on another, small "
        "messages and bulk uploads. Installs missing Debian packages and builds a release first.",
        epilog="Ctrl-C stops and reports what was measured until then.",
    )
    parser.add_argument("--quick", action="store_true",
                        help="1 and 50 connections, 3 rounds: less than half a minute")
    parser.add_argument("--connections", type=_numbers, metavar="N,N,…",
                        help="numbers of connections (1,50,500,5000)")
    parser.add_argument("--rounds", type=int, help="timed rounds (5; at least 5 tell a difference)")
    parser.add_argument("--budget", type=float, metavar="SECONDS",
                        help="how long to measure (150; 22 with --quick)")
    parser.add_argument("--seed", type=int, help="of the order of the modes (random)")
    parser.add_argument("--spin", action="store_true",
                        help="the clients never sleep: steadier, but they use their whole core")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                        help="folder of results.json and report.html (build/bench)")
    parser.add_argument("--servers", type=Path, metavar="FOLDER",
                        help="take echo_server, discard_server and their _hooked twins from here")
    parser.add_argument("--build", type=Path, default=default_build(PROJECT),
                        help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    options.connections = options.connections or ([1, 50] if options.quick else [1, 50, 500, 5000])
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.budget = options.budget or (22.0 if options.quick else 150.0)
    options.seed = options.seed if options.seed is not None else random.randrange(2**32)
    if options.rounds < 1 or min(options.connections) < 1 or options.budget <= 0:
        parser.error("rounds, connections and budget must be positive")
    return options


def _numbers(text):
    return [int(part) for part in text.split(",")]


def workloads_of(options):
    echo = [cells.Workload("echo", count, ECHO_SIZE) for count in options.connections]
    uploads = [count for count in UPLOAD_CONNECTIONS if count <= max(options.connections)]
    return echo + [cells.Workload("upload", count, UPLOAD_SIZE) for count in uploads]


def measure(options, workloads, bench, results):
    """True when all runs were made, False when Ctrl-C ended them."""
    wanted = []
    for workload in workloads:
        for mode in cells.MODES:
            reason = cells.refusal(workload, mode, machine.hard_descriptor_limit())
            if reason:
                results.refuse(workload, mode, "refused: " + reason)
            else:
                wanted.append((workload, mode))

    def keep(run, values):
        if isinstance(values, Failed):
            what = "counting calls" if run.counting else "timing"
            results.refuse(run.workload, run.mode, f"{what}, round {run.round}: {values}")
        else:
            results.add(run, values)

    progress = Progress()
    runs = plan(wanted, options.rounds, counting_rounds(options), options.seed)
    try:
        carry_out(runs, bench, Budget(options.budget), progress, keep)
        return True
    except KeyboardInterrupt:
        return False
    finally:
        progress.end()


def counting_rounds(options):
    return 1 if options.quick else min(3, options.rounds)


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


def write_report(folder, results, workloads, findings, document):
    from comparison.page import page  # matplotlib takes a second to load: not before measuring

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False))
    (folder / "report.html").write_text(page(results, workloads, cells.MODES, findings, document))


def main():
    options = arguments()
    started = time.monotonic()
    server_core, client_core = machine.core_pair()
    bench = Bench(options.build, options.servers, server_core, client_core, options.spin)
    workloads = workloads_of(options)
    results = Results()
    document = {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "command_line": shlex.join(["bench/run", *sys.argv[1:]]),
        "seed": options.seed,
        "plan": {
            "rounds": options.rounds, "counting_rounds": counting_rounds(options),
            "budget_seconds": options.budget, "spin": options.spin,
            "server_core": server_core, "client_core": client_core,
        },
        "machine": machine.facts(PROJECT, options.build),
    }
    if server_core == client_core:
        print("Only one core: server and clients share it.", file=sys.stderr)
    try:
        bench.check_programs()
    except Failed as failure:
        print(f"bench/run: {failure}", file=sys.stderr)
        return 2
    complete = measure(options, workloads, bench, results)
    further = measure_further(options, bench) if complete else []
    findings = level_against_edge(results, workloads)
    document |= {
        "complete": complete,
        "seconds": time.monotonic() - started,
        "finding": findings,
        "cells": [cell_summary(results, each, mode) for each in workloads for mode in cells.MODES],
        "samples": results.samples,
        "further": further,
    }
    print(table.terminal(results, workloads, cells.MODES))
    for section in further:
        print(table.further(section))
    for sentence in findings:
        print("\n".join(wrap(sentence, table.WIDTH)) + "\n")
    write_report(options.output, results, workloads, findings, document)
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
