#!/usr/bin/python3
"""With a hundred thousand timers armed, an operation on one takes at most so many instructions.

    timer_instructions.py MICRO_TIMERS

Instructions are counted, so this holds exactly on a busy machine too. Each count has the loop of
the program that asks in it, that of `fire` arming the timers anew, and that of `put-off-oldest` a
turn of the event loop for each 64. Where the clock stands decides how `fire` finds its timers spread
over slots: between 250 and 360 were seen.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

TIMERS = 100_000
AIMS = {"arm-cancel": 130, "rearm": 90, "put-off": 55, "put-off-oldest": 65,
        "fire": 400, "make-destroy": 250}

missed = False
for work, aim in AIMS.items():
    count = instructions.for_each([sys.argv[1], work], 1, 3) / TIMERS
    print(f"{work}: {count:.1f} instructions, at most {aim}")
    missed = missed or count > aim
sys.exit(missed)
