"""results.json as sections: peers, triggers, costs, latency, models, and all figures."""

from comparison.finding import (
    cautions, disagreements, level_against_edge, models_side_by_side)
from comparison.report import memory_section, run_pictures, run_tables
from comparison.report.content import Finding, Folded, Section, Table, Text, Warning, file_name
from comparison.report.measurements import families, one_of_each
from comparison.report.sentences import shown
from comparison.results import COUNTED, KERNEL
from comparison.statistics import ENOUGH_ROUNDS

PEERS = ("peers", "own")
TRIGGERS = ("epoll-edge", "epoll-edge-drain", "epoll-one-shot")
# What an axis of the grid is called under a picture.
AXES = {"connections": "connections", "active": "% of the connections active",
        "idle": "more connections, idle", "size": "bytes of a message",
        "depth": "messages under way on a connection", "accepts": "accepts a visit",
        "read_size": "bytes of the largest read", "work": "µs of work for a request",
        "loops": "loops", "read_rate": "bytes per second that a client reads"}
MOST_DISTRIBUTIONS = 6
COUNTS = ("Counts come first. They are exact where one connection waits for its answer, but for "
          "servers that read on until nothing is there. Elsewhere waits, and reads with them, "
          "depend on how many connections are ready at once, and so on the machine and on what "
          "else it does. What the kernel has seen is of runs of their own: tracing stops a server "
          "at each call, which changes who is quicker, and so how much is ready. A server's own "
          "counters are held against the kernel's within such a run, and where they differ the "
          "page says so.")


def summary(run):
    """Sentences for the top of the page."""
    sentences = []
    if run.met("modes"):
        sentences += level_against_edge(run.results, run.met("modes"))
    if run.met(*PEERS):
        sentences.append(" ".join(_wins(run, run.met(*PEERS))))
    models_met = _telling(run.met("models"))
    everybody = [each for each in run.contestants if each.group == "models"]
    return [Finding(text) for text in
            sentences + models_side_by_side(run.results, models_met, everybody)]


def peers(run):
    """Where a peer wins comes first."""
    workloads = run.met(*PEERS)
    if not workloads:
        return None
    parts = [*map(Finding, _wins(run, workloads)), run_tables.ratios(run, workloads),
             *run_pictures.against_base(run, workloads, PEERS)]
    for workload in _telling(workloads):
        both = [each for each in run.under(workload) if each.name == run.base(workload)]
        parts += run_pictures.calls(
            run, workload, both + one_of_each(run.under(workload, *PEERS)), KERNEL)
    kinds = [f"{each.name}: {', '.join(filter(None, [each.what, each.version]))}"
             for each in run.contestants if each.group == "peers"]
    if kinds:
        parts.append(Text("; ".join(kinds) + ".", quiet=True))
    return Section("Against other libraries", parts)


def _wins(run, workloads):
    """A sentence for each workload in which some peer takes less."""
    found = {workload: [(each.name, ratio) for each in run.under(workload, *PEERS)
                        if (ratio := run.ratio(workload, each.name, "cpu"))]
             for workload in workloads}
    won = {workload: sorted((ratio.median, name, ratio) for name, ratio in ratios
                            if ratio.decided and ratio.direction < 0)
           for workload, ratios in found.items()}
    if any(won.values()):
        return [f"{workload.title}: less CPU than {run.base(workload)} is taken by "
                + ", ".join(f"{name} ×{shown(ratio)}" for _, name, ratio in better) + "."
                for workload, better in won.items() if better]
    if any(ratio.count >= ENOUGH_ROUNDS for ratios in found.values() for _, ratio in ratios):
        return ["No peer takes decidedly less CPU per request than Pollux under what was measured."]
    return [f"Too few rounds to say where a peer wins: {ENOUGH_ROUNDS} are needed."]


