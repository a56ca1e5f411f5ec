"""Pictures of a claim's table, where its shape says how to draw it: columns of what was set come
first, those of what was measured after them."""

from dataclasses import dataclass
from itertools import count

from comparison.report import charts
from comparison.report.figures import read_figure

ENOUGH_PLACES = 3  # of a line
MOST_LINES, MOST_PICTURES = 8, 3
FACILITIES = {"select": 0, "poll": 1, "epoll": 2, "epoll level": 2, "epoll edge": 3}


@dataclass(frozen=True)
class Shape:
    """Places of columns: words and numbers that name a row, and figures of one quantity, each with
    what its line is called."""

    words: list
    numbers: list
    figures: dict
    quantity: str


def pictures(header, rows):
    """Figures of matplotlib, the most telling ones."""
    rows = [row for row in rows if len(row) == len(header)]
    shape = _shape(header, rows)
    if shape is None:
        return []
    found = [(each, series, name) for each in shape.numbers
             for name, series in _lines(header, rows, shape, each)]
    found.sort(key=lambda one: -max(len(series.points) for series in one[1]))
    drawn = [_curves(", ".join(filter(None, [shape.quantity, name])), header[place], series)
             for place, series, name in found[:MOST_PICTURES]]
    if drawn or not shape.words:
        return drawn
    across = _across(header, rows, shape)
    return [_curves(*across)] if across else [_bars(header, rows, shape)]


def _curves(title, x_label, series):
    places = [where for each in series for where, _ in each.points]
    log = min(places) > 0 and max(places) > charts.WIDE * min(places)
    return charts.curves(title, x_label, series, log=log)


def _shape(header, rows):
    """None of a table in which nothing was measured."""
    read = [[read_figure(row[place]) for row in rows] for place in range(len(header))]
    measured = [place for place, column in enumerate(read)
                if any(each and each.measured for each in column)]
    if not measured or not rows:
        return None
    names = _naming(rows, measured[0])
    numbers = [place for place in names if all(read[place])]
    by_quantity = {}
    for place in measured:
        by_quantity.setdefault((_quantity(header[place]), _unit(read[place])), set()).add(
            _name(header[place]))
    quantity, unit = max(by_quantity, key=lambda each: len(by_quantity[each]))
    figures = {place: _name(header[place]) for place in range(measured[0], len(header))
               if _quantity(header[place]) == quantity and _unit(read[place]) == unit}
    return Shape([place for place in names if place not in numbers], numbers, figures,
                 f"{quantity}, {unit}" if unit else quantity)


def _naming(rows, first):
    """The columns before the first measured one, as many as tell all rows apart: the rest was
    counted."""
    for wanted in range(1, first):
        if len({tuple(map(str, row[:wanted])) for row in rows}) == len(rows):
            return range(wanted)
    return range(first)


def _quantity(title):
    """“poll, one wait” and “epoll, one wait” are lines of one picture."""
    return title.rpartition(", ")[2]


def _name(title):
    return title.rpartition(", ")[0]


def _unit(column):
    return next((each.unit for each in column if each), "")


def _lines(header, rows, shape, place):
    """For each group of rows in which the other numbers stay: its name, and lines along `place`.
    Words make lines of one picture, numbers pictures of their own."""
    groups = {}
    for row in rows:
        numbers = tuple(f"{row[each]} {header[each]}" for each in shape.numbers if each != place)
        words = tuple(str(row[each]) for each in shape.words)
        groups.setdefault(numbers, {}).setdefault(words, []).append(row)
    for numbers, by_words in groups.items():
        series = []
        for words, some in by_words.items():
            for column, name in shape.figures.items():
                points = _points(some, place, column)
                if len(points) >= ENOUGH_PLACES:
                    label = ", ".join(filter(None, [*words, name])) or shape.quantity
                    series.append((label, points))
        if 0 < len(series) <= MOST_LINES:
            kinds = _kinds([label for label, _ in series])
            yield ", ".join(numbers), [charts.Series(label, points, kind) for kind, (label, points)
                                       in zip(kinds, series)]


def _kinds(labels):
    """A facility has the colour that it has in the pictures of bench/run; others take the rest."""
    known = [FACILITIES.get(label.partition(",")[0]) for label in labels]
    known = [kind if kind not in known[:place] else None for place, kind in enumerate(known)]
    free = (kind for kind in count() if kind not in known)
    return [next(free) if kind is None else kind for kind in known]


def _across(header, rows, shape):
    """Columns such as “100 timers”, “1,000 timers”: a line for each row. None of other tables."""
    places = {place: read_figure(title.partition(" ")[0])
              for place, title in enumerate(header) if place not in shape.words}
    nouns = {header[place].partition(" ")[2] for place in places}
    if len(nouns) != 1 or len(places) < ENOUGH_PLACES or not all(places.values()):
        return None
    found = [[(where.estimate.median, figure) for place, where in places.items()
              if (figure := read_figure(row[place]))] for row in rows]
    units = {figure.unit for points in found for _, figure in points}
    series = [charts.Series(", ".join(str(row[each]) for each in shape.words),
                            [(where, figure.estimate) for where, figure in points], kind)
              for kind, (row, points) in enumerate(zip(rows, found))]
    return ", ".join([header[0], *units]), nouns.pop(), series


def _points(rows, place, column):
    found = {}
    for row in rows:
        where, figure = read_figure(row[place]), read_figure(row[column])
        if where and figure:
            found[where.estimate.median] = figure.estimate
    return sorted(found.items())


def _bars(header, rows, shape):
    """A row of the picture for each figure. Those of a group stand together under its name: of a
    row of the table that has several figures, or of the same numbers."""
    several = len(shape.figures) > 1
    groups = {}
    for row in rows:
        words = [str(row[each]) for each in shape.words]
        numbers = [f"{row[each]} {header[each]}" for each in shape.numbers]
        for column, name in shape.figures.items():
            if figure := read_figure(row[column]):
                group, label = (words + numbers, [name]) if several else (numbers, words)
                groups.setdefault(", ".join(group), []).append((", ".join(label), figure.estimate))
    if all(len(group) == 1 for group in groups.values()):  # names would be headings of nothing
        groups = {"": [(", ".join(filter(None, [name, group])), found)
                       for group, [(name, found)] in groups.items()]}
    labels = list(dict.fromkeys(label for group in groups.values() for label, _ in group))
    kinds = dict(zip(labels, _kinds(labels) if several else [0] * len(labels)))
    shown = [charts.Row(label, found, kinds[label], group)
             for group, members in groups.items() for label, found in members]
    name = "" if several else next(iter(shape.figures.values()))
    return charts.intervals(f"{name}: {shape.quantity}" if name else shape.quantity, shown)
