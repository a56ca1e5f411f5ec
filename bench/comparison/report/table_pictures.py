"""Pictures of a claim's table, where its shape says how to draw it: columns of what was set come
first, those of what was measured after them."""

from dataclasses import dataclass

from comparison.report import charts
from comparison.report.figures import read_figure

ENOUGH_PLACES = 3  # of a line
MOST_LINES = 8


@dataclass(frozen=True)
class Shape:
    """Places of columns: words that name a row, numbers that were set, and figures of one
    quantity, each with what its line is called."""

    words: list
    numbers: list
    figures: dict
    quantity: str


def pictures(title, header, rows):
    """Figures of matplotlib."""
    rows = [row for row in rows if len(row) == len(header)]
    shape = _shape(header, rows)
    if shape is None:
        return
    drawn = False
    for place in shape.numbers:
        others = [each for each in [*shape.words, *shape.numbers] if each != place]
        for name, series in _lines(header, rows, shape, place, others):
            drawn = True
            heading = ", ".join(filter(None, [shape.quantity, name])) or title
            places = [where for each in series for where, _ in each.points]
            log = min(places) > 0 and max(places) > charts.WIDE * min(places)
            yield charts.curves(heading, header[place], series, log=log)
    if shape.words and not drawn:
        yield _bars(header, rows, shape)


def _shape(header, rows):
    """None of a table in which nothing was measured."""
    read = [[read_figure(row[place]) for row in rows] for place in range(len(header))]
    measured = [place for place, column in enumerate(read)
                if any(each and each.measured for each in column)]
    if not measured or not rows:
        return None
    first = measured[0]
    set_before = range(first)
    numbers = [place for place in set_before if all(read[place])]
    words = [place for place in set_before if not any(read[place])]
    quantity = _quantity(header[first])
    unit = _unit(read[first])
    figures = {place: _name(header[place]) for place in range(first, len(header))
               if _quantity(header[place]) == quantity and _unit(read[place]) == unit}
    return Shape(words, numbers, figures, f"{quantity}, {unit}" if unit else quantity)


def _quantity(title):
    """“poll, one wait” and “epoll, one wait” are lines of one picture."""
    return title.rpartition(", ")[2]


def _name(title):
    return title.rpartition(", ")[0]


def _unit(column):
    return next((each.unit for each in column if each), "")


def _lines(header, rows, shape, place, others):
    """For each group of rows in which the other numbers stay: its name, and lines along `place`.
    Words make lines of one picture, numbers pictures of their own."""
    groups = {}
    for row in rows:
        numbers = tuple(f"{row[each]} {header[each]}" for each in others if each in shape.numbers)
        words = tuple(str(row[each]) for each in others if each in shape.words)
        groups.setdefault(numbers, {}).setdefault(words, []).append(row)
    for numbers, by_words in groups.items():
        series = []
        for words, some in by_words.items():
            for column, name in shape.figures.items():
                points = _points(some, place, column)
                if len(points) >= ENOUGH_PLACES:
                    label = ", ".join(filter(None, [*words, name])) or shape.quantity
                    series.append(charts.Series(label, points, len(series)))
        if 0 < len(series) <= MOST_LINES:
            yield ", ".join(numbers), series


def _points(rows, place, column):
    found = {}
    for row in rows:
        where, figure = read_figure(row[place]), read_figure(row[column])
        if where and figure:
            found[where.estimate.median] = figure.estimate
    return sorted(found.items())


def _bars(header, rows, shape):
    """A row of the picture for each row of the table that has a figure."""
    column = next(iter(shape.figures))
    shown = [charts.Row(", ".join(str(row[each]) for each in shape.words), figure.estimate,
                        group=", ".join(f"{row[each]} {header[each]}" for each in shape.numbers))
             for row in rows if (figure := read_figure(row[column]))]
    name = shape.figures[column]
    return charts.intervals(f"{name}: {shape.quantity}" if name else shape.quantity, shown)
