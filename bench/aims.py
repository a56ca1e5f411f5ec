"""Measures what the engine may cost, row by row, with other libraries and bare loops beside it.

Run it through bench/aims, which installs and builds what it needs.
"""

import argparse
import json
import os
import random
import shlex
import sys
import time
from pathlib import Path

from comparison import aims, json_file, machine, marked_page
from comparison.aims import page
from comparison.aims.case import MISSED
from comparison.aims.run import measure
from comparison.laboratory import Laboratory
from comparison.measure import default_build
from comparison.processes import Failed
from comparison.progress import Line
from comparison.result_file import FORMAT

PROJECT = Path(__file__).resolve().parent.parent
ROUNDS, QUICK_ROUNDS = 24, 2
FULL_RUN = "--page is for a full run"


def arguments(words=None):
    known = aims.load_all()
    parser = argparse.ArgumentParser(
        prog=page.PROGRAM,
        description="Measures what the engine may cost: instructions, system calls, allocations, "
        "bytes and paired times, each beside bare loops and other libraries in the same run, and "
        "holds it against its aim. Installs missing Debian packages and builds a release first.",
        epilog="Rows: " + ", ".join(known) + ". Status 1: an aim is missed. Ctrl-C keeps what was "
        "measured until then.",
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows")
    parser.add_argument("--quick", action="store_true",
                        help="few rounds and small crowds: a minute; times stay open")
    parser.add_argument("--rounds", type=int,
                        help=f"interleaved rounds ({ROUNDS}; fewer than 20 decide nothing)")
    parser.add_argument("--seed", type=int, help="of the order within the rounds (random)")
    parser.add_argument("--page", type=Path, metavar="FILE",
                        help="put the table of a full run into this page, such as "
                        "docs/performance.md")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE",
                        help="measure nothing: show all of an aims.json again")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                        help="folder of aims.json and aims.md (build/bench)")
    parser.add_argument("--build", type=Path, default=default_build(PROJECT),
                        help=argparse.SUPPRESS)
    return settled(parser, parser.parse_args(words), known)


def settled(parser, options, known):
    """What is not said follows from the rest; what cannot be is refused now, not after minutes."""
    unknown = [name for name in options.only or [] if name not in known]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}: choose among {', '.join(known)}")
    options.rows = [row for name, row in known.items() if name in (options.only or known)]
    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else ROUNDS
    if options.rounds < 1:
        parser.error("rounds must be positive")
    if options.seed is None:
        options.seed = random.randrange(2**32)
    if options.page and (options.only or options.quick):
        parser.error(FULL_RUN)
    if options.source and (options.only or options.quick):
        parser.error("--from measures nothing, and shows all that was measured")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        if options.page:
            marked_page.with_figures(options.page.read_text(), "", page.PROGRAM)
    except (OSError, ValueError) as problem:
        parser.error(str(problem))
    return options


def measured(options):
    """The document of aims.json."""
    started, begin = time.strftime("%Y-%m-%d %H:%M %Z"), time.monotonic()
    line, rows, complete = Line(), [], True
    lab = Laboratory(options.build, options.rounds, options.quick, options.seed,
                     show=line.write if sys.stderr.isatty() else lambda text: None)
    try:
        for row in measure(options.rows, lab, lambda row: line.write(f"{row.name} …")):
            line.end()
            print(page.line(row), flush=True)
            rows.append(row)
    except KeyboardInterrupt:
        line.end()
        complete = False
    return {"format": FORMAT, "kind": "aims", "started": started,
            "seconds": time.monotonic() - begin, "complete": complete,
            "command_line": shlex.join([page.PROGRAM, *sys.argv[1:]]), "seed": options.seed,
            "rounds": options.rounds, "quick": options.quick,
            "machine": machine.facts(PROJECT, options.build), "rows": rows}


def read(path):
    """A document that was measured before, its tables, and what a terminal has of it. Raises
    Failed."""
    document = json_file.read(path)
    with json_file.understood(f"{path} is not what {page.PROGRAM} writes"):
        if document["kind"] != "aims" or document["format"] != FORMAT:
            raise ValueError(f"{document['kind']}, format {document['format']}")
        return document, page.markdown(document), "\n".join(map(page.line, document["rows"]))


def is_full(document):
    return (document["complete"] and not document["quick"]
            and [row["name"] for row in document["rows"]] == list(aims.load_all()))


def main():
    options = arguments()
    if options.source:
        try:
            document, figures, said = read(options.source)
            if options.page and not is_full(document):
                raise Failed(f"{options.source} is of a part: {FULL_RUN}")
        except Failed as problem:
            print(f"{page.PROGRAM}: {problem}", file=sys.stderr)
            return 2
        print(said)
    else:
        document = measured(options)
        figures = page.markdown(document)
        (options.output / "aims.json").write_text(json.dumps(document, indent=1))
        (options.output / "aims.md").write_text(figures)
    if options.page and document["complete"]:
        options.page.write_text(
            marked_page.with_figures(options.page.read_text(), figures, page.PROGRAM))
    return ended(options, document)


def ended(options, document):
    """Says where it all is; the status."""
    if not options.source:
        where = min(os.path.relpath(options.output), str(options.output.resolve()), key=len)
        print(f"\n{document['seconds']:.0f} s; {where}/aims.md, {where}/aims.json")
    if not document["complete"]:
        print("Stopped before the end.", file=sys.stderr)
        return 130
    bad = any(row["verdict"] == MISSED or row["broken"] for row in document["rows"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
