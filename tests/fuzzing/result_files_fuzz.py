#!/usr/bin/python3
"""Result files that are not what bench/ wrote: cut off, edited by hand, of another program. The
report, bench/compare, a baseline and earlier findings say so in one line, or make the best of it;
nobody sees a traceback, and what was there before stays.

    result_files_fuzz.py [--runs N | --seconds S] [--seed N] [--folder FOLDER]

Each run changes a made-up file at random. A file that breaks something is left in FOLDER.
"""

import argparse
import contextlib
import copy
import io
import json
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "bench"), str(PROJECT / "tests" / "bench")]

import compare  # noqa: E402
import report_examples as examples  # noqa: E402
from comparison import changes, claims_kept, report, result_file  # noqa: E402
from comparison.processes import Failed  # noqa: E402

STRANGE = [None, True, 0, -1, 1, 0.5, 1e308, 10**30, -(10**400), float("nan"), float("inf"), "",
           "x", "1", "K", "K99", "\x1b[2J<b>&", "one\ntwo", "9" * 400, [], {}, [[]], [None], {"": []},
           [1, "2", None], {"name": "x"}]
GARBAGE = [b"", b"{", b"[", b"null", b"nul", b"0", b"\xff\xfe", b"\0", b"[" * 100_000,
           b'{"a":' * 20_000, b'{"format": 2}', b'{"format": 2, "kind": "run"}', b"9" * 5000,
           b'{"format": 2, "format": 3}', b'"' + b"x" * 10]


def places(value, path=()):
    """All places in a document: paths of keys and positions."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value[:4]):
            yield from places(each, (*path, place))


def changed(document, dice):
    """One change somewhere; shallow places are as likely as deep ones."""
    by_depth = {}
    for path in places(document):
        by_depth.setdefault(len(path), []).append(path)
    path = dice.choice(by_depth[dice.choice(list(by_depth))])
    if not path:
        return copy.deepcopy(dice.choice(STRANGE))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    key, what = path[-1], dice.randrange(6)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[str(key) + "x"] = holder.pop(key)
    elif what == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif what == 3:
        holder[key] = copy.deepcopy(dice.choice([*holder.values()] if isinstance(holder, dict)
                                                else holder))
    else:
        holder[key] = copy.deepcopy(dice.choice(STRANGE))
    return document


def as_bytes(document, dice):
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        document = changed(document, dice)
    text = bytearray(json.dumps(document).encode())
    what = dice.randrange(10)
    if what == 0:
        return bytes(text[:dice.randrange(len(text))])
    if what == 1:
        text[dice.randrange(len(text))] = dice.randrange(256)
    if what == 2:
        return dice.choice(GARBAGE)
    return bytes(text)


def made_up():
    """Small files, one of each kind."""
    peers = examples.peers_file(rounds=2)
    return {"results.json": examples.run_file(
                [examples.ECHO[0], examples.SPARSE[0], examples.UPPER[0]], rounds=2),
            "peers.json": peers, "claims.json": examples.claims_file(),
            "micro.json": examples.micro_file()}


class Wrong(Exception):
    """What should not be."""


def must(holds, what):
    if not holds:
        raise Wrong(what)


def check_message(text):
    must(text.strip() and "\n" not in text.strip(), f"a refusal is one line: {text!r}")
    must(text.isprintable(), f"it commands no terminal: {text!r}")
    must("Traceback" not in text and len(text) < 2000, f"it is for people: {text[:200]!r}")


def refused(call, *words):
    """What it gives; None when it was refused."""
    try:
        return call(*words)
    except Failed as problem:
        check_message(str(problem))
        return None


class Run:
    """In a folder with this one file."""

    def __init__(self, folder, name, content, good):
        self.folder, self.name, self.good = folder, name, good
        self.path = folder / name
        self.path.write_bytes(content)

    def reported(self):
        before = self.folder / "report.html"
        before.write_text("the report of before")
        page = refused(report.write, self.folder)
        if page is None:
            must(before.read_text() == "the report of before", "what was there before stays")
        else:
            must(page.read_text().endswith("</html>\n"), "the page is whole")

    def compared(self):
        other = self.folder / "good.json"
        other.write_text(json.dumps(self.good))
        for files in ((self.path, other), (other, self.path)):
            said, complaints = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaints):
                status = compare.main([str(each) for each in files])
            must(status in (0, 2), f"status {status}")
            if status == 2:
                check_message(complaints.getvalue().strip())

    def held_against(self):
        baseline = refused(result_file.read, self.path)
        if baseline is not None:
            now = result_file.of(self.good)
            changes.guarded(baseline, changes.cells(now))
            changes.worse_counts(baseline, now)

    def kept(self):
        kept, said = claims_kept.keep(self.folder, copy.deepcopy(self.good))
        must(kept["kind"] == "claims" and isinstance(said, list), "the new findings are kept")
        claims_kept.write(self.folder, kept)

    def all(self):
        if self.name == "results.json":
            self.compared()
            self.held_against()
        self.reported()
        if self.name == "claims.json":
            self.kept()


def one_run(number, folder, good):
    dice = random.Random(number)
    name = dice.choice(list(good))
    content = as_bytes(copy.deepcopy(good[name]), dice)
    with tempfile.TemporaryDirectory() as place:
        try:
            Run(Path(place), name, content, good[name]).all()
        except Exception:
            kept = folder / f"{Path(name).stem}-{number}.json"
            kept.write_bytes(content)
            traceback.print_exc()
            print(f"again: {sys.argv[0]} --seed {number} --runs 1\nTest unit written to {kept}")
            return False
    return True


def main():
    parser = argparse.ArgumentParser(prog="result_files_fuzz.py")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=86_400.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each has the next")
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    good = made_up()
    until = time.monotonic() + options.seconds
    runs, bad = 0, 0
    while runs < options.runs and time.monotonic() < until and bad < 10:
        bad += not one_run(options.seed + runs, options.folder, good)
        runs += 1
    print(f"number_of_executed_units: {runs}\n{runs - bad} runs hold, {bad} do not")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
