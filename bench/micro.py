"""What the Reactor seam and the EventLoop add to bare loops on select, poll and epoll.

Run it through bench/micro, which builds what it needs.
"""

import argparse
import json
import shlex
import shutil
import sys
import time
from pathlib import Path

import instructions
from comparison import machine, report, result_file
from comparison.micro_pairs import PROCESSES, WATCHED, sample_rounds
from comparison.statistics import estimate, median
from comparison.table import align

PROJECT = Path(__file__).resolve().parent.parent
BACKENDS = ["epoll", "poll", "select"]
ACTIVE = [1, 16, 100, 1000]
ENGINE = ["seam", "loop"]
COUNTED = ["bare", *ENGINE, "run"]
CONTROL = "bare again"
AIM = 1.05
TURNS = {1: (200, 1200), 16: (200, 1200), 100: (50, 350), 1000: (20, 80)}


def arguments():
    parser = argparse.ArgumentParser(prog="bench/micro", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25,
                        help=f"pairs for each figure, spread over {PROCESSES} processes (25)")
    parser.add_argument("--milliseconds", type=int, default=8, help="length of one run (8)")
    parser.add_argument("--backends", type=lambda text: text.split(","), default=BACKENDS,
                        help="epoll,poll,select")
    parser.add_argument("--no-instructions", action="store_true", help="leave callgrind out")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench")
    parser.add_argument("--build", type=Path, default=PROJECT / "build" / "release",
                        help=argparse.SUPPRESS)
    return parser.parse_args()


def time_figures(samples, active):
    figures = {"bare_ns_per_turn": median([each["bare"] / each["turns"] for each in samples])}
    figures["bare_ns_per_event"] = figures["bare_ns_per_turn"] / active
    for name in [*ENGINE, CONTROL]:
        ratios = [each[name] / each["bare"] for each in samples]
        found = estimate(ratios)
        figures[name] = {"ratio": found.median, "interval": [found.low, found.high],
                         "ratios": ratios}
    return figures


def instructions_per_turn(program, backend, active, contestant):
    """User-space instructions of a turn."""
    return instructions.for_each(
        [program, "--backend", backend, "--watched", WATCHED, "--active", active,
         "--only", contestant, "--turns"], *TURNS[active])


def verdict(figure):
    low, high = figure["interval"]
    if high <= AIM:
        return "met"
    return "missed" if low > AIM else "open"


def time_table(results):
    header = ["", "bare ns/event", *[f"{name} ÷ bare" for name in [*ENGINE, CONTROL]],
              f"loop ≤ {AIM}"]
    rows = []
    for (backend, active), figures in results.items():
        row = [f"{backend}, {active} of {WATCHED} ready", f"{figures['bare_ns_per_event']:.1f}"]
        for name in [*ENGINE, CONTROL]:
            low, high = figures[name]["interval"]
            row.append(f"{figures[name]['ratio']:.3f} ({low:.3f}–{high:.3f})")
        rows.append(row + [verdict(figures["loop"])])
    return align(header, rows)


def instruction_table(results):
    """Of a turn with one event; for each event of a turn with 100."""
    names = COUNTED
    header = ["", *[f"{name}: turn of 1" for name in names],
              *[f"{name}: event of 100" for name in names]]
    rows = []
    for backend, counts in results.items():
        rows.append([backend, *[f"{counts[name][1]:.0f}" for name in names],
                     *[f"{counts[name][100] / 100:.1f}" for name in names]])
    return align(header, rows)


def main():
    options = arguments()
    program = str(options.build / "bench" / "micro_pairs")
    facts, begin = describe(options), time.monotonic()
    core = machine.core_pair()[0]
    times, counts = {}, {}
    for backend in options.backends:
        for active in ACTIVE:
            print(f"{backend}, {active} of {WATCHED} ready …", file=sys.stderr)
            samples = sample_rounds(
                program, core, backend, active, options.rounds, options.milliseconds)
            times[backend, active] = time_figures(samples, active)
    print(f"CPU time, median of {options.rounds} pairs (95 % interval by bootstrap)\n")
    print("\n".join(time_table(times)))
    wants_count = not options.no_instructions and shutil.which("valgrind")
    for backend in options.backends if wants_count else []:
        print(f"{backend}: counting instructions …", file=sys.stderr)
        counts[backend] = {
            name: {active: instructions_per_turn(program, backend, active, name)
                   for active in (1, 100)}
            for name in COUNTED
        }
    if counts:
        print(f"\nUser instructions (callgrind), {WATCHED} watched: of a turn with one event, and "
              "per event of a turn with 100\n")
        print("\n".join(instruction_table(counts)))
    facts["seconds"] = time.monotonic() - begin
    write(options, facts, times, counts)


def describe(options):
    return {
        "format": result_file.FORMAT,
        "kind": "micro",
        "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "command_line": shlex.join(["bench/micro", *sys.argv[1:]]),
        "complete": True,
        "machine": machine.facts(PROJECT, options.build),
        "watched": WATCHED,
    }


def write(options, facts, times, counts):
    options.output.mkdir(parents=True, exist_ok=True)
    document = facts | {
        "time": [{"backend": backend, "active": active, **figures}
                 for (backend, active), figures in times.items()],
        "instructions_per_turn": counts,
    }
    (options.output / "micro.json").write_text(json.dumps(document, indent=1, ensure_ascii=False))
    report.write(options.output)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    main()
