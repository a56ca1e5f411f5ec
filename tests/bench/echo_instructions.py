#!/usr/bin/python3
"""What serving an echo request costs above a bare `recv` and `send` in a callback of the same loop:
a connection at most 250 user instructions, with an idle timeout 700, a coroutine at most 500.

    echo_instructions.py MICRO_ECHO

Instructions are counted, so this holds exactly on a busy machine too. What the loop itself costs
above a bare one is held by `dispatch_instructions`.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

AIMS = {"callback": 250, "idling": 700, "coroutine": 500}

counts = {kind: instructions.for_each([sys.argv[1], kind], 1000, 3000)
          for kind in ["bare", "watch", *AIMS]}
print("instructions per request:", counts)
missed = [f"{kind}: {counts[kind] - counts['watch']:.1f} above a watch, at most {aim}"
          for kind, aim in AIMS.items() if counts[kind] - counts["watch"] > aim]
sys.exit("\n".join(missed) or 0)
