"""Published claims, each tried by a function that says what it found.

A module of this folder holds the claims about one topic; `load_all` finds them all.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field

from comparison.statistics import ENOUGH_ROUNDS

HOLDS, FAILS, UNDECIDED, NOT_TRIED = (
    "holds", "does not hold", "undecided here", "not tried here")
VERDICTS = (HOLDS, FAILS, UNDECIDED, NOT_TRIED)


@dataclass
class Finding:
    """`figure` is a sentence with the numbers that decide and their intervals."""

    verdict: str
    figure: str
    samples: list = field(default_factory=list)  # what it was made from, for the result file
    table: dict | None = None  # {"header": […], "rows": […]}: the whole curve where there is one
    negative: str = ""  # a finding that tells somebody not to bother, as one sentence
    rounds: int = 0  # that it was made from, where it is not those of the laboratory


@dataclass(frozen=True)
class Claim:
    id: str
    text: str  # what was claimed
    source: str  # by whom
    criterion: str  # when it holds, when it does not: settled before the figures were seen
    attempt: object  # called with the Laboratory; None: not tried, and `reason` says why
    seconds: float = 0.0  # about how long the attempt takes in full
    reason: str = ""
    # The name of what is measured once for several claims; `seconds` is then what that takes.
    measured_once: str = ""
    # Why the criterion is another one than it was before figures of it were seen.
    revised: str = ""
    left_out: str = ""  # what of the claim is not tried, and why


CLAIMS = {}


def claim(name, text, source, criterion, seconds=15.0, **more):
    """Decorates the function that tries a claim. It takes the Laboratory and returns a Finding.
    `more` are further fields of Claim."""

    def register(attempt):
        CLAIMS[name] = Claim(name, text, source, criterion, attempt, seconds, **more)
        return attempt

    return register


def not_tried(name, text, source, reason):
    CLAIMS[name] = Claim(name, text, source, "", None, reason=reason)


def in_order():
    return sorted(CLAIMS.values(), key=lambda each: int(each.id.removeprefix("K")))


def load_all():
    """The claims of all topics, in order."""
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        importlib.import_module(module.name)
    return in_order()


def by_rule(holds, fails, *estimates):
    """The verdict of two conditions that cannot both be met; none when an estimate that they are
    made from is missing or of too few rounds."""
    assert not (holds and fails)
    if any(each is None or each.count < ENOUGH_ROUNDS for each in estimates):
        return UNDECIDED
    return HOLDS if holds else FAILS if fails else UNDECIDED
