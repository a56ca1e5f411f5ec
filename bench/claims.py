"""Tries published claims about select, poll, epoll and what is built on them.

Run it through bench/claims, which installs and builds what it needs.
"""

import argparse
import os
import random
import shlex
import sys
import time
from pathlib import Path

from comparison import claims, claims_kept, claims_page, machine, report, trial
from comparison.laboratory import Laboratory
from comparison.measure import default_build
from comparison.progress import clock_time
from comparison.result_file import FORMAT

PROJECT = Path(__file__).resolve().parent.parent
ROUNDS, QUICK_ROUNDS = 25, 3


def arguments(words=None, known=()):
    parser = argparse.ArgumentParser(
        prog="bench/claims",
        description="Tries what has been published about readiness and event loops (K1 to K32), "
        "and says for each claim: holds, does not hold, undecided here, or not tried here and "
        "why. Installs missing Debian packages and builds a release first.",
        epilog="Ctrl-C stops and keeps what was found until then. Findings of an earlier run in the "
        "same folder stay where a claim is not tried to its end now, if machine and commit are the "
        "same; else the earlier file is set aside under another name.",
    )
    parser.add_argument("--only", type=lambda text: text.upper().split(","), metavar="K1,K2,…",
                        help="these claims; findings of others stay in claims.json")
    parser.add_argument("--quick", action="store_true",
                        help="few rounds, less than a minute; most verdicts stay undecided")
    parser.add_argument("--rounds", type=int,
                        help=f"interleaved rounds ({ROUNDS}; fewer than 20 decide nothing)")
    parser.add_argument("--seed", type=int, help="of the order within the rounds (random)")
    parser.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                        help="folder of claims.json, claims.md and report.html (build/bench)")
    parser.add_argument("--build", type=Path, default=default_build(PROJECT),
                        help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    unknown = [name for name in options.only or [] if name not in known]
    if unknown:
        parser.error(f"no claim {', '.join(unknown)}: choose among {', '.join(known)}")
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.seed = options.seed if options.seed is not None else random.randrange(2**32)
    if options.rounds < 1:
        parser.error("rounds must be positive")
    try:
        options.output.mkdir(parents=True, exist_ok=True)  # now, not after minutes of measuring
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror}")
    return options


def document_of(found, options, started, seconds):
    """The result file. Samples that several claims were judged by are kept once."""
    kept, places, judged = {}, {}, []
    for each in found.tried:
        claim, finding = each.claim, each.finding
        place = places.setdefault(id(finding.samples), claim.id) if finding.samples else None
        if place == claim.id:
            kept[place] = finding.samples
        judged.append({
            "id": claim.id, "claim": claim.text, "source": claim.source,
            "criterion": claim.criterion, "revised": claim.revised, "left_out": claim.left_out,
            "verdict": finding.verdict, "figure": finding.figure,
            "negative": finding.negative, "table": finding.table, "samples_of": place,
            "seconds": round(each.seconds, 2), "started": started, "seed": options.seed,
            "rounds": finding.rounds or options.rounds, "stopped": each.stopped})
    return {
        "format": FORMAT, "kind": "claims", "started": started,
        "command_line": shlex.join(["bench/claims", *sys.argv[1:]]),
        "seed": options.seed, "rounds": options.rounds, "quick": options.quick,
        "seconds": seconds, "complete": found.complete,
        "machine": machine.facts(PROJECT, options.build), "claims": judged, "samples": kept,
    }


def main():
    known = {claim.id: claim for claim in claims.load_all()}
    options = arguments(known=known)
    chosen = [claim for claim in known.values() if not options.only or claim.id in options.only]
    started, begin = time.strftime("%Y-%m-%d %H:%M:%S %Z"), time.monotonic()
    progress = trial.ClaimProgress(
        chosen, trial.QUICK_SHARE if options.quick else options.rounds / ROUNDS)
    found = trial.try_all(chosen, Laboratory(
        options.build, options.rounds, options.quick, options.seed, show=progress.show), progress)
    document = document_of(found, options, started, time.monotonic() - begin)
    document, said = claims_kept.keep(options.output, document)
    claims_kept.write(options.output, document)
    print(claims_page.terminal(document))
    (options.output / "claims.md").write_text(claims_page.markdown(document))
    report.write(options.output)
    where = min(os.path.relpath(options.output), str(options.output.resolve()), key=len)
    print(f"\n{clock_time(document['seconds'])} minutes; {where}/report.html, "
          f"{where}/claims.md, {where}/claims.json")
    for sentence in said:
        print(f"{sentence}.")
    if not found.complete:
        print("Stopped before the end.", file=sys.stderr)
        return 130
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
