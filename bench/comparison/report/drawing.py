"""Figures of matplotlib, and how they become text for the page and files for slides."""

import io
import re
from html import escape
from textwrap import wrap

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from matplotlib.transforms import blended_transform_factory

WIDTH = 4.6  # inches: on a telephone letters are as large as beside it
LINE = 52  # letters that fit
KINDS = ("svg", "png")
TEXT = "#010203"  # stands for the page's text colour until the SVG is written
GRID = "#808080"
# Readable on white and on nearly black (at least 3.4 : 1), told apart by those who see no red or
# no green; colours are never told apart by themselves: markers differ too.
COLOURS = ("#2b7bc4", "#cf5a14", "#12906b", "#a25fc0", "#9a7b12", "#c74a78", "#168ea3", "#7d858f",
           "#6b6fd6", "#8f6b52", "#d04545", "#6a8f1f")
MARKERS = "osD^vPX*<>ph"
DASHES = ("-", "--", ":", "-.")
STYLE = {
    "font.family": "sans-serif", "font.size": 11, "text.color": TEXT, "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": GRID, "grid.alpha": 0.35,
    "grid.linewidth": 0.6, "legend.frameon": False, "axes.axisbelow": True,
    "legend.fontsize": 10,
    "text.parse_math": False,  # a name may hold a dollar sign
}
matplotlib.rcParams.update(STYLE)


def figure(height, width=WIDTH):
    """A Figure and its Axes."""
    made = Figure(figsize=(width, height), layout="constrained")
    return made, made.subplots()


def title(made, text):
    """From the left edge of the picture on, in as many lines as it takes."""
    made.suptitle("\n".join(wrap(text, LINE)), x=0.01, ha="left", fontsize=11)
    made.set_label(text)


def colour(index):
    return COLOURS[index % len(COLOURS)]


def line(index):
    """Of the series with this number: more than there are colours differ in their dashes."""
    return {"color": colour(index), "marker": MARKERS[index % len(MARKERS)],
            "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}


def legend_below(axes, columns=2):
    """Under the label of the x axis, from the left edge of the picture on."""
    handles, labels = axes.get_legend_handles_labels()
    rows = -(-len(labels) // columns)
    height = axes.figure.get_figheight() - 0.8 - 0.2 * rows  # about that of the axes
    below = 0.55 if axes.get_xlabel() else 0.33
    beside = blended_transform_factory(axes.figure.transFigure, axes.transAxes)
    axes.legend(handles, [named(label) for label in labels], loc="upper left", ncols=columns,
                bbox_to_anchor=(0, -below / max(height, 0.5)), bbox_transform=beside,
                borderaxespad=0, columnspacing=1.2)


def named(label):
    """In two lines when it is long; matplotlib hides what begins with an underscore."""
    lines = wrap(label.lstrip("_"), 24, max_lines=2, placeholder=" …")
    return "\n".join(lines) or "unnamed"


def plain(value, _=None):
    """0.5, 20, 1,000, 20k, 3M."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            return f"{value / (1e3 if letter == 'k' else unit):g}{letter}"
    return f"{value:,g}" if abs(value) >= 1 or value == 0 else f"{value:.12g}"


def log_axis(axis):
    """Powers of ten; the shorter the axis, the more between them, so that values can be read."""
    axis.axes.set_xscale("log") if axis.axis_name == "x" else axis.axes.set_yscale("log")
    low, high = sorted(axis.get_view_interval())
    marks = (1, 1.5, 2, 3, 5, 7) if high / low < 10 else (1, 2, 5) if high / low < 300 else (1,)
    axis.set_major_locator(LogLocator(subs=marks, numticks=12))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def settled(made):
    """Finds the places of everything once, not again for each file."""
    made.get_layout_engine().execute(made)
    made.set_layout_engine(None)
    return made


def page_svg(made, name, description):
    """Text that fits into a page: its text colour, no background, no identifier twice."""
    svg = _saved(made, name, format="svg", transparent=True)
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<(metadata|style).*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg).replace("<defs></defs>", "")
    svg = re.sub(r"(font: [^;']*?)'[^;]*sans-serif", r"\1sans-serif", svg)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"'
                 if found[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)
    return svg.replace(TEXT, "currentColor")


def save_for_slides(made, path):
    """path.svg and path.png on white."""
    path.with_suffix(".svg").write_text(_saved(made, path.name, format="svg", facecolor="white",
                                               text_as="path"))
    made.savefig(path.with_suffix(".png"), dpi=200, facecolor="white")


def _saved(made, salt, text_as="none", **options):
    """The same figure gives the same text."""
    with matplotlib.rc_context({"svg.fonttype": text_as, "svg.hashsalt": salt}):
        text = io.StringIO()
        made.savefig(text, metadata={"Date": None, "Creator": None}, **options)
    return text.getvalue()
