#!/usr/bin/python3
"""What the loop adds to a bare epoll loop with the same callback, level-triggered, 1000 descriptors
watched: at most 36 user instructions for each event of a turn with 100, and 80 for a turn with one.
Where each turn is a `run_once`, which also begins and ends what `run` does once, at most 105.

    dispatch_instructions.py MICRO_PAIRS

Instructions are counted, so this holds exactly on a busy machine too.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

# Of the contestant, above the bare loop, for each event of a turn with so many.
AIMS = [("run", 1, 80), ("run", 100, 36), ("loop", 1, 105)]


def for_each_event(contestant, active):
    command = [sys.argv[1], "--backend", "epoll", "--watched", 1000, "--active", active,
               "--only", contestant, "--turns"]
    return instructions.for_each(command, 100, 500) / active


missed = False
for contestant, active, aim in AIMS:
    bare, own = (for_each_event(each, active) for each in ["bare", contestant])
    print(f"instructions per event, {active} ready: bare {bare:.1f}, {contestant} {own:.1f}, "
          f"{own - bare:+.1f}, at most +{aim}")
    missed |= own - bare > aim
sys.exit(missed)
