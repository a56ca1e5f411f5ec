"""results.json: modes, peers and models under load."""

from comparison.finding import cautions
from comparison.report import charts
from comparison.report.content import (
    Finding, Folded, Measured, Picture, Section, Table, Text, file_name)
from comparison.report.measurements import families, short_title
from comparison.report.sentences import extremes, growth, ratios, shown
from comparison.statistics import ENOUGH_ROUNDS
from comparison.workloads import counted_metrics, timed_metrics

TRIGGERS = ("epoll-edge", "epoll-edge-drain", "epoll-one-shot")
# What an axis of the grid is called under a picture.
AXES = {"connections": "connections", "active": "% of the connections active",
        "idle": "more connections, idle", "size": "bytes of a message",
        "depth": "messages under way on a connection", "accepts": "accepts a visit",
        "read_size": "bytes of the largest read", "work": "µs of work for a request",
        "loops": "loops", "read_rate": "bytes per second that a client reads"}
COUNTS = ("wait", "change", "accept", "read", "blocked", "write")
NAMES = {"change": "registration changes", "read": "reads that got something",
         "blocked": "reads that would block"}
GROUPS_IN_A_PICTURE = 4
MOST_DISTRIBUTIONS = 6


def peers(run):
    """Where a peer wins comes first."""
    workloads = [each for each in run.met("peers", "own") if run.base(each)]
    if not workloads:
        return None
    rows = [(workload, each, run.ratio(workload, each.name, "cpu")) for workload in workloads
            for each in run.under(workload, "peers", "own")]
    parts = [*map(Finding, _wins(run, rows)), *_ratio_pictures(
        run, workloads, ("peers", "own"), "cpu", "Server CPU per request against {base}")]
    parts.append(_ratio_table(run, workloads))
    versions = [f"{each.name}: {each.library} {each.version}" + (f", {each.what}" * bool(each.what))
                for each in run.contestants if each.group == "peers" and each.library]
    if versions:
        parts.append(Text("; ".join(versions) + ".", quiet=True))
    return Section("Against other libraries", parts)


def _wins(run, rows):
    rows = [(workload, each, found) for workload, each, found in rows if found is not None]
    won = [f"{each.name} takes ×{shown(found)} the CPU of {run.base(workload)} ({workload.title})"
           for workload, each, found in rows if found.decided and found.direction < 0]
    if won:
        return ["Where a peer wins: " + "; ".join(won) + "."]
    if any(found.count >= ENOUGH_ROUNDS for _, _, found in rows):
        return ["No peer takes decidedly less CPU per request than Pollux under what was measured."]
    return [f"Too few rounds to say where a peer wins: {ENOUGH_ROUNDS} are needed."]


def _ratio_pictures(run, workloads, groups, key, title, kept=None):
    """For each base and load; the workloads of a picture are as many as have room."""
    parts = {}
    for workload in workloads:
        parts.setdefault((run.base(workload), workload.load), []).append(workload)
    for (base, load), together in parts.items():
        for begin in range(0, len(together), GROUPS_IN_A_PICTURE):
            chosen = together[begin:begin + GROUPS_IN_A_PICTURE]
            rows = [charts.Row(each.name, found, run.kind(each), short_title(workload, together))
                    for workload in chosen for each in run.under(workload, *groups)
                    if each.name != base and (kept is None or each.name in kept)
                    and (found := run.ratio(workload, each.name, key))]
            if rows:
                said = [(f"{row.name}, {row.group}", row.estimate) for row in rows]
                yield Picture(
                    file_name(f"ratio {key} {' '.join(groups)} {chosen[0].name}"),
                    ratios(f"{together[0].title.split(', ')[0]}, server CPU", base, said),
                    charts.intervals(f"{title.format(base=base)} (hollow: undecided)", rows,
                                     reference=1.0))


def _ratio_table(run, workloads):
    """A column for each workload."""
    names = dict.fromkeys(each.name for workload in workloads for each in run.under(workload))
    bases = {run.base(workload) for workload in workloads}
    base = f" ÷ that of {bases.pop()}" if len(bases) == 1 else ", against the base of each workload"
    return Table(
        "peers", f"Server CPU per request{base}",
        ["contestant", *(short_title(workload, workloads) for workload in workloads)],
        [[name, *(Measured(run.ratio(workload, name, "cpu"), ratio=True)
                  for workload in workloads)] for name in names])


def _counts(run, workload, contestants):
    """What was counted; None when nothing was."""
    metrics = [metric for metric in counted_metrics(workload.load)
               if any(run.has(workload, each.name, metric.key) for each in contestants)]
    return metrics and Table(
        file_name(f"counts {workload.name}"), f"{workload.title}: what was counted",
        ["contestant", *(_column(metric) for metric in metrics)],
        [[each.name, *(Measured(run.figure(workload, each.name, metric.key), metric.digits)
                       for metric in metrics)] for each in contestants])


