"""Compares modes of dispatch, other libraries, models of serving and servers of one's own.

Run it through bench/run, which installs and builds what it needs.
"""

import os
import shlex
import signal
import sys
import time
import traceback
from textwrap import wrap

from comparison import changes, further, machine, peers_micro, report, result_file, table
from comparison.command_line import PROJECT, arguments
from comparison.contestants import POOL_THREADS
from comparison.contestants_of_peers import missing as missing_peers
from comparison.finding import (agreement, disagreements, held_against_base, knees,
                                level_against_edge, models_side_by_side)
from comparison.measure import Bench, counts_itself, counts_when_traced, server_command
from comparison.plan import parts_of, refused_lines, warnings
from comparison.processes import Failed
from comparison.progress import Line, Progress, clock_time
from comparison.results import COUNTED, KNEE, TIMED, Results
from comparison.rounds import Budget, carry_out
from comparison.under_load import TooMany

FACTS_OF_ALL_FILES = ["started", "command_line", "seed", "seconds", "complete", "machine"]
PATIENCE = {"servers": (10.0, 10.0), "models": (8.0, 2.0)}  # seconds, full and quick


def bench_of(options, part):
    server_core, client_core = machine.core_pair()
    return Bench(options.build, server_core, machine.cores_beside(client_core), client_core,
                 options.spin, PATIENCE[part.name][options.quick])


def measure_all(options, parts, results, more):
    """True when all runs were made; False when Ctrl-C, or an error of ours, ended them. From here
    on Ctrl-C is ignored: what was measured is written down, which takes seconds."""
    try:
        for number, part in enumerate(parts):
            later = sum(each.budget for each in parts[number + 1:]) + further.seconds_of(options)
            measure(part, bench_of(options, part), options.seed, results, Progress(later))
        measure_further(options, more)
        return True
    except KeyboardInterrupt:
        return False
    except Exception:
        traceback.print_exc()
        return False
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def check(options, parts):
    """Raises Failed before anything is measured when a program is missing."""
    for part in parts:
        for workload, contestant in part.cells:
            server_command(options.build, contestant, workload)
            if COUNTED in part.rounds and counts_itself(contestant, workload):
                server_command(options.build, contestant, workload, hooked=True)


def measure(part, bench, seed, results, progress):
    def keep(run, values):
        if isinstance(values, TooMany):
            results.refuse(run.workload, run.contestant, str(values))
        elif isinstance(values, Failed):
            what = {TIMED: "timing", KNEE: "ramp"}.get(run.kind, "counting calls")
            results.refuse(run.workload, run.contestant, f"{what}, round {run.round}: {values}")
        else:
            results.add(run, values)

    try:
        carry_out(part.runs(seed), bench.ways(), Budget(part.budget), progress, keep)
    finally:
        progress.end()


def measure_further(options, found):
    show = Line()
    try:
        further.measure(options, machine.core_pair(), show, found)
    finally:
        show.end()


def describe(options, parts):
    """What a reader needs to judge the figures and to repeat them."""
    server_core, client_core = machine.core_pair()
    return {
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "command_line": shlex.join(["bench/run", *sys.argv[1:]]),
        "seed": options.seed,
        "plan": {
            "parts": [{"name": part.name, "rounds": part.rounds, "budget_seconds": part.budget,
                       "patience": PATIENCE[part.name][options.quick]} for part in parts],
            "spin": options.spin, "server_core": server_core, "client_core": client_core,
            "cores_of_several": sorted(machine.cores_beside(client_core)),
            "pool_threads": POOL_THREADS,
        },
        "machine": machine.facts(PROJECT, options.build),
    }


def findings(results, parts):
    compared = {workload: contestants for part in parts
                for workload, contestants in part.contestants_of().items()}
    everybody = list(dict.fromkeys(each for several in compared.values() for each in several))
    workloads = list(compared)
    sentences = []
    if wrong := disagreements(results):
        sentences.append("THE COUNTS ARE WRONG: the kernel has seen other calls than a server has "
                         "counted. " + "; ".join(wrong[:10]) + ".")
    sentences += filter(None, [agreement(results, {
        (workload.name, each.name) for workload, contestants in compared.items()
        for each in contestants if counts_when_traced(each, workload)})])
    if any(KNEE in part.rounds for part in parts):
        return sentences + knees(results, workloads, everybody)
    if any(each.name == "epoll-edge" for each in everybody):
        sentences += level_against_edge(results, workloads)
    for group in ("peers", "own"):
        sentences += held_against_base(
            results, workloads, [each for each in everybody if each.group == group])
    models = [each for each in everybody if each.group == "models"]
    return sentences + models_side_by_side(results, workloads, models)


