"""The report as one HTML page: no script, nothing fetched, light and dark."""

from html import escape

from comparison import result_file, table
from comparison.finding import cautions

STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --quiet: #5c6570; --line: #d5dae0;
        --page: #ffffff; --panel: #f5f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --quiet: #9aa4b0; --line: #39414b;
          --page: #15181c; --panel: #1d2126; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; background: var(--page);
       color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { margin-top: 2.5rem; font-size: 1.25rem; }
h3 { margin: 2rem 0 .5rem; font-size: 1rem; }
.finding { font-size: 1.1rem; border-left: 4px solid #3f86c9; padding: .25rem 0 .25rem 1rem; }
.pictures { display: grid; gap: 1.5rem;
            grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
figure { margin: 0; padding: 1rem; background: var(--panel); border-radius: 8px; }
figcaption { margin-bottom: .75rem; } svg { width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap;
         border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); } th:first-child, td:first-child { text-align: left; }
.facts td { text-align: left; white-space: normal; vertical-align: top; }
td.reason { text-align: left; white-space: normal; color: var(--quiet); }
.quiet { color: var(--quiet); font-size: .9rem; }
"""

def page(document):
    run = result_file.of(document)
    pieces = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>Pollux: the laboratory</title><style>{STYLE}</style></head><body>",
        "<h1>What waiting costs</h1>",
        f"<p class=quiet>{escape(document['started'])}, {escape(document['machine']['cpu'])}, "
        f"{escape(document['machine']['kernel'])}</p>",
        "<h2>What the figures say</h2>",
        *[f"<p class=finding>{escape(sentence)}</p>" for sentence in document["finding"]],
        "<h2>Figures</h2><p class=quiet>Medians with their 95 % intervals; “×” is the ratio to "
        "the base in the same round.</p>",
        *[_figures(run.results, workload, contestants)
          for workload, contestants in run.contestants_of.items()],
        *[_further(section) for section in document["further"]],
        "<h2>The machine</h2>", _facts(document), "</body></html>",
    ]
    return "\n".join(pieces)


def _figures(results, workload, contestants):
    parts = [f"<h3>{escape(workload.title)}</h3>"]
    for kind, by_whom in table.COUNTED_BY.items():
        header, rows = table.counted_rows(results, workload, contestants, kind, full=True)
        if rows:
            parts.append(f"<p class=quiet>System calls per {workload.unit}, {escape(by_whom)}</p>"
                         + _table(header, rows))
    parts.append(_table(*table.timed_rows(results, workload, contestants, full=True)))
    notes = (table.reasons(results, workload, contestants)
             + cautions(results, workload, contestants))
    parts += [f"<p class=quiet>{escape(note)}</p>" for note in notes]
    return "".join(parts)


def _further(section):
    notes = "".join(f"<p class=quiet>{escape(note)}</p>" for note in section["notes"])
    return (f"<h2>{escape(section['title'])}</h2>"
            f"{_table(section['header'], section['rows'])}{notes}")


def _table(header, rows):
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join(f"<tr>{_cells(row, len(header))}</tr>" for row in rows)
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"


def _cells(row, columns):
    """A row of two where there are more columns is a name and a text that goes over all of them."""
    if len(row) < columns:
        name, reason = row
        return (f"<td>{escape(name)}</td>"
                f"<td class=reason colspan={columns - 1}>{escape(reason)}</td>")
    return "".join(f"<td>{escape(text)}</td>" for text in row)


def _facts(document):
    facts = {**document["machine"], "command": document["command_line"]}
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(_plain(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f"<div class=scroll><table class=facts>{rows}</table></div>"


def _plain(value):
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" for name, text in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(each) for each in value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
