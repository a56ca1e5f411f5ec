"""Estimates in words, with their intervals."""


def digits(value, significant=3):
    """With so many digits that tell something, and no exponent."""
    if value == 0:
        return "0"
    size = abs(value)
    places = significant - 1
    while size >= 10 and places > 0:
        size, places = size / 10, places - 1
    while size < 1 and places < 9:
        size, places = size * 10, places + 1
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_interval(estimate, unit="", scale=1.0):
    """`1.2 µs (1.1–1.3)`."""
    if estimate is None:
        return "–"
    low, middle, high = (digits(value * scale) for value in
                         (estimate.low, estimate.median, estimate.high))
    joint = " to " if low.startswith("-") or high.startswith("-") else "–"
    return f"{middle}{unit} ({low}{joint}{high})"


def fixed(estimate, places=2):
    """With so many decimals whatever the size: for figures that are compared with each other."""
    if estimate is None:
        return "–"
    low, middle, high = (f"{value:,.{places}f}" for value in
                         (estimate.low, estimate.median, estimate.high))
    return f"{middle} ({low}–{high})"


def factor(estimate):
    """Of a ratio."""
    return "×" + fixed(estimate) if estimate else "–"


def in_percent(estimate):
    """Of a share from 0 to 1."""
    return with_interval(estimate, " %", 100)


def duration(nanoseconds):
    """The unit and the scale from nanoseconds in which a duration of this size reads well."""
    for unit, size in ((" s", 1e9), (" ms", 1e6), (" µs", 1e3)):
        if abs(nanoseconds) >= size:
            return unit, 1 / size
    return " ns", 1.0


def time(estimate):
    """An estimate in nanoseconds."""
    if estimate is None:
        return "–"
    return with_interval(estimate, *duration(estimate.median))
