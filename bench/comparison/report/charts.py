"""The kinds of pictures. Whatever is drawn has its interval drawn too."""

from dataclasses import dataclass

import matplotlib
import numpy

from comparison.report import drawing
from comparison.statistics import Estimate, estimate


@dataclass(frozen=True)
class Series:
    """A name, and points: pairs of a place on the x axis and an Estimate. The same kind has the
    same colour and marker in all pictures."""

    name: str
    points: list
    kind: int = 0


WIDE_RATIOS, WIDE_ROWS = 3, 30  # as below, of ratios and of rows
WIDE = 6  # times: figures that span more are drawn on an axis of logarithms


def curves(title, x_label, series, *, log=True):
    """A line for each series, against a number. The y axis begins at zero, or is one of logarithms
    where figures span far."""
    found = [value.median for each in series for _, value in each.points if value]
    log = (log, min(found) > 0 and max(found) > WIDE * min(found))
    made, axes = drawing.figure(2.9 + 0.22 * ((len(series) + 1) // 2))
    for each in series:
        points = _drawable(each.points, log)
        places = [place for place, _ in points]
        middles, whiskers = _whiskers([value for _, value in points], log[1])
        axes.errorbar(places, middles, whiskers, label=each.name, markersize=4.5, linewidth=1.3,
                      capsize=2, elinewidth=1, **drawing.line(each.kind))
    _axis(axes.xaxis, log[0])
    _axis(axes.yaxis, log[1])
    if not log[1]:
        axes.set_ylim(bottom=min(0, *found))
    drawing.title(made, title)
    axes.set_xlabel(x_label)
    if len(series) > 1:
        drawing.legend_below(axes)
    return drawing.settled(made)


@dataclass(frozen=True)
class Row:
    """Of `intervals`."""

    name: str
    estimate: Estimate | None
    kind: int = 0
    group: str = ""  # rows of a group stand together under its name


def intervals(title, rows, *, reference=None):
    """A point and its interval in a row of its own; ratios with a line at the reference: what is
    decided is filled, what is not is hollow. What spans far has an axis of logarithms."""
    places, headings, place, last = [], [], 0.0, ""
    for row in rows:
        if row.group != last:
            place += 0.3 if places else 0
            headings.append((place, row.group))
            place, last = place + 1, row.group
        lines = drawing.named(row.name).count("\n")
        places.append(place + 0.3 * lines)
        place += 1 + 0.6 * lines
    made, axes = drawing.figure(0.75 + 0.21 * max(place, 2))
    for row, where in zip(rows, places):
        _interval(axes, row, where, reference)
    axes.set_yticks(places, [drawing.named(row.name) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for where, text in headings:
        axes.annotate(text, (0, where), xycoords=("figure fraction", "data"), va="center",
                      fontsize=9, fontweight="bold", annotation_clip=False).set_in_layout(False)
    if reference is not None:
        axes.axvline(reference, color=drawing.TEXT, linewidth=0.8)
    _axis_of_intervals(axes, [row.estimate for row in rows if row.estimate], reference)
    axes.set_ylim(place - 0.4, -0.6)
    axes.grid(False, axis="y")
    drawing.title(made, title)
    return drawing.settled(made)


def _axis_of_intervals(axes, found, reference):
    medians = [each.median for each in found]
    wide = WIDE_RATIOS if reference else WIDE_ROWS
    log = min(each.low for each in found) > 0 and max(medians) > wide * min(medians)
    if not log and reference is None:
        axes.set_xlim(left=0)
    _axis(axes.xaxis, log)


def _interval(axes, row, place, reference):
    if row.estimate is None:
        return
    style = drawing.line(row.kind)
    hollow = reference is not None and not row.estimate.decided
    axes.hlines(place, row.estimate.low, row.estimate.high, color=style["color"], linewidth=2)
    axes.plot([row.estimate.median], [place], style["marker"], color=style["color"], markersize=6.5,
              markerfacecolor="none" if hollow else style["color"], clip_on=False)


@dataclass(frozen=True)
class Part:
    """Of `stacks`: a part of every bar."""

    name: str
    values: list


def stacks(title, names, parts, totals):
    """A bar for each name, cut into parts, with the interval of the total."""
    made, axes = drawing.figure(1.2 + 0.26 * max(3, len(names)) + 0.2 * ((len(parts) + 1) // 2))
    left = [0.0] * len(names)
    places = numpy.arange(len(names))
    for index, part in enumerate(parts):
        axes.barh(places, part.values, left=left, height=0.6, color=drawing.colour(index),
                  label=part.name, edgecolor=drawing.TEXT, linewidth=0.3,
                  hatch=("", "///", "...", "xxx", "\\\\\\")[index % 5])
        left = [begin + value for begin, value in zip(left, part.values)]
    for place, total in zip(places, totals):
        if total is not None:
            axes.errorbar([total.median], [place],
                          xerr=[[total.median - total.low], [total.high - total.median]],
                          color=drawing.TEXT, capsize=3, elinewidth=1)
    axes.set_yticks(places, [drawing.named(name) for name in names])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    drawing.title(made, title)
    drawing.legend_below(axes)
    return drawing.settled(made)


FIRST_SHARE = 0.25
NINES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True)
class Distribution:
    """A histogram of each round: pairs of a bucket's upper end (nanoseconds) and its count."""

    name: str
    histograms: list
    kind: int = 0


def percentiles(title, distributions):
    """Latency against the share of messages that took no longer, on an axis on which every further
    nine has the same room. Lines are all rounds together, bars the intervals over the rounds."""
    made, axes = drawing.figure(3.1 + 0.22 * ((len(distributions) + 1) // 2))
    furthest = 1.0
    for each in distributions:
        style = drawing.line(each.kind)
        shares, values = merged(each.histograms)
        seen = shares >= FIRST_SHARE
        axes.plot(_nines(shares[seen]), values[seen], color=style["color"],
                  linestyle=style["linestyle"], linewidth=1.3)
        axes.plot([], [], label=each.name, markersize=4.5, linewidth=1.3, **style)
        _percentile_bars(axes, each, style, shares[-1])
        furthest = max(furthest, _nines(shares[-1]))
    axes.set_yscale("log")
    ticks = [share for share in NINES if _nines(share) <= furthest * 1.03]
    axes.set_xticks([_nines(share) for share in ticks], [f"{100 * share:g}" for share in ticks])
    axes.set_xlim(_nines(FIRST_SHARE), furthest * 1.03)
    _axis(axes.yaxis, True)
    drawing.title(made, title)
    axes.set_xlabel("% of the messages took no longer")
    drawing.legend_below(axes)
    return drawing.settled(made)


def _percentile_bars(axes, distribution, style, last):
    shares = [share for share in NINES if share <= last]
    found = [quantiles(distribution.histograms, share) for share in shares]
    middles, whiskers = _whiskers(found, True)
    axes.errorbar([_nines(share) for share in shares], middles, whiskers, fmt=style["marker"],
                  color=style["color"], markersize=4.5, capsize=2, elinewidth=1)


def merged(histograms):
    """Shares and microseconds of all rounds together. The slowest message of all is left out: it
    alone would make the end of the line."""
    counts = {}
    for upper, count in (bucket for histogram in histograms for bucket in histogram):
        counts[upper] = counts.get(upper, 0) + count
    uppers = sorted(counts)
    below = numpy.cumsum([counts[upper] for upper in uppers])
    shares = below / below[-1]
    kept = shares < 1 if len(shares) > 1 else slice(None)
    return numpy.minimum(shares[kept], 0.999999), numpy.asarray(uppers)[kept] / 1000


def quantiles(histograms, share):
    """The Estimate over the rounds, in microseconds."""
    return estimate(_quantile(histogram, share) for histogram in histograms)


def _quantile(histogram, share):
    uppers, counts = zip(*sorted(histogram))
    below = numpy.cumsum(counts)
    return uppers[int(numpy.searchsorted(below, share * below[-1]))] / 1000


def _nines(share):
    return -numpy.log10(1 - numpy.asarray(share))


def _drawable(points, log):
    """A logarithm wants more than zero, and nothing that is drawn may be no number."""
    return [(place, value) for place, value in points
            if value is not None and numpy.isfinite([place, value.median, value.low, value.high])
            .all() and (place > 0 or not log[0]) and (value.median > 0 or not log[1])]


def _whiskers(found, log):
    middles = [each.median for each in found]
    below = [each.median - (max(each.low, each.median / 100) if log else each.low)
             for each in found]
    return middles, [[max(0.0, length) for length in below],
                     [max(0.0, each.high - each.median) for each in found]]


def _axis(axis, log):
    if log:
        drawing.log_axis(axis)
    else:
        axis.set_major_formatter(matplotlib.ticker.FuncFormatter(drawing.plain))
