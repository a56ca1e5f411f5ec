"""Writes the page and what goes with it into the folder of the result files."""

import shutil
import tempfile
from pathlib import Path

from comparison import json_file
from comparison.processes import Failed
from comparison.report import (
    claims_section, drawing, files, markup, memory_section, method, micro_section, origin,
    peers_section, run_sections)
from comparison.report.content import Picture, Section, Table, Text, Warning, every
from comparison.report.measurements import Measurements
from comparison.report.tables import write_csv

TITLE = "Pollux: what was measured"
PAGE = "report.html"
BESIDE = ("plots", "tables")


def write_all(folder):
    folder = Path(folder)
    found = files.read(folder)
    if not found.documents:
        raise Failed(f"{folder} has no results: " + (
            " ".join(found.problems) or f"none of {', '.join(files.KNOWN)} is there."))
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as draft:
        with json_file.understood(f"what {' and '.join(found.documents)} in {folder} say is not "
                                  "what bench/ writes"):
            _write(Path(draft), found)
        return _put(Path(draft), folder)


def _write(folder, found):
    parts = sections(found)
    (folder / PAGE).write_text(markup.page(TITLE, introduction(found), parts))
    _write_beside(folder, [part for section in parts for part in every(section.parts)])


def _put(draft, folder):
    """Only when all of it is made. Files of an older report that were not made again would be taken
    for this one's."""
    for name in BESIDE:
        shutil.rmtree(folder / name, ignore_errors=True)
    for made in draft.iterdir():
        made.replace(folder / made.name)
    return folder / PAGE


def introduction(found):
    """Parts above the table of contents."""
    parts = [Text(f"{files.KNOWN[name]}: {document.get('started', 'at an unknown time')}, "
                  f"{document.get('machine', {}).get('cpu', 'unknown CPU')}, "
                  f"{document.get('machine', {}).get('kernel', 'unknown kernel')}, commit "
                  f"{document.get('machine', {}).get('commit', 'unknown')}.", quiet=True)
             for name, document in found.documents.items()]
    return parts + [Warning(text) for text in
                    [*found.problems, *files.unfinished(found), *files.differences(found)]]


def sections(found):
    """Those that there are figures for, in the order of reading."""
    run, peers, claims, micro = (found.get(name) for name in files.KNOWN)
    measured = Measurements(run) if run else None
    summary, costs, parts = [], [], []
    if run:
        summary += run_sections.summary(measured)
        parts += [run_sections.peers(measured), run_sections.triggers(measured)]
        costs += run_sections.costs(measured)
    if peers:
        summary.append(peers_section.summary(peers))
        parts.insert(1, peers_section.section(peers))
    if claims:
        summary.append(claims_section.summary(claims))
        costs += claims_section.costs(claims)
    if costs:
        parts.append(Section("Cost against watched and active descriptors", [COSTS, *costs]))
    if run:
        parts += [run_sections.latency(measured), run_sections.knees(measured),
                  run_sections.models(measured)]
    if memory := memory_section.of(run or {}):
        parts.append(memory_section.section(memory))
    if claims:
        parts += [claims_section.claims(claims), claims_section.negatives(claims)]
    if run:
        parts += [run_sections.figures(measured), *run_sections.further(run)]
    if micro:
        parts += micro_section.sections(micro)
    parts = [each for each in parts if each]
    if summary:
        parts.insert(0, Section("What the figures say", summary))
    return parts + [method.section(measured), origin.machine(found), origin.reproduction(found)]


COSTS = Text("Where figures span far, the axes are logarithmic. A line that climbs as steeply as "
             "its number grows is a cost in proportion to it, a flat one a cost that does not care.")


def _write_beside(folder, parts):
    for name, kind, write in zip(BESIDE, (Picture, Table), (_write_picture, write_csv)):
        chosen = [part for part in parts if isinstance(part, kind)]
        if chosen:
            (folder / name).mkdir()
        for part in chosen:
            write(part, folder / name / part.name)


def _write_picture(picture, path):
    drawing.save_for_slides(picture.figure, path)
