"""What the figures say, in sentences made from them."""

from math import log

from comparison.changes import SMALLEST
from comparison.contestants import BASE
from comparison.results import COUNTED, KERNEL
from comparison.statistics import ENOUGH_COUNTS, ENOUGH_ROUNDS, median
from comparison.workloads import counted_metrics, timed_metrics

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


def by_direction(ratios):
    """Those of which it is decided that they are below one (-1) or above it (1), and the rest."""
    return {direction: {each: ratio for each, ratio in ratios.items()
                        if (ratio.direction if ratio.decided else 0) == direction}
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
    """The calls behind it, where the two differ most; nothing where it may be chance, since what is
    ready at a wait is another amount each time."""
    counts = {(mode, key): list(results.by_round_of(COUNTED, workload, mode, key).values())
              for mode in (EDGE, BASE) for key in ("read", "wait")}
    fewest = min(map(len, counts.values()))
    if fewest < (1 if workload.one_at_a_time else ENOUGH_COUNTS):
        return ""
    if not any(_apart(counts[EDGE, key], counts[BASE, key]) for key in ("read", "wait")):
        return ""

    def said(mode):
        return f"{spread(counts[mode, 'read'])} reads and {spread(counts[mode, 'wait'])} waits"
    return (f" With {workload.audience}, edge makes {said(EDGE)} per {workload.unit}, level "
            f"{said(BASE)}.")


def _apart(some, others):
    return max(some) < min(others) or max(others) < min(some)


def spread(values, digits=2):
    """The median of a few, and the smallest and the largest where they are not the same."""
    low, middle, high = (number(each, digits) for each in
                         (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def held_against_base(results, workloads, contestants, metric=None):
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
            sentences.append(f"{workload.title}, {what.title} over {base}: {_sides(ratios)}."
                             + few_rounds(ratios.values()))
    return sentences


def cpu_metric(load):
    return next(each for each in timed_metrics(load) if each.key == "cpu")


def _sides(ratios):
    told = by_direction(ratios)
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
    return [text for text in (*_limits(results, workload, contestants),
                              _refused_requests(results, workload, contestants),
                              _unsteady_times(results, workload, contestants),
                              _unsteady_counts(results, workload, contestants)) if text]


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


def agreement(results, counting):
    """How many traced runs had their own counts to be held against; `counting` are the cells,
    by names, whose servers count. A sentence, "" where there was none."""
    compared = [sample for sample in results.samples if sample["kind"] == KERNEL
                and (sample["workload"], sample["contestant"]) in counting]
    agree = sum(not sample["values"].get("differences") for sample in compared)
    return (f"In {len(compared)} traced runs servers counted too: in {agree} their counts are those "
            "that strace has seen in the same run. Runs without strace have other counts where "
            "timing has a say, since to be traced changes it.") if compared else ""


def _limits(results, workload, contestants):
    """Where the clients, not the server, set a figure."""
    found = {NO_TIME: [], LATE: [], LATE_AND_LESS: []}
    for each in contestants:
        if what := _limit(results, workload, each.name):
            found[what].append(each.name)
    return [text.format(", ".join(names)) for text, names in found.items() if names]


NO_TIME = "The clients had no time left for {}: the rate is their limit, not the server's."
LATE = ("The clients sent some messages late for {}: the rate was kept, but the latencies hold the "
        "clients' delay too.")
LATE_AND_LESS = ("The clients sent some messages late for {}, and the rate was not kept: which of "
                 "the two sides was the limit is not told.")
KEPT = 0.99  # of the messages that fell due
BUSY = 0.95  # of the time: the rest is lost in going to sleep and waking up


def _limit(results, workload, name):
    """By the clients' own word in most rounds, or else by how busy they were."""
    busy = results.by_round(workload, name, "client_busy")
    words = results.by_round(workload, name, "limited_by_client") or {
        number: share > BUSY for number, share in busy.items()}
    if sum(words.values()) <= len(words) / 2:
        return None
    asked, kept = (results.of(workload, name, key) for key in ("rate_asked", "rate_kept"))
    if not asked or not kept:
        return NO_TIME
    if kept.median >= KEPT * asked.median:
        return LATE
    return NO_TIME if busy and median(busy.values()) > BUSY else LATE_AND_LESS


def _unsteady_times(results, workload, contestants):
    """A median does not show that there were two speeds, of an idle core and of a busy one say."""
    metric = cpu_metric(workload.load)
    found = []
    for each in contestants:
        values = results.by_round(workload, each.name, metric.key).values()
        if values and max(values) > FAR_APART * min(values):
            found.append(f"{each.name} {_range(values, metric.digits)}")
    return (f"Rounds far apart, smallest to largest {metric.title} in {metric.unit}: "
            f"{', '.join(found)}. Ratios hold better than figures.") if found else ""


FAR_APART = 1.5  # times
VARIES = 0.1  # of the median


def _unsteady_counts(results, workload, contestants):
    """Of each kind of call, the contestant whose counts lie farthest apart."""
    found, rounds = [], 0
    for metric in counted_metrics(workload.load):
        spreads = {}
        for each in contestants:
            values = results.by_round_of(COUNTED, workload, each.name, metric.key).values()
            if values and max(values) - min(values) > max(VARIES * median(values), SMALLEST):
                spreads[each.name] = values
            rounds = max(rounds, len(values))
        if spreads:
            name = max(spreads, key=lambda one: max(spreads[one]) - min(spreads[one]))
            found.append(f"{metric.title} of {name} {_range(spreads[name], metric.digits)}")
    if rounds == 1 and not workload.one_at_a_time:
        return ("The servers counted in one round; with more than one message under way counts "
                "vary with what is ready at once.")
    return (f"Counts vary with what is ready at once. Farthest apart in {rounds} rounds: "
            f"{', '.join(found)}.") if found else ""


def _range(values, digits):
    return f"{number(min(values), digits)}–{number(max(values), digits)}"
