"""Says what changed between two runs of bench/run. Run it through bench/compare."""

import argparse
import sys
from pathlib import Path
from textwrap import wrap

from comparison import changes, result_file
from comparison.finding import number, ranged
from comparison.processes import Failed
from comparison.statistics import ENOUGH_ROUNDS
from comparison.table import WIDTH, align


def arguments(words=None):
    parser = argparse.ArgumentParser(
        prog="bench/compare",
        description="What changed significantly from one run of bench/run to another: counts "
        "where they differ by more than they spread, times where the 95 %% interval of the ratio "
        f"does not contain 1. With fewer than {ENOUGH_ROUNDS} rounds a change of time is marked as "
        "an indication.",
    )
    parser.add_argument("before", type=Path, metavar="A.json")
    parser.add_argument("after", type=Path, metavar="B.json")
    parser.add_argument("--fail-on-worse", action="store_true",
                        help="exit with status 1 when a count, or a time beyond doubt, is worse")
    return parser.parse_args(words)


def report(before, after, found):
    """Lines."""
    lines = []
    for text in changes.machine_differences(before, after):
        lines += wrap(f"Different machines or builds, times say little. {text}", WIDTH)
    lines += [f"before: {_whence(before)}", f"after:  {_whence(after)}", ""]
    if found:
        lines += align(["cell", "figure", "before", "after", "ratio", ""],
                       [_row(each) for each in found])
    compared = changes.comparisons(before, after)
    timed = sum(not each.counted for each in found)
    lines += ["", f"{len(found) - timed} counts and {timed} of {compared} times have changed."]
    if timed:
        lines += wrap(f"Of {compared} times about {max(1, round(compared / 20))} would differ by "
                      "chance alone. “×” is the ratio to the base of the same run; a plain time "
                      "also differs by whatever else the machine did meanwhile.", WIDTH)
    for title, one, other in (("before", before, after), ("after", after, before)):
        common = [(workload, each.name) for workload, each in changes.common(one, other)]
        alone = [f"{workload.name} {each.name}" for workload, each in changes.cells(one)
                 if (workload, each.name) not in common]
        if alone:
            lines += wrap(f"Only {title}: {', '.join(alone)}.", WIDTH)
    return lines


def _whence(run):
    machine = run.document.get("machine", {})
    whole = "" if run.document.get("complete", True) else ", stopped before its end"
    return (f"{run.document.get('started', 'unknown time')}, commit "
            f"{machine.get('commit', 'unknown')}{whole}")


def _row(change):
    verdict = "worse" if change.worse else "better"
    ratio = "counted" if change.counted else ranged(change.ratio)
    unit = f"×{change.base}" if change.base else change.metric.unit
    digits = 2 if change.base else change.metric.digits
    return [f"{change.workload} {change.contestant}", f"{change.metric.title} {unit}",
            number(change.before, digits), number(change.after, digits),
            ratio, verdict if change.certain else f"{verdict}?"]


def main(words=None):
    options = arguments(words)
    try:
        before, after = result_file.read(options.before), result_file.read(options.after)
    except Failed as problem:
        print(f"bench/compare: {problem}", file=sys.stderr)
        return 2
    found = changes.changes(before, after)
    print("\n".join(report(before, after, found)))
    worse = any(each.worse and each.certain for each in found)
    return 1 if options.fail_on_worse and worse else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
