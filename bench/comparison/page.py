"""The report as one HTML page: no script, nothing fetched, light and dark."""

from html import escape

from comparison import plots, table
from comparison.cells import BASE, MODEL_BASE, counted_metrics
from comparison.finding import cautions, picture_sentence
from comparison.models import CONNECTIONS_THAT_SHOW

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

METHOD = """
The clients run on core {client_core}, their server beside them{same}; they speak over loopback, so
no network card is part of the figures. Each run starts a fresh server and warms it up. A round
visits every cell once, the modes or models of a workload in random order (seed {seed}). Every
figure is the median of all rounds with the smallest and the largest; a ratio is formed within each
round against epoll-level or reactor of the same round, and its median taken. Server CPU time is
read before and after the measured phase; it holds on a noisy machine where rates and latencies do
not. The load is a closed loop: a client sends its next message when the answer has come, so a slow
server is asked less and its latencies flatter it. Every byte that comes back is checked. A
difference is only claimed when all rounds agree on its sign.
"""

MODES_METHOD = """
The server of a mode runs on core {server_core}, in {rounds} rounds. System calls are counted in
{counting_rounds} separate rounds by servers linked with the counting library; the timed servers
count nothing.
"""

MODELS_METHOD = """
The models are upper_server with another --model each time; the pool has {pool_threads} threads,
multi has {loops} loops. Their server may use all cores but the clients' (here: {model_cores}). With
one core the figures show what each model costs, and not what threads, processes and loops gain
from more cores. All are measured in {model_rounds} rounds. Every connection stays open and sends
on. First each of them sends one message; a model that then answers nobody for {patience:g} s while
some are still without an answer has no figures but the reason. Server CPU and context switches are
summed over all threads of all processes of the server, before and after the measured phase:
voluntary switches (a thread has waited) and involuntary ones (it was taken off the core). Memory
per connection is what the server has grown by, from its start until all connections are open and
answered, divided by their number (if they are {enough} or more): pages of user memory, a page
shared by several processes counted once in all (PSS), and page tables. It leaves out what else the
kernel keeps: socket buffers, and the descriptions and kernel stacks of threads and processes.
"""


def page(results, parts, document):
    pieces = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>Pollux: modes and models compared</title><style>{STYLE}</style></head><body>",
        "<h1>select, poll and epoll; level, edge and one-shot; and seven models of serving</h1>",
        f"<p class=quiet>{escape(document['started'])}, {escape(document['machine']['cpu'])}, "
        f"{escape(document['machine']['kernel'])}</p>",
        "<h2>What the figures say</h2>",
        *[f"<p class=finding>{escape(sentence)}</p>" for sentence in document["finding"]],
        "<h2>Pictures</h2><p class=quiet>A dot is a round, a bar the median of the rounds.</p>",
        "<div class=pictures>",
        *[picture for part in parts for picture in _pictures(results, part.workloads, part.modes)],
        "</div>",
        "<h2>Figures</h2><p class=quiet>Medians (smallest–largest); “×level” is the ratio to "
        f"{BASE} of the same round, “×{MODEL_BASE}” that to the model {MODEL_BASE}.</p>",
        *[_figures(results, workload, part.modes) for part in parts for workload in part.workloads],
        *[_further(section) for section in document["further"]],
        "<h2>How it was measured</h2>",
        *[f"<p>{escape(text)}</p>" for text in _methods(parts, document)],
        "<h2>The machine</h2>", _facts(document), "</body></html>",
    ]
    return "\n".join(pieces)


# Of each kind of workload: what is drawn, its label, and whether as ratios to the base.
PICTURES = {
    "echo": [
        ("cpu", "server CPU per request, µs", False),
        ("cpu", "server CPU per request, ratio to epoll-level", True),
        ("rate", "requests per second", False),
        ("p50", "latency p50, µs", False),
        ("p99", "latency p99, µs", False),
    ],
    "upload": [
        ("cpu", "bulk upload: server CPU per KiB, ns", False),
        ("rate", "bulk upload: MiB per second", False),
    ],
    "models": [
        ("cpu", "models: server CPU per request, µs", False),
        ("rate", "models: requests per second", False),
        ("p50", "models: latency p50, µs", False),
        ("p99", "models: latency p99, µs", False),
        ("waited", "models: voluntary switches per request", False),
        ("memory", "models: memory per connection, KiB", False),
    ],
}


def _pictures(results, workloads, modes):
    for kind in dict.fromkeys(each.kind for each in workloads):
        group = [each for each in workloads if each.kind == kind]
        for key, label, ratio in PICTURES[kind]:
            sentence = picture_sentence(results, group, modes, key, ratio)
            yield _figure(sentence, plots.by_connections(results, group, modes, key, label, ratio))
    for workload in workloads:
        if results.spread(workload, workload.base, "wait") is not None:
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
    if counted_metrics(workload.kind):
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
    body = "".join(f"<tr>{_cells(row, len(header))}</tr>" for row in rows)
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"


def _cells(row, columns):
    """A row of two where there are more columns is a name and a text that goes over all of them."""
    if len(row) < columns:
        name, reason = row
        return (f"<td>{escape(name)}</td>"
                f"<td class=reason colspan={columns - 1}>{escape(reason)}</td>")
    return "".join(f"<td>{escape(text)}</td>" for text in row)


def _methods(parts, document):
    kinds = {workload.kind for part in parts for workload in part.workloads}
    plan = document["plan"]
    same = plan["server_core"] == plan["client_core"]
    words = {**plan, "seed": document["seed"], "enough": CONNECTIONS_THAT_SHOW,
             "same": " (there is only one core: they share it)" if same else "",
             "model_cores": ", ".join(map(str, plan["model_cores"]))}
    texts = [METHOD]
    texts += [MODES_METHOD] if kinds - {"models"} else []
    texts += [MODELS_METHOD] if "models" in kinds else []
    return [text.format(**words) for text in texts]


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
