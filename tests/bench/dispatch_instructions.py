#!/usr/bin/python3
"""What the loop adds to a bare epoll loop with the same callback, level-triggered, 1000 descriptors
watched: at most 36 user instructions for each event of a turn with 100, and 80 for a turn with one.

    dispatch_instructions.py MICRO_PAIRS

Instructions are counted, so this holds exactly on a busy machine too.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

AIMS = {1: 80, 100: 36}  # above the bare loop, for each event of a turn with so many


def for_each_event(contestant, active):
    command = [sys.argv[1], "--backend", "epoll", "--watched", 1000, "--active", active,
               "--only", contestant, "--turns"]
    return instructions.for_each(command, 100, 500) / active


missed = False
for active, aim in AIMS.items():
    bare, run = (for_each_event(contestant, active) for contestant in ["bare", "run"])
    print(f"instructions per event, {active} ready: bare {bare:.1f}, EventLoop::run {run:.1f}, "
          f"{run - bare:+.1f}, at most +{aim}")
    missed |= run - bare > aim
sys.exit(missed)
