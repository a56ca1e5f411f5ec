#!/usr/bin/python3
"""What serving an echo request costs in user instructions: a connection at most 350 above a bare
loop that makes the same calls, the turn of the loop included. Above a bare `recv` and `send` in a
callback of the same loop a connection costs at most 240, a coroutine at most 500, and a connection
with an idle timeout, for which the loop keeps time, at most 520.

    echo_instructions.py MICRO_ECHO

Instructions are counted, so this holds exactly on a busy machine too.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

AIMS = [("callback", "bare", 350), ("callback", "watch", 240), ("coroutine", "watch", 500),
        ("idling", "watch", 520)]

counts = {kind: instructions.for_each([sys.argv[1], kind], 1000, 3000)
          for kind in ["bare", "watch", "callback", "coroutine", "idling"]}
print("instructions per request:", counts)
missed = [f"{kind}: {counts[kind] - counts[base]:.1f} above {base}, at most {aim}"
          for kind, base, aim in AIMS if counts[kind] - counts[base] > aim]
sys.exit("\n".join(missed) or 0)
