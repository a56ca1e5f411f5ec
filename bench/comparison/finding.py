"""What the figures say, in sentences made from them."""

from math import log

from comparison.cells import BASE, MODELS, timed_metrics

EDGE = "epoll-edge"
ENOUGH_ROUNDS = 5  # below, a range that misses 1 is too likely to be chance (1 in 4 with 3 rounds)
SUBJECT = {"echo": "Small messages", "upload": "Bulk upload"}
COST = {"echo": "server CPU per request", "upload": "server CPU per KiB"}


def number(value, digits=2):
    """Rounded, with separators; small values keep what tells them from zero."""
    if value != 0 and abs(value) < 0.5 * 10 ** -digits:
        return f"{value:.1g}"
    return f"{value:,.{digits}f}"


def ranged(spread, digits=2):
    low, high = number(spread.low, digits), number(spread.high, digits)
    return f"{number(spread.median, digits)} ({low}–{high})"


def level_against_edge(results, workloads):
    """One sentence for small messages, one for uploads; what is not measured is said."""
    return [
        _sentence(results, kind, [each for each in workloads if each.kind == kind])
        for kind in ("echo", "upload")
        if any(each.kind == kind for each in workloads)
    ]


def _sentence(results, kind, workloads):
    ratios = {each: results.ratio(each, EDGE, "cpu") for each in workloads}
    ratios = {each: ratio for each, ratio in ratios.items() if ratio is not None}
    if not ratios:
        return f"{SUBJECT[kind]}: nothing can be said, level or edge was not measured."
    same = {each: ratio for each, ratio in ratios.items() if ratio.contains_one}
    less = {each: ratio for each, ratio in ratios.items() if each not in same and ratio.median < 1}
    more = {each: ratio for each, ratio in ratios.items() if each not in same and ratio.median > 1}
    parts = [
        f"{verdict}: {_list(found)}"
        for verdict, found in (
            ("edge takes less", less),
            ("edge takes more", more),
            ("no difference can be told", same),
        )
        if found
    ]
    text = f"{SUBJECT[kind]}, {COST[kind]} of edge over level: {'; '.join(parts)}."
    text += _few_rounds([*less.values(), *more.values()])
    return text + _why(results, kind, max(ratios, key=lambda each: abs(log(ratios[each].median))))


def _list(ratios):
    """0.98 (0.96–0.99) with 1 connection, 1.01 (0.99–1.04) with 50."""
    parts = []
    for workload, ratio in ratios.items():
        noun = "" if parts else " connection" + ("s" if workload.connections > 1 else "")
        parts.append(f"{ranged(ratio)} with {workload.connections}{noun}")
    return ", ".join(parts)


def _few_rounds(ratios):
    fewest = min((ratio.count for ratio in ratios), default=ENOUGH_ROUNDS)
    if fewest >= ENOUGH_ROUNDS:
        return ""
    rounds = f"{fewest} round" + ("s are" if fewest > 1 else " is")
    return f" {rounds[0].upper()}{rounds[1:]} an indication, no proof."


def _why(results, kind, workload):
    """The calls behind it, where the two differ most."""
    calls = {}
    for mode in (EDGE, BASE):
        for key in ("read", "wait"):
            calls[mode, key] = results.spread(workload, mode, key)
    if any(value is None for value in calls.values()):
        return ""

    def said(mode):
        reads, waits = calls[mode, "read"].median, calls[mode, "wait"].median
        return f"{number(reads)} reads and {number(waits)} waits"
    edge, level = said(EDGE), said(BASE)
    return f" At {workload.connections} edge makes {edge} per {workload.unit}, level {level}."


def models_side_by_side(results, workloads):
    """One sentence for each number of connections."""
    cpu = next(each for each in timed_metrics("models") if each.key == "cpu")
    sentences = []
    for workload in workloads:
        if workload.kind != "models":
            continue
        text = extremes(results, workload, MODELS, cpu, ", server CPU per request")
        missing = [model.name for model in MODELS if results.reasons_of(workload, model)
                   and results.spread(workload, model.name, "cpu") is None]
        if missing and len(missing) < len(MODELS):
            text += f" Without figures, for the reasons in the table: {', '.join(missing)}."
        sentences.append(text)
    return sentences


def extremes(results, workload, modes, metric, what=""):
    """Which mode has the smallest and which the largest median, as a sentence."""
    spreads = {mode.name: results.spread(workload, mode.name, metric.key) for mode in modes}
    spreads = {name: spread for name, spread in spreads.items() if spread is not None}
    if not spreads:
        return f"{workload.title}{what}: not measured."
    ordered = sorted(spreads, key=lambda name: spreads[name].median)
    low, high = ordered[0], ordered[-1]
    if low == high:
        return f"{workload.title}{what}: {low} {ranged(spreads[low], metric.digits)} {metric.unit}."
    text = (
        f"{workload.title}{what}: from {ranged(spreads[low], metric.digits)} {metric.unit} ({low}) "
        f"to {ranged(spreads[high], metric.digits)} {metric.unit} ({high})"
    )
    if spreads[low].high >= spreads[high].low:
        text += "; the ranges overlap"
    return text + "."


def picture_sentence(results, workloads, modes, key, ratio=False):
    """About the workload with most connections that has figures."""
    for workload in sorted(workloads, key=lambda each: -each.connections):
        if results.spread(workload, workload.base, key) is not None:
            if ratio:
                return _against_base(results, workload, modes, key)
            metric = next(each for each in timed_metrics(workload.kind) if each.key == key)
            return extremes(results, workload, modes, metric)
    return "Not measured."


def _against_base(results, workload, modes, key):
    told, untold = [], []
    for mode in modes:
        ratio = results.ratio(workload, mode.name, key)
        if ratio is None or mode.name == workload.base:
            continue
        group = untold if ratio.contains_one else told
        group.append(f"{mode.name} {ranged(ratio)}")
    parts = []
    if told:
        parts.append(f"all rounds agree that these differ from {workload.base}: " + ", ".join(told))
    if untold:
        parts.append("no difference can be told for " + ", ".join(untold))
    return f"{workload.title}: " + ("; ".join(parts) or "nothing to compare") + "."


def cautions(results, workload, modes):
    """What a reader of the absolute figures should know."""
    return [text for text in (_bottleneck(results, workload, modes), _drift(results, workload))
            if text]


def _bottleneck(results, workload, modes):
    """A client that is busy all the time hides differences in the rate."""
    clients = [results.spread(workload, mode.name, "client_busy") for mode in modes]
    clients = [spread.median for spread in clients if spread is not None]
    if clients and min(clients) > 0.95:
        return "The client had no time left in any mode: the rate is its limit, not the server's."
    if clients and max(clients) > 0.95:
        return "The client had no time left in some modes: their rate is its limit."
    return ""


def _drift(results, workload):
    """The machine's own unsteadiness: the same mode in different rounds."""
    cpu = results.spread(workload, workload.base, "cpu")
    if cpu is None or cpu.high < 1.5 * cpu.low:
        return ""
    return (f"The machine was unsteady: from round to round {workload.base} itself differed "
            f"{number(cpu.high / cpu.low, 1)}-fold in CPU time. Ratios hold better than figures.")
