"""What the figures say, in sentences made from them."""

from math import log

from comparison.contestants import BASE
from comparison.statistics import ENOUGH_ROUNDS
from comparison.workloads import KNEE_METRICS, KNEE_RESOLUTION, timed_metrics

EDGE = "epoll-edge"
SUBJECT = {"echo": "Small messages", "upload": "Bulk upload"}
COST = {"echo": "server CPU per request", "upload": "server CPU per KiB"}


def number(value, digits=2):
    """Rounded, with separators; small values keep what tells them from zero."""
    if value != 0 and abs(value) < 0.5 * 10 ** -digits:
        return f"{value:.1g}"
    return f"{value:,.{digits}f}"


def ranged(estimate, digits=2):
    low, high = number(estimate.low, digits), number(estimate.high, digits)
    return f"{number(estimate.median, digits)} ({low}–{high})"


def level_against_edge(results, workloads):
    """One sentence for small messages, one for uploads; what is not measured is said."""
    return [
        _sentence(results, load, [each for each in workloads if each.load == load])
        for load in ("echo", "upload")
        if any(each.load == load for each in workloads)
    ]


def _sentence(results, load, workloads):
    ratios = {each: results.ratio_of(each, EDGE, BASE, "cpu") for each in workloads}
    ratios = {each: ratio for each, ratio in ratios.items() if ratio is not None}
    if not ratios:
        return f"{SUBJECT[load]}: nothing can be said, level or edge was not measured."
    told = by_direction(ratios)
    parts = [
        f"{verdict}: {_list(found)}"
        for verdict, found in (
            ("edge takes less", told[-1]),
            ("edge takes more", told[1]),
            ("no difference can be told", told[0]),
        )
        if found
    ]
    text = f"{SUBJECT[load]}, {COST[load]} of edge over level: {'; '.join(parts)}."
    text += few_rounds(ratios.values())
    return text + _why(results, load, max(ratios, key=lambda each: abs(log(ratios[each].median))))


def by_direction(ratios, resolution=1.0):
    """Those of which it is decided that they are below one (-1) or above it (1), and the rest, to
    which belong those nearer to one than the figures are known."""
    def side(ratio):
        near = abs(log(ratio.median)) <= log(resolution)
        return ratio.direction if ratio.decided and not near else 0
    return {direction: {each: ratio for each, ratio in ratios.items() if side(ratio) == direction}
            for direction in (-1, 0, 1)}


def _list(ratios):
    """0.98 (0.96–0.99) with 1 connection, 1.01 (0.99–1.04) with 50."""
    parts = []
    for workload, ratio in ratios.items():
        noun = "" if parts else " connection" + ("s" if workload.connections > 1 else "")
        parts.append(f"{ranged(ratio)} with {workload.name.partition('-')[2]}{noun}")
    return ", ".join(parts)


def few_rounds(ratios):
    fewest = min(ratio.count for ratio in ratios)
    return "" if fewest >= ENOUGH_ROUNDS else (
        f" Nothing is decided by fewer than {ENOUGH_ROUNDS} rounds, and here are {fewest}.")


def _why(results, load, workload):
    """The calls behind it, where the two differ most."""
    calls = {}
    for mode in (EDGE, BASE):
        for key in ("read", "wait"):
            calls[mode, key] = results.of(workload, mode, key)
    if any(value is None for value in calls.values()):
        return ""

    def said(mode):
        reads, waits = calls[mode, "read"].median, calls[mode, "wait"].median
        return f"{number(reads)} reads and {number(waits)} waits"
    edge, level = said(EDGE), said(BASE)
    return f" At {workload.connections} edge makes {edge} per {workload.unit}, level {level}."


def knees(results, workloads, contestants):
    """Of whom the knee is lower or higher than that of the base, and whose was not reached."""
    sentences = held_against_base(results, workloads, contestants, KNEE_METRICS[0],
                                  KNEE_RESOLUTION)
    for workload in workloads:
        bounds = {each.name: results.lower_bound(workload, each.name, "knee")
                  for each in contestants}
        told = [f"{name} keeps at least {ranged(bound, 0)}" for name, bound in bounds.items()
                if bound]
        if told:
            sentences.append(f"{workload.title}, requests/s where the client was the limit in some "
                             f"rounds or all, so that no ratio is formed: {', '.join(told)}.")
    return sentences


