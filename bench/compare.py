"""Says what changed between two runs of bench/run. Run it through bench/compare."""

import argparse
import sys
from pathlib import Path
from textwrap import wrap

from comparison import changes, json_file, result_file
from comparison.finding import number, ranged
from comparison.processes import Failed
from comparison.statistics import ENOUGH_ROUNDS
from comparison.table import WIDTH, align


def arguments(words=None):
    parser = argparse.ArgumentParser(
        prog="bench/compare",
        description="What changed significantly from one run of bench/run to another: counts "
        "where they differ by more than they spread, times where the 95 % interval of the ratio "
        "does not contain 1. A change of time that may be chance has a question mark: with fewer "
        f"than {ENOUGH_ROUNDS} rounds, or among as many comparisons as were made.",
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
    if few := changes.too_few_counts(before, after):
        lines += wrap(f"Counts of {few} cells vary with timing and were not compared: that takes "
                      f"{changes.ENOUGH_COUNTS} counted rounds in both runs.", WIDTH)
    if timed:
        lines += wrap(f"{_by_chance(compared, found)} would differ by chance alone; those "
                      "without a question mark stand in spite of that (Holm, "
                      "5 %). “×” is the ratio to the base of the same run; a plain time also "
                      "differs by whatever else the machine did meanwhile.", WIDTH)
    for title, one, other in (("before", before, after), ("after", after, before)):
        common = [(workload, each.name) for workload, each in changes.common(one, other)]
        alone = [f"{workload.name} {each.name}" for workload, each in changes.cells(one)
                 if (workload, each.name) not in common]
        if alone:
            lines += wrap(f"Only {title}: {', '.join(alone)}.", WIDTH)
    return lines


def _by_chance(compared, found):
    expected = max(1, round(compared / 20))
    if min(each.ratio.count for each in found if not each.counted) < ENOUGH_ROUNDS:
        return (f"Of {compared} times more than {expected}, since intervals of fewer than "
                f"{ENOUGH_ROUNDS} rounds are too narrow,")
    return f"Of {compared} times about {expected}"


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
        with json_file.understood(f"{options.before} and {options.after} cannot be compared"):
            found = changes.changes(before, after)
            lines = report(before, after, found)
    except Failed as problem:
        print(f"bench/compare: {problem}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    if not changes.common(before, after):
        print(f"bench/compare: {options.before} and {options.after} have no cell in common",
              file=sys.stderr)
        return 2
    worse = any(each.worse and each.certain for each in found)
    return 1 if options.fail_on_worse and worse else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
