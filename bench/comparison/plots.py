"""Pictures as SVG text that fits into a page: the page's own text colour, no background."""

import io

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (after the choice of what draws)

from comparison.contestants import BASE  # noqa: E402
from comparison.workloads import counted_metrics  # noqa: E402

COLOURS = {
    "select-level": "#c7564f",
    "poll-level": "#c98a1b",
    "epoll-level": "#3f86c9",
    "epoll-edge": "#2f9e72",
    "epoll-one-shot": "#9a70c4",
    "iterative": "#8a8f98",
    "threads": "#c7564f",
    "pool": "#c98a1b",
    "fork": "#a0522d",
    "reactor": "#3f86c9",
    "multi": "#2f9e72",
    "coroutine": "#9a70c4",
}
CALL_COLOURS = {
    "wait": "#3f86c9", "change": "#9a70c4", "read": "#2f9e72", "blocked": "#c98a1b",
    "write": "#8a8f98",
}
PART_TITLES = {
    "change": "registration changes", "read": "reads that got something",
    "blocked": "reads that would block",
}
TEXT = "#010203"  # stands for the page's text colour until the SVG is written
STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "text.color": TEXT, "axes.labelcolor": TEXT, "axes.edgecolor": TEXT,
    "xtick.color": TEXT, "ytick.color": TEXT, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.grid.axis": "y",
    "grid.color": "#808080", "grid.alpha": 0.35, "grid.linewidth": 0.6,
    "legend.frameon": False, "axes.axisbelow": True,
}


def by_connections(results, workloads, modes, key, label, ratio=False):
    """A group for each number of connections; a dot for every round, a bar for the median."""
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(5.6, 3.5))
        shown, step = [], min(0.15, 0.9 / len(modes))
        for index, mode in enumerate(modes):
            offset = (index - (len(modes) - 1) / 2) * step
            for place, workload in enumerate(workloads):
                values = _values(results, workload, mode, key, ratio)
                if values:
                    shown += values
                    _draw_rounds(axes, place + offset, values, COLOURS[mode.name])
            axes.plot([], [], "o", color=COLOURS[mode.name], label=mode.name, markersize=5)
        axes.set_xticks(range(len(workloads)), [f"{each.connections:,}" for each in workloads])
        axes.set_xlabel("connections")
        axes.set_xlim(-0.5, max(len(workloads) - 0.5, 0.5))
        _scale(axes, shown, ratio)
        axes.set_title(label, loc="left", fontsize=10)
        _legend(figure, modes)
        return _svg(figure, f"{key}{ratio}")


def calls(results, workload, modes):
    """System calls by kind, one bar a mode. Reads that would block are a part of the reads."""
    with pyplot.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure, axes = pyplot.subplots(figsize=(5.6, 2.7))
        names = [mode.name for mode in modes]
        left = [0.0] * len(modes)
        for metric in counted_metrics(workload.kind):
            values = [_call_value(results, workload, mode, metric.key) for mode in modes]
            axes.barh(names, values, left=left, height=0.6, color=CALL_COLOURS[metric.key],
                      label=PART_TITLES.get(metric.key, metric.title))
            left = [begin + value for begin, value in zip(left, values)]
        axes.invert_yaxis()
        axes.set_title(f"{workload.title}: calls per {workload.unit}", loc="left", fontsize=10)
        figure.legend(loc="lower center", ncols=3, fontsize=8)
        figure.subplots_adjust(left=0.2, right=0.97, top=0.88, bottom=0.33)
        return _svg(figure, workload.name)


def _values(results, workload, mode, key, ratio):
    values = results.by_round(workload, mode.name, key)
    if not ratio:
        return list(values.values())
    bases = results.by_round(workload, BASE, key)
    return [values[each] / bases[each] for each in values if bases.get(each)]


def _call_value(results, workload, mode, key):
    spread = results.of(workload, mode.name, key)
    if spread is None:
        return 0.0
    if key == "read":
        blocked = results.of(workload, mode.name, "blocked")
        return max(0.0, spread.median - blocked.median)
    return spread.median


def _draw_rounds(axes, place, values, colour):
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    axes.plot([place] * len(values), values, "o", color=colour, markersize=3, alpha=0.6)
    axes.hlines(middle, place - 0.06, place + 0.06, color=colour, linewidth=2.5)


def _scale(axes, values, ratio):
    if ratio:
        axes.axhline(1.0, color=TEXT, linewidth=0.8)
    if values and min(values) > 0 and max(values) / min(values) > 15:
        axes.set_yscale("log")
    elif not ratio:
        axes.set_ylim(bottom=0)


def _legend(figure, modes):
    figure.legend(loc="lower center", ncols=min(5, len(modes)), fontsize=8, columnspacing=0.8,
                  handletextpad=0.1)
    figure.subplots_adjust(left=0.13, right=0.98, top=0.9, bottom=0.25)


def _svg(figure, salt):
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    svg = text.getvalue()
    svg = svg[svg.index("<svg"):]
    return svg.replace(TEXT, "currentColor")