def held_against_base(results, workloads, contestants, metric=None, resolution=1.0):
    """A sentence for each workload with these contestants: of whom the figure, or else the CPU
    time, is less than of the base, and of whom it is more."""
    sentences = []
    for workload in workloads:
        base = results.base_of(workload)
        what = metric or cpu_metric(workload.load)
        ratios = {each.name: results.against_base(workload, each.name, what.key)
                  for each in contestants if each.name != base}
        ratios = {name: ratio for name, ratio in ratios.items() if ratio}
        if ratios:
            sentences.append(f"{workload.title}, {what.title} over {base}: "
                             f"{_sides(ratios, resolution)}."
                             + few_rounds(ratios.values()))
    return sentences


def cpu_metric(load):
    return next(each for each in timed_metrics(load) if each.key == "cpu")


def _sides(ratios, resolution):
    told = by_direction(ratios, resolution)
    return "; ".join(
        f"{verdict} " + ", ".join(f"{name} {ranged(ratio)}" for name, ratio in sorted(
            told[direction].items(), key=lambda item: item[1].median))
        for direction, verdict in ((-1, "less for"), (1, "more for"),
                                   (0, "no difference can be told for"))
        if told[direction])


def models_side_by_side(results, workloads, models):
    """One sentence for each number of connections."""
    cpu = cpu_metric("upper")
    sentences = []
    for workload in workloads:
        if workload.load != "upper":
            continue
        text = extremes(results, workload, models, cpu, ", server CPU per request")
        missing = [model.name for model in models if results.reasons_of(workload, model)
                   and results.of(workload, model.name, "cpu") is None]
        if missing and len(missing) < len(models):
            text += f" Without figures, for the reasons in the table: {', '.join(missing)}."
        sentences.append(text)
    return sentences


def extremes(results, workload, contestants, metric, what=""):
    """Which contestant has the smallest and which the largest median, as a sentence."""
    found = {each.name: results.of(workload, each.name, metric.key) for each in contestants}
    found = {name: estimate for name, estimate in found.items() if estimate is not None}
    if not found:
        return f"{workload.title}{what}: not measured."
    ordered = sorted(found, key=lambda name: found[name].median)
    low, high = ordered[0], ordered[-1]
    if low == high:
        return f"{workload.title}{what}: {low} {ranged(found[low], metric.digits)} {metric.unit}."
    text = (
        f"{workload.title}{what}: from {ranged(found[low], metric.digits)} {metric.unit} ({low}) "
        f"to {ranged(found[high], metric.digits)} {metric.unit} ({high})"
    )
    if found[low].high >= found[high].low:
        text += "; the intervals overlap"
    return text + "."


def cautions(results, workload, contestants):
    """What a reader of the absolute figures should know."""
    return [text for text in (_bottleneck(results, workload, contestants),
                              _refused_requests(results, workload, contestants),
                              _drift(results, workload)) if text]


def _refused_requests(results, workload, contestants):
    """What was not answered, or not with what was asked for."""
    found = []
    for key, what in (("errors", "answers that are no success"), ("unanswered", "no answer")):
        for each in contestants:
            count = sum(results.by_round(workload, each.name, key).values())
            if count:
                found.append(f"{each.name} {count:,} times {what}")
    return f"In all rounds together: {', '.join(found)}." if found else ""


def disagreements(results):
    """Where the kernel has counted something else than the server itself: then neither is to be
    believed."""
    return [
        f"{sample['workload']} {sample['contestant']}, round {sample['round']}: {difference}"
        for sample in results.samples for difference in sample["values"].get("differences", [])
    ]


def _bottleneck(results, workload, contestants):
    """A client that is busy all the time hides differences in the rate."""
    limited = {each.name: _limited_by_client(results, workload, each.name)
               for each in contestants}
    limited = {name: told for name, told in limited.items() if told is not None}
    if limited and all(limited.values()):
        return "The client had no time left for anyone: the rate is its limit, not the server's."
    names = ", ".join(name for name, told in limited.items() if told)
    return f"The client had no time left for {names}: their rate is its limit." if names else ""


def _limited_by_client(results, workload, name):
    """In most rounds; by its own word, or by how busy it was. None when nothing is known."""
    words = results.by_round(workload, name, "limited_by_client")
    if not words:
        words = {number: busy > 0.95 for number, busy
                 in results.by_round(workload, name, "client_busy").items()}
    return sum(words.values()) > len(words) / 2 if words else None


def _drift(results, workload):
    """The machine's own unsteadiness: the same contestant in different rounds."""
    base = results.base_of(workload)
    values = sorted(results.by_round(workload, base, "cpu").values())
    if not values or values[-1] < 1.5 * values[0]:
        return ""
    return (f"The machine was unsteady: from round to round {base} itself differed "
            f"{number(values[-1] / values[0], 1)}-fold in CPU time. Ratios hold better than "
            "figures.")
