"""Pictures of what bench/run has measured, each with its sentence. No figures, no
picture."""

from comparison.finding import few_rounds
from comparison.report import charts
from comparison.report.content import Picture, file_name
from comparison.report.measurements import one_of_each, short_title
from comparison.report.sentences import extremes, growth, ratios
from comparison.statistics import ENOUGH_COUNTS, estimate, two_groups
from comparison.workloads import counted_metrics

ROWS_IN_A_PICTURE = 24
COUNTS = ("wait", "change", "accept", "read", "blocked", "write")
NAMES = {"change": "registration changes", "read": "reads that got something",
         "blocked": "reads that would block"}


def against_base(run, workloads, groups, kept=None):
    """Server CPU, for each base and load; the workloads of a picture are as many as have room."""
    together = {}
    for workload in workloads:
        together.setdefault((run.base(workload), workload.load), []).append(workload)
    for (base, load), alike in together.items():
        rows = []
        for workload in alike:
            more = _ratio_rows(run, workload, alike, groups, kept)
            if rows and len(rows) + len(more) > ROWS_IN_A_PICTURE:
                yield _ratio_picture(f"ratio {load} {groups[0]}", alike[0], base, rows)
                rows = []
            rows += more
        if rows:
            yield _ratio_picture(f"ratio {load} {groups[0]}", alike[0], base, rows)


def _ratio_rows(run, workload, alike, groups, kept):
    return [charts.Row(each.name, found, run.kind(each), short_title(workload, alike))
            for each in run.under(workload, *groups)
            if each.name != run.base(workload) and (kept is None or each.name in kept)
            and (found := run.ratio(workload, each.name, "cpu"))]


def _ratio_picture(name, workload, base, rows):
    alone = len({row.group for row in rows}) == 1
    said = [(row.name if alone else f"{row.name}, {row.group}", row.estimate) for row in rows]
    what = f"{workload.title.split(', ')[0]}{', ' + rows[0].group if alone else ''}, server CPU"
    return Picture(file_name(f"{name} {rows[0].group}"), ratios(what, base, said),
                   charts.intervals(f"server CPU ÷ that of {base} (hollow: undecided)", rows,
                                    reference=1.0))


def calls(run, workload, contestants, kind):
    """System calls as this kind of run has counted them."""
    contestants = [each for each in contestants if run.has(workload, each.name, "wait", kind)]
    if not contestants:
        return
    keys = [metric for metric in counted_metrics(workload.load) if metric.key in COUNTS]
    parts = [charts.Part(NAMES.get(metric.key, metric.title),
                         [_count(run, workload, each, metric.key, kind) for each in contestants])
             for metric in keys]
    totals = [_total(run, workload, each, kind) for each in contestants]
    names = [each.name for each in contestants]
    what = f"{workload.title}, system calls per {workload.unit}"
    yield Picture(
        file_name(f"calls {workload.name} {kind}"),
        calls_said(what, workload, names, totals),
        charts.stacks(f"system calls per {workload.unit}", names, parts, totals))


def calls_said(what, workload, names, totals):
    """Nobody is named by what one round has counted where timing has a say in it."""
    rounds = min(total.count for total in totals)
    if workload.one_at_a_time:
        return extremes(what, "", zip(names, totals))
    if rounds >= ENOUGH_COUNTS:
        return (f"{extremes(what, '', zip(names, totals))} Such counts vary with how much is "
                f"ready at once: {rounds} rounds.")
    return (f"{what}, as counted in {rounds} round{'s' * (rounds > 1)}. Such counts vary from "
            "round to round with how much is ready at once: small differences say nothing.")


def _count(run, workload, contestant, key, kind):
    """Reads that would block are a part of the reads."""
    found = run.figure(workload, contestant.name, key, kind)
    if found is None:
        return 0.0
    blocked = run.figure(workload, contestant.name, "blocked", kind) if key == "read" else None
    return max(0.0, found.median - (blocked.median if blocked else 0.0))


def _total(run, workload, contestant, kind):
    rounds = [run.values(workload, contestant.name, key, kind)
              for key in COUNTS if key != "blocked"]
    return _sums(rounds)


def _sums(columns):
    """The Estimate of the sums by round."""
    return estimate(sum(column.get(number, 0.0) for column in columns)
                    for number in sorted(set().union(*columns)))


def curve(run, family, axis, label, key, groups):
    """A line for each contestant of the groups; with peers comes who they are held against."""
    bases = {run.base(workload) for workload in family}
    chosen = one_of_each([each for each in run.contestants if each.group in groups])
    chosen = [each for each in run.contestants
              if each.name in bases and each not in chosen] + chosen
    series = []
    for each in chosen:
        points = [(_place(workload, axis), run.figure(workload, each.name, key))
                  for workload in family]
        if sum(found is not None for _, found in points) > 1:
            series.append(charts.Series(each.name, points, run.kind(each)))
    if not series:
        return
    metric = run.metric(family[0], key)
    unit = f", {metric.unit}" if metric.unit != "1/s" else ""
    yield Picture(
        file_name(f"{key} {groups[0]} {family[0].name} by {axis}"),
        growth(f"{_shared_title(family)}, {metric.title}", label,
               [(each.name, each.points) for each in series])
        + _in_two_groups(run, family, axis, key, series),
        charts.curves(f"{metric.title}{unit}", label, series, log=axis != "active"))


def _in_two_groups(run, family, axis, key, series):
    """A line that ends in such a point says little."""
    found = [f"{each.name} at {_place(workload, axis):,g}" for each in series for workload in family
             if two_groups(run.values(workload, each.name, key).values())]
    return f" Rounds lie in two groups, which a median hides: {', '.join(found)}." if found else ""


def _shared_title(family):
    """What the titles have in common."""
    first, *others = [each.title.split(", ") for each in family]
    return ", ".join(word for word in first if all(word in other for other in others))


def _place(workload, axis):
    value = getattr(workload, axis)
    return 100 * value if axis == "active" else value


def distribution(run, workload, groups):
    """Latencies of the messages of all rounds."""
    contestants = one_of_each([each for each in run.under(workload, *groups)
                               if run.histograms(workload, each.name)])
    found = [charts.Distribution(each.name, run.histograms(workload, each.name), run.kind(each))
             for each in contestants]
    if found:
        rows = [(each.name, charts.quantiles(each.histograms, 0.99)) for each in found]
        yield Picture(file_name(f"latency {groups[0]} {workload.name}"),
                      extremes(f"{workload.title}: p99", " µs", rows, 0)
                      + few_rounds([found for _, found in rows]),
                      charts.percentiles("latency, µs", found))


def rows(run, workload, contestants, key):
    """A point and its interval for each contestant."""
    found = [charts.Row(each.name, run.figure(workload, each.name, key), run.kind(each))
             for each in contestants if run.has(workload, each.name, key)]
    if found:
        metric = run.metric(workload, key)
        groups = " ".join(dict.fromkeys(each.group for each in contestants))
        yield Picture(file_name(f"{key} {groups} {workload.name}"),
                      extremes(f"{workload.title}, {metric.title}", f" {metric.unit}",
                               [(row.name, row.estimate) for row in found], metric.digits)
                      + few_rounds([row.estimate for row in found]),
                      charts.intervals(f"{metric.title}, {metric.unit}", found))
