"""The figures as tables: rows of text, aligned for a terminal."""

from textwrap import wrap

from comparison.finding import cautions, number, ranged
from comparison.results import COUNTED, KERNEL
from comparison.statistics import estimate
from comparison.workloads import KNEE_METRICS, counted_metrics, timed_metrics

WIDTH = 120
MISSING = "–"
LEGEND = {"upper": "waited, preempted: voluntary and involuntary context switches per request, of "
          "all threads of all processes; memory: what the server has grown by, per connection"}
# The tracer stops a server twice in every call, whatever the call takes without it.
COUNTED_BY = {COUNTED: "counted by the servers themselves",
              KERNEL: "seen by the kernel: strace delays each call, so that more is ready at each "
                      "wait"}
SHORT = {"spurious wake-ups": "spurious", "bytes per wake-up": "bytes/wake-up",
         "events per wait": "events/wait", "latency p50": "p50", "latency p99": "p99",
         "server CPU per request": "CPU/request",
         "server CPU per KiB": "CPU/KiB", "voluntary switches": "waited",
         "involuntary switches": "preempted", "memory per connection": "memory",
         "server CPU per connection": "CPU/connection", "re-registrations": "changes"}


def timed_rows(results, workload, contestants, full=False):
    """Header and one row a contestant: medians and ratios to the base; CPU, and with `full` all,
    with intervals. The row of one without figures is its name and the reason."""
    return _rows(results, workload, contestants, timed_metrics(workload.load), full)


def knee_rows(results, workload, contestants):
    """Where a ramp was made: the highest rate that was kept, and what kept it from being higher."""
    if not any(results.by_round(workload, each.name, "because") for each in contestants):
        return [], []
    header, rows = _rows(results, workload, contestants, KNEE_METRICS, full=True)
    for row in rows:
        if bound := results.lower_bound(workload, row[0], "knee"):
            row[1:] = [f"at least {ranged(bound, 0)}", MISSING]
        reasons_found = results.by_round(workload, row[0], "because").values()
        row.append(", ".join(dict.fromkeys(reasons_found)) or MISSING)
    return [*header, "because of"], rows


def _rows(results, workload, contestants, metrics, full):
    header, rows = [_subject(contestants)], []
    for metric in metrics:
        header.append(_title(metric, full))
        if metric.compared:
            header.append(_ratio_title(results.base_of(workload)))
    for each in contestants:
        row = [each.name]
        for metric in metrics:
            show = ranged if full or metric.key == "cpu" else _median
            row.append(_shown(results.of(workload, each.name, metric.key), show, metric.digits))
            if metric.compared:
                found = results.against_base(workload, each.name, metric.key)
                row.append(_shown(found, show, 2))
        rows.append(_or_reasons(row, results, workload, each))
    return header, rows


def counted_rows(results, workload, contestants, kind, full=False):
    """System calls of those who were counted in this way, by themselves or by the kernel; empty
    where nothing was."""
    found = {
        each.name: {metric: estimate(results.by_round_of(kind, workload, each.name,
                                                         metric.key).values())
                    for metric in counted_metrics(workload.load)}
        for each in contestants
    }
    metrics = [metric for metric in counted_metrics(workload.load)
               if any(figures[metric] for figures in found.values())]
    header = [_subject(contestants), *[SHORT.get(each.title, each.title) for each in metrics]]
    rows = [[name, *[_shown(figures[metric], ranged if full else _median, metric.digits)
                     for metric in metrics]]
            for name, figures in found.items() if any(figures.values())]
    return (header, rows) if rows else ([], [])


def _or_reasons(row, results, workload, contestant):
    """A row of dashes gives way to the reasons."""
    found = results.reasons_of(workload, contestant)
    return [row[0], "; ".join(found)] if found and not _has_figures(results, workload, contestant) \
        else row


def _subject(contestants):
    groups = list(dict.fromkeys(each.group for each in contestants))
    return {"modes": "mode", "models": "model", "peers": "peer"}.get(
        groups[0], "server") if len(groups) == 1 else "server"


def _title(metric, full):
    if metric.unit == "1/s":
        return metric.title
    title = metric.title if full else SHORT.get(metric.title, metric.title)
    return title if metric.unit.startswith("per ") and not full else f"{title} {metric.unit}"


def _ratio_title(base):
    return "×" + (base or "").rpartition("-")[2]


def _has_figures(results, workload, contestant):
    return any(results.by_round(workload, contestant.name, metric.key)
               for metric in [*timed_metrics(workload.load), *KNEE_METRICS])


def reasons(results, workload, contestants):
    """Why a figure is missing in rows that have others; those with the same reason together."""
    found = {}
    for each in contestants:
        if not _has_figures(results, workload, each):
            continue
        for reason in results.reasons_of(workload, each):
            found.setdefault(reason, []).append(each.name)
    return [
        ("all" if len(names) == len(contestants) else ", ".join(names)) + f": {reason}"
        for reason, names in found.items()
    ]


def terminal(results, contestants_of):
    """Everything, at most 120 columns wide; `contestants_of` says who is compared under a
    workload."""
    lines = []
    for workload, contestants in contestants_of.items():
        lines += [workload.title, ""]
        for kind, by_whom in COUNTED_BY.items():
            header, rows = counted_rows(results, workload, contestants, kind)
            if rows:
                lines += [f"  system calls per {workload.unit}, {by_whom}", *align(header, rows),
                          ""]
        knees = knee_rows(results, workload, contestants)
        lines += align(*(knees if knees[1] else timed_rows(results, workload, contestants)))
        notes = (reasons(results, workload, contestants)
                 + cautions(results, workload, contestants))
        for note in notes:
            lines += ["", *wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")]
        lines += ["", ""]
    for load in dict.fromkeys(each.load for each in contestants_of if each.load in LEGEND):
        lines += [*wrap(LEGEND[load], WIDTH), ""]
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


def _shown(estimate, show, digits):
    return MISSING if estimate is None else show(estimate, digits)


def _median(estimate, digits):
    return number(estimate.median, digits)
