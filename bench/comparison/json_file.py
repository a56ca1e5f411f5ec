"""Files that somebody may have cut off, edited or written in another way: what does not fit is told
in one line."""

import contextlib
import json

from comparison.processes import Failed

LONGEST = 200  # characters of what Python says


def read(path):
    """What a file of JSON holds; NaN is taken, as Python writes it. Raises Failed."""
    try:
        return json.loads(path.read_bytes().decode())
    except OSError as problem:
        raise Failed(f"{path}: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        raise Failed(f"{path} is not JSON: {_said(problem)}") from None


@contextlib.contextmanager
def understood(whatever):
    """Where something takes what was read for what it should be. Raises Failed, "{whatever}: …", for
    what happens when it is not."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
            ValueError) as problem:
        raise Failed(f"{whatever}: {type(problem).__name__}: {_said(problem)}") from None


def _said(problem):
    text = "".join(sign if sign.isprintable() else " " for sign in str(problem))
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
