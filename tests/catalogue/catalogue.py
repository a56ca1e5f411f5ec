#!/usr/bin/python3
"""Which test tries which promise, and on which backends: docs/catalogue.md.

    tests/catalogue/catalogue.py check PROGRAM...    # fails when an id has no test, or the page is old
    tests/catalogue/catalogue.py write PROGRAM...    # writes the page

PROGRAM is a doctest program; it is asked for its cases. Python tests are read from tests/. A test
bears the ids that its name begins with: "C3 bug-D2 without descriptors …", "L1 to L22: the table",
test_m7_bug_f2_a_flood. The word "torture" may stand before them.
tests/catalogue/catalogue.txt lists the ids and says how it is written.
"""

import ast
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIST = "tests/catalogue/catalogue.txt"
PAGE = "docs/catalogue.md"
BACKENDS = ("select", "poll", "epoll")
MODES = frozenset({"select level", "select one-shot", "poll level", "poll one-shot",
                   "epoll level", "epoll edge", "epoll one-shot"})
FURTHER = ("adaptive", "io_uring")  # those beyond the classic three: in the contract suite, not in the demos
ALL_MODES = MODES | {f"{backend} {trigger}"
                     for backend in FURTHER for trigger in ("level", "one-shot")}

ID = r"(?:[RLEDTWCSUMXP]\d+|bug-[A-I]\d*)"
IN_A_NAME = re.compile(rf"(?:(?:{ID}|[A-Z]\d+),? )+")
RANGE = re.compile(r"(bug-[A-I]|[A-Z])(\d+) to \1(\d+): ")
IN_A_FUNCTION = re.compile(r"test_((?:(?:bug_)?[a-z]\d+_|bug_[a-i]_)*)(.*)")
ENTRY = re.compile(rf"({ID}) +(?:\[(.*?)\] )?(\S.*)")
REMARK = re.compile(r" +(as|by|because) (.*)")


class Mistake(Exception):
    pass


@dataclass
class Entry:
    """An id. `needed` are backends that its tests must reach between them."""

    id: str
    section: str
    needed: frozenset
    text: str
    same_as: list = field(default_factory=list)
    shown_by: list = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True)
class Test:
    """A test by the ids that it bears; no modes where it does not run once for each."""

    ids: tuple
    name: str
    file: str
    modes: frozenset = frozenset()


def entries(text):
    """What catalogue.txt says, by id and in its order."""
    found, section, last = {}, "", None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            section = line[3:]
        elif remark := REMARK.fullmatch(line):
            if last is None:
                raise Mistake(f"{LIST}:{number}: a remark on nothing")
            word, rest = remark.groups()
            if word == "as":
                last.same_as += rest.split()
            elif word == "by":
                last.shown_by.append(rest)
            else:
                last.reason = rest
        elif entry := ENTRY.fullmatch(line):
            name, needed, what = entry.groups()
            if name in found:
                raise Mistake(f"{LIST}:{number}: {name} a second time")
            needed = BACKENDS if needed == "all" else (needed or "").split()
            last = found[name] = Entry(name, section, frozenset(needed), what)
        else:
            raise Mistake(f"{LIST}:{number}: neither an id nor a remark: {line}")
    return found


def borne_by(name):
    """The ids that a name begins with, and the rest of it."""
    name = name.removeprefix("torture ")
    if many := RANGE.match(name):
        kind, first, last = many.groups()
        numbers = range(int(first), int(last) + 1)
        return tuple(f"{kind}{number}" for number in numbers), name[many.end():]
    ids = IN_A_NAME.match(name)
    return tuple(ids[0].replace(",", "").split()) if ids else (), name[ids.end() if ids else 0:]


def tests_of_program(listed):
    """The cases that a doctest program lists as XML. A mode at the end of a name is taken off."""
    found = {}
    for case in xml.etree.ElementTree.fromstring(listed).iter("TestCase"):
        name, mode = re.fullmatch(rf"(.*?)(?: \[((?:{'|'.join(BACKENDS + FURTHER)}) [a-z-]+)\])?",
                                  case.get("name"), re.DOTALL).groups()
        file = re.sub(r".*\btests/", "", case.get("filename"))
        found.setdefault((name, file), set()).update([mode] if mode else [])
    for (name, file), modes in found.items():
        ids, rest = borne_by(name)
        yield Test(ids, rest, file, frozenset(modes))


def calls_of(function):
    """The names of the methods of its own that a method calls."""
    return {node.attr for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            and node.value.id == "self"}


def tests_of_module(text, file):
    """The tests of a Python file. One that asks for self.modes(), or has it asked, runs in all."""
    for suite in ast.parse(text).body:
        if not isinstance(suite, ast.ClassDef):
            continue
        calls = {each.name: calls_of(each) for each in suite.body
                 if isinstance(each, ast.FunctionDef)}
        in_modes, grows = {"modes"}, True
        while grows:
            more = {name for name, called in calls.items() if called & in_modes} - in_modes
            in_modes |= more
            grows = bool(more)
        for name in calls:
            parts = IN_A_FUNCTION.fullmatch(name)
            if parts:
                ids = re.findall(r"bug_[a-i]\d*|[a-z]\d+", parts[1])
                ids = tuple("bug-" + each[4:].upper() if each.startswith("bug_") else each.upper()
                            for each in ids)
                yield Test(ids, f"{suite.name}: {parts[2].replace('_', ' ')}", file,
                           MODES if name in in_modes else frozenset())


