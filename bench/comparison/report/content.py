"""What a section of the report is made of. The page, the pictures for slides and the CSV files are
all written from these."""

import re
from dataclasses import dataclass, field

from comparison.finding import number
from comparison.statistics import Estimate


SENTENCE_END = r"(?<=\.) (?=[A-Z])"


@dataclass(frozen=True)
class Text:
    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Finding:
    """What was found, as a sentence for the top of the page."""

    text: str


@dataclass(frozen=True)
class Warning:
    text: str


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Measured:
    """A table's cell: an Estimate. A ratio that is decided is marked."""

    estimate: Estimate | None
    digits: int = 2
    ratio: bool = False

    @property
    def median(self):
        return "–" if self.estimate is None else number(self.estimate.median, self.digits)

    @property
    def interval(self):
        """Empty for what does not vary."""
        if self.estimate is None:
            return ""
        low, high = (number(value, self.digits) for value in
                     (self.estimate.low, self.estimate.high))
        return "" if low == high == self.median else f"{low}–{high}"

    @property
    def mark(self):
        if self.estimate is None or not self.ratio or not self.estimate.decided:
            return ""
        return "▲" if self.estimate.direction > 0 else "▼"

    def __str__(self):
        return f"{self.median} ({self.interval})" if self.interval else self.median


@dataclass(frozen=True)
class Table:
    """A row shorter than the header is a name and a text that goes over all other columns. The
    name is that of its CSV file."""

    name: str
    caption: str
    header: list
    rows: list
    prose: bool = False  # cells are sentences, which may break

    @property
    def rounds(self):
        """How many its figures are of, in words; empty where no cell knows."""
        counts = {cell.estimate.count for row in self.rows for cell in row
                  if isinstance(cell, Measured) and cell.estimate}
        if not counts:
            return ""
        fewest, most = min(counts), max(counts)
        return f"{most} round{'s' * (most > 1)}" if fewest == most else f"{fewest} to {most} rounds"


@dataclass(frozen=True)
class Picture:
    """The name is that of its files; the sentence says what is to be seen."""

    name: str
    sentence: str
    figure: object  # matplotlib's

    @property
    def headline(self):
        """Its first sentence."""
        return re.split(SENTENCE_END, self.sentence, maxsplit=1)[0]

    @property
    def rest(self):
        return self.sentence[len(self.headline):].strip()

    @property
    def description(self):
        """For those who do not see it."""
        return f"Picture: {self.figure.get_label()}. {self.sentence}"


@dataclass(frozen=True)
class Folded:
    """Not seen until it is asked for."""

    title: str
    parts: list


@dataclass
class Section:
    title: str
    parts: list = field(default_factory=list)

    @property
    def name(self):
        return file_name(self.title)


def every(parts):
    """What is folded too."""
    for part in parts:
        yield from every(part.parts) if isinstance(part, Folded) else [part]


def file_name(text):
    """Letters, digits and hyphens: fit for a file and for the id of an element."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"
