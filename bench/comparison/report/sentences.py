"""What is to be seen in a picture, in a sentence."""

from comparison.finding import few_rounds, number


def shown(found, digits=2):
    """2.31 (2.20–2.41)."""
    low, high = number(found.low, digits), number(found.high, digits)
    middle = number(found.median, digits)
    return middle if low == high == middle else f"{middle} ({low}–{high})"


def ratios(what, base, rows):
    """Rows: names and Estimates of ratios to the base. Says what is decided, how far it goes."""
    rows = [(name, found) for name, found in rows if found is not None]
    if not rows:
        return f"{what}: nothing was measured beside {base}."
    less = [row for row in rows if row[1].decided and row[1].direction < 0]
    more = [row for row in rows if row[1].decided and row[1].direction > 0]
    parts = []
    if less:
        parts.append(f"less than {base} in {_of(less, rows)}, "
                     f"down to {_ratio(min(less, key=_median))}")
    if more:
        parts.append(f"more than {base} in {_of(more, rows)}, "
                     f"up to {_ratio(max(more, key=_median))}")
    rest = len(rows) - len(less) - len(more)
    if rest == len(rows):
        parts.append(f"no difference to {base} can be told")
    elif rest:
        parts.append(f"no difference can be told in {rest}")
    return f"{what}: {'; '.join(parts)}." + few_rounds([found for _, found in rows])


def _of(some, rows):
    return f"{len(some)} of {len(rows)}" if len(rows) > 1 else "the one comparison"


def _median(row):
    return row[1].median


def _ratio(row):
    name, found = row
    return f"×{shown(found)} for {name}"


def extremes(what, unit, rows, digits=2):
    """From the smallest to the largest median."""
    rows = sorted(((name, found) for name, found in rows if found is not None),
                  key=lambda row: row[1].median)
    if not rows:
        return f"{what}: not measured."
    (low, least), (high, most) = rows[0], rows[-1]
    if len(rows) == 1:
        return f"{what}: {low} {shown(least, digits)}{unit}."
    text = (f"{what}: from {shown(least, digits)}{unit} ({low}) "
            f"to {shown(most, digits)}{unit} ({high})")
    return text + ("; the intervals overlap." if least.high >= most.low else ".")


def growth(what, axis, series):
    """How far the lines go from their first point to their last: which most, which least."""
    factors = []
    for name, points in series:
        points = [point for point in points if point[1] is not None]
        if len(points) > 1 and points[0][1].median > 0:
            factors.append((points[-1][1].median / points[0][1].median, name, points))
    if not factors:
        return f"{what}: too little was measured to draw a line."
    most, least = max(factors, key=_factor), min(factors, key=_factor)
    few = few_rounds([found for _, _, points in factors for _, found in (points[0], points[-1])])
    if most is least:
        return f"{what}: {_factor_said(most)} from {_ends(most, axis)}." + few
    if _ends(most, axis) == _ends(least, axis):
        return (f"{what}: from {_ends(most, axis)} {_factor_said(most)}, {_factor_said(least)}."
                + few)
    return (f"{what}: {_factor_said(most)} from {_ends(most, axis)}, {_factor_said(least)} from "
            f"{_ends(least, axis)}." + few)


def _factor(entry):
    return entry[0]


def _factor_said(entry):
    """What can as well be no change is no factor."""
    factor, name, points = entry
    first, last = points[0][1], points[-1][1]
    if first.low <= last.high and last.low <= first.high:
        return f"no change that can be told for {name}"
    return f"×{number(factor, 1 if factor >= 10 else 2)} for {name}"


def _ends(entry, axis):
    places = [place for place, _ in entry[2]]
    return f"{places[0]:,g} to {places[-1]:,g} {axis}"