def _times(run, workload, contestants):
    """CPU, rates and latencies; the row of one without figures says why."""
    metrics = [metric for metric in timed_metrics(workload.load)
               if any(run.has(workload, each.name, metric.key) for each in contestants)]
    base, header = run.base(workload), ["contestant"]
    for metric in metrics:
        header += [_column(metric), f"× {base}"] if base and metric.compared else [_column(metric)]
    rows = []
    for each in contestants:
        row = [each.name]
        for metric in metrics:
            row.append(Measured(run.figure(workload, each.name, metric.key), metric.digits))
            if base and metric.compared:
                row.append(Measured(run.ratio(workload, each.name, metric.key), 2, ratio=True))
        reasons = run.reasons(workload, each)
        if reasons and all(cell.estimate is None for cell in row[1:]):
            row = [each.name, "; ".join(reasons)]
        rows.append(row)
    return Table(file_name(workload.name), workload.title, header, rows)


def _column(metric):
    return f"{metric.title}, {metric.unit}" if metric.unit not in ("", "1/s") else metric.title


def triggers(run):
    """Level and edge beside each other: the ratios, and the calls that explain them."""
    workloads = [each for each in run.met("modes")
                 if run.has(each, "epoll-level", "cpu") and run.has(each, "epoll-edge", "cpu")]
    if not workloads:
        return None
    pictures = [*_ratio_pictures(run, workloads, ("modes",), "cpu",
                                 "Server CPU against {base}", TRIGGERS)]
    for workload in _telling(workloads):
        pictures += filter(None, [calls(run, workload, ("modes",))])
    return Section("Level against edge", [
        Text("The same server, with another trigger. The system calls say why the times differ, or "
             "why they do not: an edge that reads until it would block pays one more read for each "
             "event, and a level is told again of what was left."), *pictures])


def _telling(workloads):
    """Of each load the workload with most connections, else the pictures are too many."""
    most = {}
    for workload in workloads:
        if workload.load not in most or workload.connections > most[workload.load].connections:
            most[workload.load] = workload
    return list(most.values())


def calls(run, workload, groups):
    contestants = [each for each in run.under(workload, *groups)
                   if run.has(workload, each.name, "wait")]
    if not contestants:
        return None
    keys = [metric for metric in counted_metrics(workload.load) if metric.key in COUNTS]
    parts = [charts.Part(NAMES.get(metric.key, metric.title),
                         [_count(run, workload, each, metric.key) for each in contestants])
             for metric in keys]
    sentence = "; ".join(
        f"{each.name} makes {_said(run, workload, each, 'wait')} waits and "
        f"{_said(run, workload, each, 'read')} reads"
        for each in contestants if each.name in ("epoll-level", "epoll-edge")) or "System calls"
    return Picture(
        file_name(f"calls {workload.name}"), f"{workload.title}: {sentence} per {workload.unit}.",
        charts.stacks(f"System calls per {workload.unit}", [each.name for each in contestants],
                      parts, [_total(run, workload, each) for each in contestants]))


def _count(run, workload, contestant, key):
    """Reads that would block are a part of the reads."""
    found = run.figure(workload, contestant.name, key)
    if found is None:
        return 0.0
    blocked = run.figure(workload, contestant.name, "blocked") if key == "read" else None
    return max(0.0, found.median - (blocked.median if blocked else 0.0))


def _said(run, workload, contestant, key):
    found = run.figure(workload, contestant.name, key)
    return "–" if found is None else shown(found)


def _total(run, workload, contestant):
    rounds = [run.values(workload, contestant.name, key)
              for key in COUNTS if key != "blocked"]
    numbers = set().union(*rounds)
    return charts.estimate(sum(each.get(number, 0.0) for each in rounds) for number in numbers)


def costs(run):
    """Server CPU per request along every axis of the grid that was varied."""
    return [picture for axis, label in AXES.items() for groups in (("modes",), ("peers", "own"))
            for family in families(run.met(*groups), axis)
            for picture in _curve(run, family, axis, label, "cpu", groups)]


def _curve(run, family, axis, label, key, groups):
    """A line for each contestant of the groups; with peers comes who they are held against."""
    bases = {run.base(workload) for workload in family}
    series = []
    for each in run.contestants:
        if each.group in groups or each.name in bases:
            points = [(_place(workload, axis), run.figure(workload, each.name, key))
                      for workload in family]
            if sum(found is not None for _, found in points) > 1:
                series.append(charts.Series(each.name, points, run.kind(each)))
    if not series:
        return
    metric = run.metric(family[0], key)
    yield Picture(
        file_name(f"{key} {groups[0]} {family[0].name} by {axis}"),
        growth(f"{_shared_title(family)}, {metric.title}", label,
               [(each.name, each.points) for each in series]),
        charts.curves(f"{metric.title}, {metric.unit}", label, series, log=axis != "active"))


def _shared_title(family):
    """What the titles have in common."""
    first, *others = [each.title.split(", ") for each in family]
    return ", ".join(word for word in first if all(word in other for other in others))


def _place(workload, axis):
    value = getattr(workload, axis)
    return 100 * value if axis == "active" else value


