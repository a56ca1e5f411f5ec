"""Measures rows. One that cannot be measured says why and the others go on."""

import subprocess
import time
import traceback
from dataclasses import asdict

from comparison.aims.case import MISSING, of_row
from comparison.processes import Failed


def measure(rows, lab, began):
    """Each as it stands in aims.json; `began` is called with the row before it is measured."""
    for row in rows:
        began(row)
        start, cases, reason, broken = time.monotonic(), [], "", False
        try:
            cases = row.attempt(lab)
        except (Failed, subprocess.SubprocessError) as problem:
            reason = _one_line(problem)
        except Exception as problem:
            traceback.print_exc()
            reason, broken = _one_line(problem), True
        verdicts = [case.verdict for case in cases]
        yield {"name": row.name, "work": row.work, "measure": row.measure, "aim": row.aim,
               "verdict": of_row(verdicts) if cases else MISSING, "reason": reason,
               "broken": broken, "seconds": round(time.monotonic() - start, 1),
               "cases": [asdict(case) | {"verdict": verdict}
                         for case, verdict in zip(cases, verdicts)]}


def _one_line(problem):
    text = str(problem)
    if isinstance(problem, subprocess.CalledProcessError):
        said = [line for line in (problem.stderr or "").splitlines() if not line.startswith("==")]
        text = " ".join(said) or text  # of a program under valgrind, without what that says
    return " ".join(text.split())[:300] or type(problem).__name__
