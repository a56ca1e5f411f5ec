"""micro.json: what the engine adds to bare loops."""

from comparison.report import charts
from comparison.report.content import Measured, Picture, Section, Table, Text
from comparison.report.sentences import extremes
from comparison.statistics import estimate

NAMES = {"seam": "Reactor", "loop": "EventLoop", "bare again": "bare again"}


def sections(document):
    rows = [(f"{each['backend']}, {each['active']} ready", each) for each in document["time"]]
    drawn = [charts.Row(title, estimate(each[name]["ratios"]), kind, f"{where}")
             for where, each in rows for kind, (name, title) in enumerate(NAMES.items())]
    said = [(f"{row.name}, {row.group}", row.estimate) for row in drawn if row.kind < 2]
    parts = [
        Text(f"A bare epoll, poll and select loop, the Reactor seam and the EventLoop, with "
             f"{document['watched']:,} descriptors watched. The bare loop against itself shows "
             "what chance does."),
        Picture("micro", extremes("CPU time against the bare loop", "", said),
                charts.intervals("CPU time ÷ that of the bare loop", drawn, reference=1.0)),
        Table("micro", "CPU time of dispatch", ["", "bare, ns per event", *[
            f"{title} ÷ bare" for title in NAMES.values()]], [
                [where, f"{each['bare_ns_per_event']:.1f}", *[
                    Measured(estimate(each[name]["ratios"]), 3, ratio=True) for name in NAMES]]
                for where, each in rows])]
    return [Section("What the engine adds to a bare loop", parts)]