def latency(run):
    """Open loops where there are some: only they say what waiting costs."""
    workloads = [each for each in run.workloads
                 if any(run.histograms(each, other.name) for other in run.under(each))]
    opened = [each for each in workloads if each.rate]
    chosen = opened or _telling(workloads)
    parts = []
    for workload in chosen[:MOST_DISTRIBUTIONS]:
        for groups in (("modes",), ("peers", "own"), ("models",)):
            parts += filter(None, [_distribution(run, workload, groups)])
    for family in families(opened, "rate"):
        for groups in (("modes",), ("peers", "own")):
            parts += _curve(run, family, "rate", "messages/s that fall due", "p99", groups)
    if not parts:
        return None
    text = ("Messages fall due at a fixed rate, and their latency is counted from then on, whether "
            "the client could send them or not."
            if opened else
            "These are closed loops: a client sends its next message when the answer has come, so "
            "a slow server is asked less, and its latency is flattered.")
    return Section("Latency", [Text(text), Text(
        "Lines are the messages of all rounds together; markers have the 95 % interval over the "
        "rounds. Every further nine has the same room on the axis.", quiet=True), *parts])


def _distribution(run, workload, groups):
    found = [charts.Distribution(each.name, run.histograms(workload, each.name), run.kind(each))
             for each in run.under(workload, *groups) if run.histograms(workload, each.name)]
    if not found:
        return None
    rows = [(each.name, charts.quantiles(each.histograms, 0.99)) for each in found]
    return Picture(file_name(f"latency {groups[0]} {workload.name}"),
                   extremes(f"{workload.title}: p99", " µs", rows, 0),
                   charts.percentiles("latency, µs", found))


def models(run):
    workloads = run.met("models")
    if not workloads:
        return None
    parts = []
    for family in families(workloads, "connections"):
        for key in ("cpu", "rate", "waited", "memory"):
            parts += _curve(run, family, "connections", "connections", key, ("models",))
    if not parts:
        for workload in workloads:
            parts += filter(None, [_rows(run, workload, key) for key in ("cpu", "memory")])
    parts += [_times(run, workload, run.under(workload, "models"))
              for workload in _telling(workloads)]
    return Section("Seven models of serving", parts)


def _rows(run, workload, key):
    contestants = run.under(workload, "models")
    rows = [charts.Row(each.name, run.figure(workload, each.name, key), run.kind(each))
            for each in contestants if run.has(workload, each.name, key)]
    if not rows:
        return None
    metric = run.metric(workload, key)
    return Picture(file_name(f"{key} {workload.name}"),
                   extremes(f"{workload.title}: {metric.title}", f" {metric.unit}",
                            [(row.name, row.estimate) for row in rows]),
                   charts.intervals(f"{metric.title}, {metric.unit}", rows))


def figures(run):
    """Every workload: what was counted, then what was timed."""
    parts = []
    for workload in run.workloads:
        everybody = run.under(workload)
        tables = [_counts(run, workload, everybody), _times(run, workload, everybody)]
        notes = [Text(text, quiet=True)
                 for text in cautions(run.results, workload, everybody)]
        parts.append(Folded(workload.title, [*filter(None, tables), *notes]))
    return Section("All figures", [Text(
        "Counts come first: they are the same on any machine of this kind. Figures are medians, "
        "small beside them their 95 % intervals; ▲ more and ▼ less mark ratios that are decided."),
        *parts])


def further(document):
    sections = []
    for each in document.get("further", []):
        table = Table(file_name(each["title"]), each["title"], each["header"], each["rows"])
        sections.append(Section(each["title"], [table, *[
            Text(note, quiet=True) for note in each.get("notes", [])]]))
    return sections


def memory(run):
    """What a connection takes, in the server's pages and in the kernel."""
    parts = []
    for workload in run.workloads:
        contestants = [each for each in run.under(workload)
                       if run.has(workload, each.name, "memory_user")]
        if contestants:
            parts.append(_memory_picture(run, workload, contestants))
            parts.append(_memory_table(run, workload, contestants))
    return parts and Section("Memory per connection", parts)


MEMORY = {"memory_user": "pages of the server", "memory_kernel": "kernel"}


def _memory_picture(run, workload, contestants):
    found = [[run.figure(workload, each.name, key) for each in contestants] for key in MEMORY]
    parts = [charts.Part(title, [each.median if each else 0.0 for each in column])
             for title, column in zip(MEMORY.values(), found)]
    rounds = [[run.values(workload, each.name, key) for key in MEMORY]
              for each in contestants]
    totals = [charts.estimate(sum(column.get(number, 0.0) for column in columns)
                              for number in set().union(*columns)) for columns in rounds]
    names = [each.name for each in contestants]
    return Picture(file_name(f"memory {workload.name}"),
                   extremes(f"{workload.title}: memory", " KiB", zip(names, totals)),
                   charts.stacks("memory per connection, KiB", names, parts, totals))


def _memory_table(run, workload, contestants):
    rows = [[each.name, *(Measured(run.figure(workload, each.name, key)) for key in MEMORY)]
            for each in contestants]
    return Table(file_name(f"memory {workload.name}"), workload.title,
                 ["contestant", *(f"{title}, KiB" for title in MEMORY.values())], rows)
