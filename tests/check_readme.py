#!/usr/bin/python3
"""README.md shows tests/consumers/main.cpp as it is, so the program that it prints builds and runs."""

import pathlib
import sys

root = pathlib.Path(__file__).resolve().parent.parent
program = (root / "tests/consumers/main.cpp").read_text()
if f"```cpp\n{program}```\n" not in (root / "README.md").read_text():
    sys.exit("README.md:1: holds no cpp block that equals tests/consumers/main.cpp")
