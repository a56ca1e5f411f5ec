"""Published claims, each tried by a function that says what it found."""

from dataclasses import dataclass, field

HOLDS, FAILS, UNDECIDED, NOT_TRIED = (
    "holds", "does not hold", "undecided here", "not tried here")


@dataclass
class Finding:
    """`figure` is a sentence with the numbers that decide and their intervals."""

    verdict: str
    figure: str
    samples: list = field(default_factory=list)  # what it was made from, for the result file
    table: dict | None = None  # {"header": […], "rows": […]}: the whole curve where there is one
    negative: str = ""  # a finding that tells somebody not to bother, as one sentence


@dataclass(frozen=True)
class Claim:
    id: str
    text: str
    source: str
    attempt: object  # called with the Laboratory; None: not tried, and `reason` says why
    reason: str = ""


CLAIMS = {}


def claim(name, text, source):
    """Decorates the function that tries a claim. It takes the Laboratory and returns a Finding."""

    def register(attempt):
        CLAIMS[name] = Claim(name, text, source, attempt)
        return attempt

    return register


def not_tried(name, text, source, reason):
    CLAIMS[name] = Claim(name, text, source, None, reason)


def in_order():
    return sorted(CLAIMS.values(), key=lambda each: int(each.id.removeprefix("K")))
