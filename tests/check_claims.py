#!/usr/bin/python3
"""docs/what_tutorials_say.md and the cases of tests/claims/ say the same.

    tests/check_claims.py [ROOT]

Each claim of the page is a case and each case a claim; the lines that the page shows are lines of
that case, in their order ("…" leaves some out); the pattern it gives runs that case and no other.
"""

import fnmatch
import pathlib
import re
import sys

PAGE = "docs/what_tutorials_say.md"
CASE = re.compile(r"^TEST_CASE\((.*?)\) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)


def cases(root):
    """The whole name and the lines of each case, by the claim that its name quotes."""
    found = {}
    for path in sorted((root / "tests/claims").glob("*.cpp")):
        for words, body in CASE.findall(path.read_text()):
            name = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', words))
            claim = re.match(r"'(.*)': .", name)
            if not claim or claim[1] in found:
                sys.exit(f"{path.name}: a case needs its own \"'claim': answer\": {name}")
            found[claim[1]] = name, [line.strip() for line in body.split("\n")]
    return found


def holds_in_order(shown, lines):
    remaining = iter(lines)
    return all(line in remaining for line in shown)


def complaints(page, known):
    sections = re.split(r"^### (.*)\n", page, flags=re.MULTILINE)
    claims = dict(zip(sections[1::2], sections[2::2]))
    for claim in known.keys() - claims.keys():
        yield f"no heading '### {claim}'"
    for claim, text in claims.items():
        if claim not in known:
            yield f"'{claim}' is no case of tests/claims/"
            continue
        blocks = re.findall(r"^```cpp\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        shown = [line.strip() for block in blocks for line in block.splitlines()]
        shown = [line for line in shown if line not in ("", "…")]
        if not shown or not holds_in_order(shown, known[claim][1]):
            yield f"'{claim}' shows other lines than its case has"
        patterns = re.findall(r"claims_tests -tc='(.*)'`", text)
        names = [name for name, _ in known.values()]
        if [fnmatch.filter(names, pattern) for pattern in patterns] != [[known[claim][0]]]:
            yield f"'{claim}' needs one pattern that runs its case alone"


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    known = cases(root)
    found = list(complaints((root / PAGE).read_text(), known))
    for complaint in found:
        print(f"{PAGE}: {complaint}")
    if found or not known:
        sys.exit(f"{len(found)} claims do not fit")
    print(f"{len(known)} claims, each with its case")


if __name__ == "__main__":
    main()
