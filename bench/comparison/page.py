"""The report as one HTML page: no script, nothing fetched, light and dark."""

from html import escape

from comparison import plots, table
from comparison.cells import BASE
from comparison.finding import cautions, picture_sentence

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
.quiet { color: var(--quiet); font-size: .9rem; }
"""

METHOD = """
The server runs on core {server_core}, the clients on core {client_core}{same}; they speak over
loopback, so no network card is part of the figures. Each run starts a fresh server and warms it
up. A round visits every cell once, the modes of a workload in random order (seed {seed}). Every
figure is the median of {rounds} rounds with the smallest and the largest; a ratio is formed
within each round against epoll-level of the same round, and its median taken. Server CPU time
is the CPU clock of the server process before and after the measured phase; it holds on a noisy
machine where rates and latencies do not. The load is a closed loop: a client sends its next
message when the answer has come, so a slow server is asked less and its latencies flatter it.
System calls are counted in {counting_rounds} separate rounds by servers linked with the
counting library; the timed servers count nothing. Every echoed byte is checked. A difference is
only claimed when all rounds agree on its sign.
"""


def page(results, workloads, modes, findings, document):
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>Pollux: modes of dispatch compared</title><style>{STYLE}</style></head><body>",
        "<h1>select, poll and epoll; level, edge and one-shot</h1>",
        f"<p class=quiet>{escape(document['started'])}, {escape(document['machine']['cpu'])}, "
        f"{escape(document['machine']['kernel'])}</p>",
        "<h2>Level against edge</h2>",
        *[f"<p class=finding>{escape(sentence)}</p>" for sentence in findings],
        "<h2>Pictures</h2><p class=quiet>A dot is a round, a bar the median of the rounds.</p>",
        "<div class=pictures>", *_pictures(results, workloads, modes), "</div>",
        "<h2>Figures</h2><p class=quiet>Medians (smallest–largest); “×level” is the ratio to "
        f"{BASE} of the same round.</p>",
        *[_figures(results, workload, modes) for workload in workloads],
        *[_further(section) for section in document["further"]],
        "<h2>How it was measured</h2>", f"<p>{escape(_method(document))}</p>",
        "<h2>The machine</h2>", _facts(document), "</body></html>",
    ]
    return "\n".join(parts)


def _pictures(results, workloads, modes):
    echo = [each for each in workloads if each.kind == "echo"]
    upload = [each for each in workloads if each.kind == "upload"]
    wanted = []
    if echo:
        wanted += [
            (echo, "cpu", "server CPU per request, µs", False),
            (echo, "cpu", "server CPU per request, ratio to epoll-level", True),
            (echo, "rate", "requests per second", False),
            (echo, "p50", "latency p50, µs", False),
            (echo, "p99", "latency p99, µs", False),
        ]
    if upload:
        wanted += [
            (upload, "cpu", "bulk upload: server CPU per KiB, ns", False),
            (upload, "rate", "bulk upload: MiB per second", False),
        ]
    for group, key, label, ratio in wanted:
        sentence = picture_sentence(results, group, modes, key, ratio)
        yield _figure(sentence, plots.by_connections(results, group, modes, key, label, ratio))
    for workload in workloads:
        if results.spread(workload, BASE, "wait") is not None:
            sentence = _calls_sentence(results, workload)
            yield _figure(sentence, plots.calls(results, workload, modes))


def _calls_sentence(results, workload):
    def calls(key):
        return table.number(results.spread(workload, BASE, key).median)
    return (
        f"{workload.title}: epoll-level makes {calls('wait')} waits, {calls('read')} reads and "
        f"{calls('write')} writes per {workload.unit}."
    )


def _figure(sentence, svg):
    return f"<figure><figcaption>{escape(sentence)}</figcaption>{svg}</figure>"


def _figures(results, workload, modes):
    parts = [f"<h3>{escape(workload.title)}</h3>"]
    parts.append(_table(*table.timed_rows(results, workload, modes, full=True)))
    parts.append(f"<p class=quiet>System calls per {workload.unit}</p>")
    parts.append(_table(*table.counted_rows(results, workload, modes, full=True)))
    notes = table.reasons(results, workload, modes) + cautions(results, workload, modes)
    parts += [f"<p class=quiet>{escape(note)}</p>" for note in notes]
    return "".join(parts)


def _further(section):
    notes = "".join(f"<p class=quiet>{escape(note)}</p>" for note in section["notes"])
    return (f"<h2>{escape(section['title'])}</h2>"
            f"{_table(section['header'], section['rows'])}{notes}")


def _table(header, rows):
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"


def _method(document):
    plan = document["plan"]
    same = plan["server_core"] == plan["client_core"]
    return METHOD.format(
        **plan, same=" (there is only one: they share it)" if same else "", seed=document["seed"]
    )


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