def triggers(run):
    """Level and edge beside each other: the ratios, and the calls that explain them."""
    workloads = [each for each in run.met("modes")
                 if run.has(each, "epoll-level", "cpu") and run.has(each, "epoll-edge", "cpu")]
    if not workloads:
        return None
    parts = [Text("The same server, with another trigger. The system calls say why the times "
                  "differ, or why they do not: an edge that reads until it would block pays one "
                  "more read for each event, and a level is told again of what was left.")]
    parts += [Warning(f"Server and kernel do not count the same – {text}.")
              for text in disagreements(run.results)[:3]]
    parts += run_pictures.against_base(run, workloads, ("modes",), TRIGGERS)
    for workload in _telling(workloads):
        parts += run_pictures.calls(run, workload, run.under(workload, "modes"), COUNTED)
    return Section("Level against edge", parts)


def _telling(workloads):
    """Of each load the workload with most connections, else the pictures are too many."""
    most = {}
    for workload in workloads:
        if workload.load not in most or workload.connections > most[workload.load].connections:
            most[workload.load] = workload
    return list(most.values())


def costs(run):
    """Pictures of server CPU per request along every axis of the grid that was varied."""
    return [picture for axis, label in AXES.items() for groups in (("modes",), PEERS)
            for family in families(run.met(*groups), axis)
            for picture in run_pictures.curve(run, family, axis, label, "cpu", groups)]


def latency(run):
    """Open loops where there are some: only they say what waiting costs."""
    workloads = [each for each in run.met(key="histogram") if each.unit != "MiB"]
    opened = [each for each in workloads if each.rate]
    parts = [picture for workload in (opened or _telling(workloads))[:MOST_DISTRIBUTIONS]
             for groups in (("modes",), PEERS, ("models",))
             for picture in run_pictures.distribution(run, workload, groups)]
    parts += [picture for family in families(opened, "rate") for groups in (("modes",), PEERS)
              for picture in run_pictures.curve(run, family, "rate", "messages/s that fall due",
                                                "p99", groups)]
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


def knees(run):
    """The highest rate that each server keeps."""
    parts = []
    for workload in run.met(key="because"):
        everybody = run.under(workload)
        parts += [*run_pictures.rows(run, workload, everybody, "knee"),
                  run_tables.knees(run, workload, everybody)]
    return parts and Section("The highest rate that is kept", [Text(
        "The rate is raised step by step until a server does not keep it, the best of three tries "
        "a step. Where the client was the limit, the server keeps at least what is shown."), *parts])


def models(run):
    workloads = run.met("models")
    if not workloads:
        return None
    parts = [picture for family in families(workloads, "connections")
             for key in ("cpu", "rate", "waited", "memory")
             for picture in run_pictures.curve(run, family, "connections", "connections", key,
                                               ("models",))]
    telling = _telling(workloads)
    if not parts:
        parts = [picture for workload in telling for key in ("cpu", "memory")
                 for picture in run_pictures.rows(run, workload, run.under(workload, "models"),
                                                  key)]
    parts += [run_tables.times(run, each, run.under(each, "models")) for each in telling]
    return Section("Seven models of serving", parts)


def figures(run):
    """Every workload: what was counted, then what was timed."""
    parts = []
    for workload in run.workloads:
        everybody = run.under(workload)
        notes = cautions(run.results, workload, everybody)
        parts.append(Folded(workload.title, [
            *run_tables.counts(run, workload, everybody),
            run_tables.times(run, workload, everybody),
            *(Text(text, quiet=True) for text in notes)]))
    return Section("All figures", [Text(COUNTS), Text(
        "Figures are medians, small beside them their 95 % intervals; ▲ more and ▼ less mark "
        "ratios that are decided."), *parts])


def further(document):
    """Sections that bring their own rows."""
    return [Section(each["title"], [
        Table(file_name(each["title"]), each["title"], each["header"], each["rows"]),
        *(Text(note, quiet=True) for note in each.get("notes", []))])
        for each in document.get("further", [])
        if not memory_section.is_memory(each)]
