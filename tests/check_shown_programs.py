#!/usr/bin/python3
"""Pages show programs as they are in the tree, so what is printed there builds and runs."""

import pathlib
import sys

SHOWN = {
    "README.md": "tests/consumers/main.cpp",
    "docs/simulation.md": "tests/simulation/example_test.cpp",
}

root = pathlib.Path(__file__).resolve().parent.parent
for page, program in SHOWN.items():
    if f"```cpp\n{(root / program).read_text()}```\n" not in (root / page).read_text():
        sys.exit(f"{page}:1: holds no cpp block that equals {program}")
