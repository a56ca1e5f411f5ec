"""The figures as tables: rows of text, aligned for a terminal."""

from textwrap import wrap

from comparison.cells import counted_metrics, timed_metrics
from comparison.finding import cautions, number, ranged

WIDTH = 120
MISSING = "–"
LEGEND = {"models": "waited, preempted: voluntary and involuntary context switches per request, of "
          "all threads of all processes; memory: what the server has grown by, per connection"}
SHORT = {"latency p50": "p50", "latency p99": "p99", "server CPU per request": "CPU/request",
         "server CPU per KiB": "CPU/KiB", "voluntary switches": "waited",
         "involuntary switches": "preempted", "memory per connection": "memory"}


def timed_rows(results, workload, modes, full=False):
    """Header and one row a mode: medians and ratios to the base; CPU, and with `full` all, with
    smallest and largest. The row of a mode without figures is its name and the reason."""
    metrics, header, rows = timed_metrics(workload.kind), [_subject(workload)], []
    for metric in metrics:
        header.append(_title(metric, full))
        if metric.compared:
            header.append(_ratio_title(workload))
    for mode in modes:
        row = [mode.name]
        for metric in metrics:
            show = ranged if full or metric.key == "cpu" else _median
            row.append(_shown(results.spread(workload, mode.name, metric.key), show, metric.digits))
            if metric.compared:
                row.append(_shown(results.ratio(workload, mode.name, metric.key), show, 2))
        reasons_found = results.reasons_of(workload, mode)
        if reasons_found and not _has_figures(results, workload, mode):
            row[1:] = ["; ".join(reasons_found)]
        rows.append(row)
    return header, rows


def _subject(workload):
    return "model" if workload.kind == "models" else "mode"


def _title(metric, full):
    if metric.unit == "1/s":
        return metric.title
    title = metric.title if full else SHORT.get(metric.title, metric.title)
    return title if metric.unit == "per request" and not full else f"{title} {metric.unit}"


def _ratio_title(workload):
    return "×" + workload.base.rpartition("-")[2]


def _has_figures(results, workload, mode):
    return any(results.by_round(workload, mode.name, metric.key)
               for metric in timed_metrics(workload.kind))


def counted_rows(results, workload, modes, full=False):
    """System calls by kind."""
    header, rows = [_subject(workload)], []
    for metric in counted_metrics(workload.kind):
        header += [metric.title, _ratio_title(workload)]
    for mode in modes:
        row = [mode.name]
        for metric in counted_metrics(workload.kind):
            show = ranged if full else _median
            row.append(_shown(results.spread(workload, mode.name, metric.key), show, metric.digits))
            row.append(_shown(results.ratio(workload, mode.name, metric.key), show, 2))
        rows.append(row)
    return header, rows


def reasons(results, workload, modes):
    """Why a figure is missing in rows that have others; modes with the same reason together."""
    found = {}
    for mode in modes:
        if not _has_figures(results, workload, mode):
            continue
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
        if counted_metrics(workload.kind):
            lines += ["", f"  system calls per {workload.unit}"]
            lines += align(*counted_rows(results, workload, modes))
        notes = reasons(results, workload, modes) + cautions(results, workload, modes)
        for note in notes:
            lines += ["", *wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")]
        lines += ["", ""]
    for kind in dict.fromkeys(each.kind for each in workloads if each.kind in LEGEND):
        lines += [*wrap(LEGEND[kind], WIDTH), ""]
    return "\n".join(lines)


def further(section):
    """A section that brings its own rows."""
    lines = [section["title"], "", *align(section["header"], section["rows"])]
    for note in section["notes"]:
        lines += ["", *wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return "\n".join([*lines, "", ""])


def align(header, rows):
    """A row of two where there are more columns is a name and a text that goes over all of them."""
    full = [row for row in [header, *rows] if len(row) == len(header)]
    first = max(len(row[0]) for row in [header, *rows])
    widths = [max(len(row[i]) for row in full) for i in range(1, len(header))]
    lines = []
    for row in [header, *rows]:
        name = "  " + row[0].ljust(first)
        if len(row) == len(header):
            lines.append(name + "".join("  " + text.rjust(width)
                                        for text, width in zip(row[1:], widths)))
        else:
            lines += wrap(row[1], WIDTH, initial_indent=name + "  ",
                          subsequent_indent=" " * (len(name) + 2))
    return lines


def _shown(spread, show, digits):
    return MISSING if spread is None else show(spread, digits)


def _median(spread, digits):
    return number(spread.median, digits)
