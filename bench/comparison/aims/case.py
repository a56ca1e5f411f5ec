"""What a row of the table is made of, and how a figure is held against its aim."""

from dataclasses import dataclass, field

from comparison.statistics import ENOUGH_ROUNDS, Estimate

BEYOND, MET, MISSED, OPEN, SHOWN, MISSING = (
    "met, the stretch too", "met", "missed", "open", "shown", "not measured")


@dataclass(frozen=True)
class Limit:
    """The most that a figure may be, and a stretch of it. A count that chance has no part in is
    exact: one is enough, and it is judged as it stands."""

    aim: float
    stretch: float | None = None
    exact: bool = False


@dataclass(frozen=True)
class Case:
    """One figure of a row, and those that were measured beside it. Without a limit it is shown and
    not judged."""

    name: str
    limit: Limit | None
    figure: Estimate | None
    digits: int = 2  # that are told
    unit: str = ""
    beside: dict = field(default_factory=dict)  # an Estimate by the name of a peer or bare loop
    reason: str = ""  # why there is no figure

    @property
    def verdict(self):
        if self.figure is None:
            return MISSING
        if self.limit is None:
            return SHOWN
        kept = self._kept(self.limit.aim)
        if not kept:
            return OPEN if kept is None else MISSED
        beyond = self.limit.stretch is not None and self._kept(self.limit.stretch)
        return BEYOND if beyond else MET

    def _kept(self, most):
        """To the digits that are told: the whole interval must say so, of rounds enough. None where
        it cannot be said."""
        low, high = (round(value, self.digits) for value in (self.figure.low, self.figure.high))
        if self.limit.exact:
            return high <= most
        if self.figure.count < ENOUGH_ROUNDS:
            return None
        return high <= most or (None if low <= most else False)


def of_row(verdicts):
    """Of several cases: the worst of those that are judged."""
    return next((each for each in (MISSED, MISSING, OPEN, MET, BEYOND, SHOWN)
                 if each in verdicts), MISSING)
