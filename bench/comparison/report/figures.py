"""Figures that a table holds as text, read again so that they can be drawn."""

import math
import re
from dataclasses import dataclass

from comparison.statistics import Estimate

NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
# What a unit is drawn as, and how much of that it is: a column may go from ns to ms.
UNITS = {"ns": ("µs", 1e-3), "µs": ("µs", 1.0), "ms": ("µs", 1e3), "s": ("µs", 1e6),
         "B": ("KiB", 1 / 1024), "KiB": ("KiB", 1.0), "MiB": ("KiB", 1024.0),
         "k": ("", 1e3), "M": ("", 1e6)}
PATTERN = re.compile(rf"[×x≈]?\s*({NUMBER})\s*([^\s\d(,;]{{0,5}})"
                     rf"(?:\s*\(({NUMBER})\s*(?:–|to|-)\s*({NUMBER})\s*[^\s\d]{{0,5}}\))?")


@dataclass(frozen=True)
class Figure:
    estimate: Estimate
    unit: str
    measured: bool  # it came with an interval; else it was set, or counted


def read_figure(cell):
    """None from what is no figure."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return Figure(Estimate(cell, cell, cell, 1), "", False) if math.isfinite(cell) else None
    found = PATTERN.fullmatch(str(cell).strip())
    if not found:
        return None
    middle, unit, low, high = found.groups()
    shown, scale = UNITS.get(unit, (unit, 1.0))
    values = [_value(text) * scale for text in (middle, low or middle, high or middle)]
    return Figure(Estimate(*values, 1), shown, low is not None)


def _value(text):
    return float(text.replace(",", "").replace("−", "-"))