def by_id(tests):
    found = {}
    for test in sorted(tests, key=lambda each: (each.file, each.name)):
        for each in test.ids:
            found.setdefault(each, []).append(test)
    return found


def shown_wrongly(remark, root):
    """`by FILE WORD...`: whether the file is not there, or says nothing of one of the words."""
    file, *words = remark.split()
    try:
        text = (root / file).read_text()
    except OSError:
        return True
    return any(not re.search(rf"\b{re.escape(word)}\b", text) for word in words)


def complaints(known, tests, root=ROOT):
    found = by_id(tests)
    for each in found.keys() - known.keys():
        yield f"{each}: no such id, but borne by '{found[each][0].name}' ({found[each][0].file})"
    for entry in known.values():
        for other in entry.same_as:
            if other not in known:
                yield f"{entry.id}: as {other}, which is no id"
            elif other not in found:
                yield f"{entry.id}: as {other}, which no test bears"
        for remark in entry.shown_by:
            if shown_wrongly(remark, root):
                yield f"{entry.id}: by {remark}: no such file, or it does not say so"
        if not (entry.id in found or entry.same_as or entry.shown_by or entry.reason):
            yield f"{entry.id}: no test bears it, and no reason is written"
        reached = {mode.split()[0] for test in found.get(entry.id, ()) for mode in test.modes}
        missing = entry.needed - reached
        if entry.id in found and missing:
            yield f"{entry.id}: no test of it runs on {', '.join(sorted(missing))}"


def places(modes):
    """Modes in a few words."""
    if not modes:
        return "once"
    if modes == ALL_MODES:
        return "all"
    for trigger in ("level", "one-shot"):
        if modes == {mode for mode in ALL_MODES if mode.endswith(" " + trigger)}:
            return f"{trigger}, all backends"
    words, left = [], set(modes)
    for backend in BACKENDS + FURTHER:
        of_it = {mode for mode in ALL_MODES if mode.startswith(backend + " ")}
        if of_it <= left:
            words.append(backend)
        else:
            words += sorted(of_it & left)
        left -= of_it
    return ", ".join(words + sorted(left))


def cell(text):
    return re.sub(r"([|<>*_`\[\]])", r"\\\1", text)


def rows(entry, tests):
    """A row for each test, and for each remark; the id stands in the first."""
    behind = [(f"{cell(test.name)} ({test.file})", places(test.modes)) for test in tests]
    behind += [(f"as {' '.join(entry.same_as)}", "")] * bool(entry.same_as)
    behind += [(f"`{remark.split()[0]}`" + ", ".join(["", *remark.split()[1:]]), "")
               for remark in entry.shown_by]
    behind += [(f"*{entry.reason}*", "")] * bool(entry.reason)
    first = entry.id, cell(entry.text)
    for number, row in enumerate(behind or [("", "")]):
        yield "| " + " | ".join((*(("", "") if number else first), *row)) + " |"


def page(known, tests):
    found = by_id(tests)
    borne = sum(each in found for each in known)
    bearing = {test for each in found.values() for test in each}
    runs = sum(max(len(test.modes), 1) for test in bearing)
    lines = [
        "# The catalogue: what is promised, and which test tries it", "",
        "Made by `cmake --build --preset release --target catalogue_page`; the sentences are in",
        f"[{LIST.split('/')[-1]}](../{LIST}). A check fails when an id has neither a test nor a reason.", "",
        f"{len(known)} ids. {borne} are borne by {len(bearing)} tests, which run {runs} times: once for each",
        "backend and trigger that they hold for. The others are tried under another id, by a program that",
        "is named, or not at all, for the reason given.", "",
        f"`all` are select, poll, {', '.join(FURTHER)} (level, one-shot) and epoll (level, edge, one-shot).",
        "`once` is a test of a part that knows no backend, or that goes through them by itself. The demo",
        "programs are tried on the first three, select, poll and epoll.",
    ]
    section = None
    for entry in known.values():
        if entry.section != section:
            section = entry.section
            lines += ["", f"## {section}", "", "| id | what holds | test | where |", "|---|---|---|---|"]
        lines += rows(entry, found.get(entry.id, []))
    return "\n".join(lines) + "\n"


def all_tests(programs):
    for program in programs:
        done = subprocess.run([program, "--list-test-cases", "--reporters=xml"], check=True,
                              capture_output=True, text=True)
        yield from tests_of_program(done.stdout)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        yield from tests_of_module(file.read_text(), str(file.relative_to(ROOT / "tests")))


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    try:
        known = entries((ROOT / LIST).read_text())
    except Mistake as mistake:
        sys.exit(str(mistake))
    tests = list(all_tests(sys.argv[2:]))
    wrong = sorted(complaints(known, tests))
    text = page(known, tests)
    if sys.argv[1] == "write":
        (ROOT / PAGE).write_text(text)
    elif not (ROOT / PAGE).exists() or (ROOT / PAGE).read_text() != text:
        wrong.append(f"{PAGE} is old: build the target catalogue_page")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(known)} ids, each with its test or a reason")


if __name__ == "__main__":
    main()
