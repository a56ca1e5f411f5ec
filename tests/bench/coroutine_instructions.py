#!/usr/bin/python3
"""An echo request served by a coroutine takes at most 1.15 times the instructions of one served by
the callbacks of a Connection.

    coroutine_instructions.py MICRO_ECHO

Instructions are counted, so this holds exactly on a busy machine too.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import instructions  # noqa: E402

AIM = 1.15

counts = {kind: instructions.for_each([sys.argv[1], kind], 1000, 3000)
          for kind in ["callback", "coroutine"]}
ratio = counts["coroutine"] / counts["callback"]
print(f"instructions per request: callback {counts['callback']:.1f}, "
      f"coroutine {counts['coroutine']:.1f}, ratio {ratio:.3f}, at most {AIM}")
sys.exit(ratio > AIM)
