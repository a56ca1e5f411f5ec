"""Abuses the demo servers, and measures what others have of it.

Run it through bench/abuse, which installs and builds what it needs.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

from comparison import machine
from comparison.abuse import listed, page
from comparison.abuse.trial import Trial
from comparison.measure import default_build

PROJECT = Path(__file__).resolve().parent.parent


def arguments(words=None):
    parser = argparse.ArgumentParser(
        prog="bench/abuse",
        description="Does to the demo servers what they cannot prevent, and measures the others "
        "who want to be served meanwhile: idle crowds, slow ones, clients that do not read, "
        "announcements of lengths, resets, and too few descriptors, ports, memory and disk. "
        "Installs missing Debian packages and builds a release first.",
        epilog="Status 1: a server grew by more than it may, lost a descriptor, failed one who "
        "meant no harm, or ended. How long anybody waited decides nothing.",
    )
    parser.add_argument("--only", metavar="WORDS",
                        help="those whose name holds these words, such as: never read")
    parser.add_argument("--quick", action="store_true",
                        help="small crowds and short phases: half a minute")
    parser.add_argument("--page", type=Path, metavar="FILE",
                        help="put the figures into this page, such as docs/abuse.md")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                        help="folder of abuse.json and abuse.md (build/bench)")
    parser.add_argument("--build", type=Path, default=default_build(PROJECT),
                        help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    options.pairs, options.phase, options.share = (1, 0.2, 0.1) if options.quick else (5, 0.8, 1.0)
    options.abuses = [each for each in listed.all_of(options.share)
                      if not options.only or options.only in each.name]
    if not options.abuses:
        parser.error(f"no “{options.only}”: there are "
                     + ", ".join(each.name for each in listed.all_of()))
    if options.page and (options.only or options.quick):
        parser.error("--page is for a full run")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        if options.page:
            page.with_figures(options.page.read_text(), "")  # now, not after minutes
    except (OSError, ValueError) as problem:
        parser.error(str(problem))
    return options


def main():
    options = arguments()
    started, begin = time.strftime("%Y-%m-%d %H:%M %Z"), time.monotonic()
    tried = []
    for abuse in options.abuses:
        outcome = Trial(abuse, options.build, machine.core_pair(), options.pairs,
                        options.phase).run()
        tried.append(page.document_of(abuse, outcome))
        print(page.line(tried[-1]), flush=True)
    document = {"kind": "abuse", "started": started, "seconds": time.monotonic() - begin,
                "command_line": shlex.join(["bench/abuse", *sys.argv[1:]]),
                "pairs": options.pairs, "phase": options.phase,
                "machine": machine.facts(PROJECT, options.build), "abuses": tried}
    figures = page.markdown(document)
    (options.output / "abuse.json").write_text(json.dumps(document, indent=1))
    (options.output / "abuse.md").write_text(figures)
    if options.page:
        options.page.write_text(page.with_figures(options.page.read_text(), figures))
    broken = sum(bool(each["broken"]) for each in tried)
    where = min(os.path.relpath(options.output), str(options.output.resolve()), key=len)
    print(f"\n{len(tried)} abuses, {broken} of them broke something; "
          f"{document['seconds']:.0f} s; {where}/abuse.md, {where}/abuse.json")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
