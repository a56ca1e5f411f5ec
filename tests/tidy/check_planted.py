#!/usr/bin/python3
"""clang-tidy finds what was planted for it, and nothing else: no check is lost on the way.

    tests/tidy/check_planted.py COMMAND...

COMMAND is clang-tidy as the build calls it. In the lines of planted.cpp and planted.hpp that end in
"// finds CHECK" that check must speak.
"""

import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def planted():
    for file in sorted(FOLDER.glob("planted.?pp")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for check in re.findall(r"// finds (\S+)", line):
                yield file.name, number, check


def found(command):
    tidy = subprocess.run(
        [*command, str(FOLDER / "planted.cpp"), "--", "-std=c++20"], capture_output=True, text=True
    )
    said = re.findall(r"^\S*/(planted\.\S+?):(\d+):\d+: (?:warning|error): .* \[([^\],]+)", tidy.stdout, re.M)
    return [(file, int(number), check) for file, number, check in said]


def main():
    expected, actual = set(planted()), set(found(sys.argv[1:]))
    for file, number, check in sorted(expected - actual):
        print(f"{file}:{number}: {check} did not find what was planted")
    for file, number, check in sorted(actual - expected):
        print(f"{file}:{number}: {check} found what nobody planted")
    print(f"{len(expected & actual)} of {len(expected)} planted findings found")
    sys.exit(expected != actual)


if __name__ == "__main__":
    main()