def show(results, parts, tables, sentences):
    for part in parts:
        print(table.terminal(results, part.contestants_of()))
    for each in tables:
        print(table.further(each))
    for sentence in sentences:
        print("\n".join(wrap(sentence, table.WIDTH)) + "\n")


def write(options, document, loops):
    """All files. Returns the page's path."""
    result_file.write(options.output, document)
    if loops:
        facts = {key: document[key] for key in FACTS_OF_ALL_FILES}
        result_file.write_peers(options.output, facts | {
            "samples": loops, "versions": peers_micro.versions(options.build)})
    return report.write(options.output)


def held_against_baseline(options, document):
    """False when a count has become worse, or none could be compared."""
    if options.save_baseline:
        options.save_baseline.write_text(
            result_file.as_text(result_file.counts_alone(document)))
    if not options.baseline:
        return True
    baseline, now = options.baseline_run, result_file.of(document)
    worse = changes.worse_counts(baseline, now)
    guarded = len(changes.guarded(baseline, changes.cells(now)))
    for each in worse:
        print(f"worse than {options.baseline}: {each.workload} {each.contestant}, "
              f"{each.metric.title} {each.metric.unit}: {each.before:.3f} → {each.after:.3f}")
    print(f"{options.baseline}: the counts of {guarded} cells were compared, "
          f"{len(worse)} are worse")
    return guarded and not worse


def without_figures(results, parts):
    """Whether a mode, or a server of one's own, was measured in vain; it is said in the table."""
    return any(cell.contestant.group in ("modes", "own") and not results.has_times(*cell)
               for part in parts for cell in part.cells)


def prepare(options):
    """The parts; None when there is nothing to run."""
    parts = parts_of(options)
    if "peers" in options.only:
        for library, package in missing_peers(options.build).items():
            print(f"not here: {library} (Debian package {package})", file=sys.stderr)
    for line in refused_lines(parts):
        print(f"refused: {line}", file=sys.stderr)
    for line in warnings(parts, len(machine.cores_beside(machine.core_pair()[1]))):
        print(line, file=sys.stderr)
    if not any(part.cells for part in parts):
        print("bench/run: nothing is left to measure", file=sys.stderr)
        return None
    check(options, parts)
    if options.baseline and not changes.guarded(options.baseline_run, [
            cell for part in parts if COUNTED in part.rounds for cell in part.cells]):
        raise Failed(f"--baseline {options.baseline}: no cell that is measured is in it with counts "
                     "that are the same on every machine")
    server_core, client_core = machine.core_pair()
    if server_core == client_core:
        print("Only one core: server and clients share it.", file=sys.stderr)
    return parts


def main():
    options = arguments()
    started = time.monotonic()
    try:
        parts = prepare(options)
    except Failed as failure:
        print(f"bench/run: {failure}", file=sys.stderr)
        return 2
    if parts is None:
        return 2
    facts, results = describe(options, parts), Results()
    for part in parts:
        results.bases |= part.bases()
        for cell, reason in part.refused:
            results.refuse(*cell, "refused: " + reason)
    more = further.Further()
    complete = measure_all(options, parts, results, more)
    found = findings(results, parts)
    document = result_file.document(
        parts, results, **facts, complete=complete, seconds=time.monotonic() - started,
        finding=found, further=more.sections)
    show(results, parts, more.tables(), found + more.sentences())
    write(options, document, more.loops)
    where = min(os.path.relpath(options.output), str(options.output.resolve()), key=len)
    print(f"{clock_time(time.monotonic() - started)} minutes; {where}/report.html, "
          f"{where}/results.json, {where}/results.csv")
    if not complete:
        print("Stopped before the end: fewer rounds than planned.", file=sys.stderr)
        return 130
    if not results.samples or disagreements(results) or without_figures(results, parts):
        return 1
    return 0 if held_against_baseline(options, document) else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
