"""Tables of what bench/run has measured."""

from comparison.finding import ranged
from comparison.report.content import Measured, Table, file_name
from comparison.report.measurements import short_title
from comparison.table import COUNTED_BY
from comparison.workloads import counted_metrics, timed_metrics


def ratios(run, workloads):
    """Server CPU against the base: a column for each workload."""
    names = dict.fromkeys(each.name for workload in workloads for each in run.under(workload))
    bases = {run.base(workload) for workload in workloads}
    base = f" ÷ that of {bases.pop()}" if len(bases) == 1 else ", against the base of each workload"
    return Table(
        "peers", f"Server CPU per request{base}",
        ["contestant", *(short_title(workload, workloads) for workload in workloads)],
        [[name, *(Measured(run.ratio(workload, name, "cpu"), ratio=True)
                  for workload in workloads)] for name in names])


def counts(run, workload, contestants):
    """What was counted, by the servers and by the kernel: a table for each, if there is one."""
    for kind, by_whom in COUNTED_BY.items():
        metrics = [metric for metric in counted_metrics(workload.load)
                   if any(run.has(workload, each.name, metric.key, kind) for each in contestants)]
        rows = [[each.name, *(Measured(run.figure(workload, each.name, metric.key, kind),
                                       metric.digits) for metric in metrics)]
                for each in contestants
                if any(run.has(workload, each.name, metric.key, kind) for metric in metrics)]
        if rows:
            yield Table(file_name(f"{workload.name} {kind}"), f"{workload.title}: {by_whom}",
                        ["contestant", *map(_column, metrics)], rows)


def times(run, workload, contestants):
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
                row.append(Measured(run.ratio(workload, each.name, metric.key), ratio=True))
        reasons = run.reasons(workload, each)
        if reasons and all(cell.estimate is None for cell in row[1:]):
            row = [each.name, "; ".join(reasons)]
        rows.append(row)
    return Table(file_name(workload.name), workload.title, header, rows)


def knees(run, workload, contestants):
    """The highest rate that was kept, and what kept it from being higher."""
    def figure(name):
        if bound := run.results.lower_bound(workload, name, "knee"):
            return f"at least {ranged(bound, 0)}"
        return Measured(run.figure(workload, name, "knee"), 0)
    rows = [[each.name, figure(each.name),
             ", ".join(dict.fromkeys(run.values(workload, each.name, "because").values()))]
            for each in contestants if run.has(workload, each.name, "because")]
    return Table(file_name(f"knee {workload.name}"), f"{workload.title}: highest rate kept",
                 ["contestant", "requests/s", "because of"], rows)


def _column(metric):
    return f"{metric.title}, {metric.unit}" if metric.unit not in ("", "1/s") else metric.title
