"""Tables as CSV: a figure with an interval takes three columns."""

import csv

from comparison.report.content import Measured


def write_csv(table, path):
    rows = [row for row in table.rows if len(row) == len(table.header)]
    measured = [any(isinstance(row[place], Measured) for row in rows)
                for place in range(len(table.header))]
    with open(f"{path}.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_spread(table.header, measured, lambda title: [
            title, f"{title}, low", f"{title}, high"]))
        for row in table.rows:
            if len(row) == len(table.header):
                writer.writerow(_spread(row, measured, _three))
            else:
                writer.writerow([row[0], row[1]])


def _spread(row, measured, three):
    cells = []
    for cell, wide in zip(row, measured):
        cells += three(cell) if wide else [cell]
    return cells


def _three(cell):
    found = cell.estimate if isinstance(cell, Measured) else None
    return ["", "", ""] if found is None else [
        f"{value:.6g}" for value in (found.median, found.low, found.high)]
