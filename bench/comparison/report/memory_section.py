"""What a connection takes in the server's pages and in the kernel: a further section of
results.json."""

from comparison import peers_memory
from comparison.report import charts
from comparison.report.content import Measured, Picture, Section, Table, Text
from comparison.report.sentences import extremes
from comparison.statistics import estimate, median, ratio

BASE = peers_memory.BASE
PARTS = {"user": "the server's own", "kernel": "kernel, both ends of the connection"}


def is_memory(further):
    return "user" in (further.get("samples") or [{}])[0]


def of(document):
    """The section that holds the samples; None without one."""
    return next(filter(is_memory, document.get("further", [])), None)


def section(further):
    samples = further["samples"]
    names = [name for name in dict.fromkeys(row[0] for row in further["rows"])
             if peers_memory.by_round(samples, name, "silent")]
    pictures = [*_own(samples, names), *_with_kernel(samples, names)] if names else []
    return Section("Memory per connection", [
        *pictures, _table(samples, names), *(Text(note, quiet=True) for note in further["notes"])])


def _own(samples, names):
    """What is nothing has no place on the axis."""
    rows = [charts.Row(name, found, kind, f"after a connection has {_past(state)}")
            for kind, state in enumerate(peers_memory.STATES) for name in names
            if (found := estimate(peers_memory.by_round(samples, name, state).values()))
            and found.low > 0]
    if rows:
        said = [(row.name, row.estimate) for row in rows if row.kind == 0]
        yield Picture("memory-own", extremes("The server's own memory for a silent connection",
                                             " bytes", said, 0),
                      charts.intervals("the server's own bytes per connection", rows))


def _with_kernel(samples, names):
    columns = {key: [peers_memory.by_round(samples, name, "silent", key) for name in names]
               for key in PARTS}
    parts = [charts.Part(title, [median(values.values()) if values else 0.0
                                 for values in columns[key]]) for key, title in PARTS.items()]
    totals = [estimate(user[number] + kernel[number] for number in user.keys() & kernel.keys())
              for user, kernel in zip(columns["user"], columns["kernel"])]
    yield Picture("memory-with-kernel",
                  extremes("A silent connection, with what the kernel keeps for both ends",
                           " bytes", zip(names, totals), 0),
                  charts.stacks("bytes per connection that has been silent", names, parts,
                                totals))


def _past(state):
    return "been silent" if state == "silent" else state


def _table(samples, names):
    header = ["contestant"]
    for state in peers_memory.STATES:
        header += [f"own, {state}, bytes", f"÷ {BASE}", f"kernel, {state}, bytes"]
    return Table("memory", "Bytes for each connection", header,
                 [[name, *_cells(samples, name)] for name in names])


def _cells(samples, name):
    for state in peers_memory.STATES:
        own = peers_memory.by_round(samples, name, state)
        yield Measured(estimate(own.values()), 0)
        yield Measured(ratio(own, peers_memory.by_round(samples, BASE, state)), ratio=True)
        yield Measured(estimate(peers_memory.by_round(samples, name, state, "kernel").values()), 0)
