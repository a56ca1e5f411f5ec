"""Published claims and what became of them: claims.json."""

from comparison.report import table_pictures
from comparison.report.content import (
    Finding, Folded, Heading, Picture, Section, Table, Text, file_name)

VERDICTS = {"holds": "✓ holds", "does not hold": "✗ does not hold",
            "undecided here": "? undecided here", "not tried here": "– not tried here"}
# Claims about what watching costs; their curves have a section of their own.
COST = ("K1", "K2", "K3", "K6", "K20", "K28")


def summary(document):
    """One sentence for the top of the page."""
    counts = [f"{verdict}: {count}" for verdict in VERDICTS
              if (count := sum(each["verdict"] == verdict for each in document["claims"]))]
    return Finding(f"{len(document['claims'])} published claims – {', '.join(counts)}.")


def costs(document):
    """Pictures of what a wait costs, against watched and against active descriptors."""
    return [picture for each in document["claims"] if each["id"] in COST
            for picture in _pictures(each)]


def claims(document):
    rows = [[each["id"], f"{each['claim']} ({each['source']})",
             VERDICTS.get(each["verdict"], each["verdict"]), each["figure"]]
            for each in document["claims"]]
    parts = [
        Text("The rule by which a claim is judged is part of the program and was there before "
             "these figures; it stands with all figures below, and where figures of earlier runs "
             "had a part in it, claims.md says so. Nothing timed is decided by fewer than 20 "
             "rounds, or by an interval that holds both answers; counts are exact in fewer. Where "
             f"nothing else is said, figures are of {document['rounds']} rounds."),
        Table("claims", "Published claims, tried on this machine",
              ["id", "claim and source", "verdict", "figure with its 95 % interval"], rows,
              prose=True)]
    for each in document["claims"]:
        parts += [] if each["id"] in COST else _pictures(each)
    parts.append(Heading("Rules and all figures"))
    parts += map(_whole, document["claims"])
    return Section("Published claims", parts)


def _whole(claim):
    table, parts = claim.get("table"), [Text(f"Claimed by {claim['source']}. {claim['figure']}")]
    if claim.get("criterion"):
        parts.insert(0, Text(f"Rule: {claim['criterion']}"))
    if table:
        parts.append(Table(f"claim-{file_name(claim['id'])}", f"{claim['id']}: {claim['verdict']}",
                           table["header"], table["rows"]))
    return Folded(f"{claim['id']}: {claim['claim']}", parts)


def negatives(document):
    found = [each for each in document["claims"] if each.get("negative")]
    return found and Section("Negative results", [
        Text("What people are told to do, and what does not pay here."),
        *[Finding(f"{each['negative']} ({each['id']})") for each in found]])


def _pictures(claim):
    """The first one says what became of the claim; others what they show."""
    table = claim.get("table") or {"header": [], "rows": []}
    name = f"claim-{file_name(claim['id'])}"
    found, *others = table_pictures.pictures(table["header"], table["rows"]) or [None]
    if found:
        yield Picture(name, f"{claim['id']}, {claim['verdict']}: {claim['claim'].rstrip('.')}. "
                      f"Measured: {claim['figure']}", found)
    for number, figure in enumerate(others, 2):
        yield Picture(f"{name}-{number}",
                      f"{claim['id']}, more of its figures: {figure.get_label()}", figure)
