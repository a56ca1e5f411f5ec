"""The figures as tables: rows of text, aligned for a terminal."""

from textwrap import wrap

from comparison.cells import counted_metrics, timed_metrics
from comparison.finding import cautions, number, ranged

WIDTH = 120
MISSING = "–"
SHORT = {"latency p50": "p50", "latency p99": "p99", "server CPU per request": "CPU/request",
         "server CPU per KiB": "CPU/KiB"}


def timed_rows(results, workload, modes, full=False):
    """Header and one row a mode: medians and ratios to epoll-level; CPU, and with `full` all, with
    smallest and largest."""
    header, rows = ["mode"], []
    for metric in timed_metrics(workload.kind):
        unit = "" if "/s" in metric.title else f" {metric.unit}"
        title = metric.title if full else SHORT.get(metric.title, metric.title)
        if metric.unit == "MiB/s":
            unit = " MiB/s"
        header += [title + unit, "×level"]
    for mode in modes:
        row = [mode.name]
        for metric in timed_metrics(workload.kind):
            show = ranged if full or metric.key == "cpu" else _median
            row.append(_shown(results.spread(workload, mode.name, metric.key), show, metric.digits))
            row.append(_shown(results.ratio(workload, mode.name, metric.key), show, 2))
        rows.append(row)
    return header, rows


def counted_rows(results, workload, modes, full=False):
    """System calls by kind."""
    header, rows = ["mode"], []
    for metric in counted_metrics(workload.kind):
        header += [metric.title, "×level"]
    for mode in modes:
        row = [mode.name]
        for metric in counted_metrics(workload.kind):
            show = ranged if full else _median
            row.append(_shown(results.spread(workload, mode.name, metric.key), show, metric.digits))
            row.append(_shown(results.ratio(workload, mode.name, metric.key), show, 2))
        rows.append(row)
    return header, rows


def reasons(results, workload, modes):
    """Why a row is empty or a figure missing; modes with the same reason together."""
    found = {}
    for mode in modes:
        for reason in results.reasons_of(workload, mode):
            found.setdefault(reason, []).append(mode.name)
    return [
        ("all modes" if len(names) == len(modes) else ", ".join(names)) + f": {reason}"
        for reason, names in found.items()
    ]


def terminal(results, workloads, modes):
    """Everything, at most 120 columns wide."""
    lines = []
    for workload in workloads:
        lines += [workload.title, ""]
        lines += align(*timed_rows(results, workload, modes))
        lines += ["", f"  system calls per {workload.unit}"]
        lines += align(*counted_rows(results, workload, modes))
        notes = reasons(results, workload, modes) + cautions(results, workload, modes)
        for note in notes:
            lines += ["", *wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")]
        lines += ["", ""]
    return "\n".join(lines)


def further(section):
    """A section that brings its own rows."""
    lines = [section["title"], "", *align(section["header"], section["rows"])]
    for note in section["notes"]:
        lines += ["", *wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return "\n".join([*lines, "", ""])


def align(header, rows):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]
    return [
        "  " + row[0].ljust(widths[0]) + "".join(
            "  " + text.rjust(width) for text, width in zip(row[1:], widths[1:])
        )
        for row in [header] + rows
    ]


def _shown(spread, show, digits):
    return MISSING if spread is None else show(spread, digits)


def _median(spread, digits):
    return number(spread.median, digits)
