"""Dispatch, registration, timers and posts of the libraries, without a server: of peers.json."""

from comparison import peers_micro
from comparison.report import charts
from comparison.report.content import (
    Finding, Folded, Measured, Picture, Section, Table, Text, file_name)
from comparison.report.sentences import ratios
from comparison.statistics import estimate

BASE, FLOOR = peers_micro.BASE, peers_micro.FLOOR
NO_WINNER = ("Without a server: nothing was found in which a library decidedly takes less time "
             f"than {BASE}, or there were too few rounds.")


def summary(peers):
    """One sentence for the top of the page."""
    won = peers_micro.where_a_peer_wins(peers["samples"])
    return Finding(f"Without a server: in {len(won)} of the figures some library decidedly takes "
                   f"less time than {BASE}." if won else NO_WINNER)


def section(peers):
    samples = peers["samples"]
    parts = [Text("One program for each library does the same work by itself. Ratios are formed in "
                  f"the same round; the {FLOOR} loop is the floor.")]
    won = peers_micro.where_a_peer_wins(samples)
    parts += map(Finding, won or [NO_WINNER])
    groups = [(group, columns) for group in peers_micro.GROUPS
              if (columns := [each for each in group.columns
                              if any(sample["workload"] == each.workload for sample in samples)])]
    for group, columns in groups:
        parts += _pictures(samples, group, columns)
    for group, columns in groups:
        notes = [Text(note, quiet=True) for note in group.notes]
        parts.append(Folded(group.title, [_table(samples, group, columns), *notes]))
    versions = "; ".join(f"{name} {said}" for name, said in peers["versions"].items())
    parts += [Text(f"{versions}.", quiet=True)] if versions else []
    return Section("What the libraries take without a server", parts)


def _pictures(samples, group, columns):
    names = peers_micro.names_of(samples, {each.workload for each in columns})
    rows = [charts.Row(name, found, peers_micro.LIBRARIES.index(_library(name)), column.title)
            for column in columns for name in names if name != BASE
            and (found := peers_micro.ratio_of(samples, column, name))]
    if rows:
        said = [(f"{row.name}, {row.group}", row.estimate) for row in rows]
        yield Picture(file_name(f"peers {group.title}"), ratios(group.title, BASE, said),
                      charts.intervals(f"time ÷ that of {BASE} (hollow: undecided)", rows,
                                       reference=1.0))


def _library(name):
    return next((each for each in peers_micro.LIBRARIES if name.startswith(each)), BASE)


def _table(samples, group, columns):
    """Nanoseconds of everybody, and what that is to Pollux."""
    names = peers_micro.names_of(samples, {each.workload for each in columns})
    header = [""]
    for column in columns:
        header += [f"{column.title}, ns", f"÷ {BASE}"]
    rows = []
    for name in names:
        row = [name]
        for column in columns:
            values = peers_micro.by_round(samples, column, name).values()
            row += [Measured(estimate(values), 1),
                    Measured(peers_micro.ratio_of(samples, column, name), ratio=True)]
        rows.append(row)
    return Table(file_name(f"peers {group.title}"), group.title, header, rows)
