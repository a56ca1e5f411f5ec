"""Published claims and what became of them: claims.json."""

from comparison.report import table_pictures
from comparison.report.content import (
    Finding, Folded, Picture, Section, Table, Text, file_name)

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
             VERDICTS.get(each["verdict"], each["verdict"]), each["figure"],
             each.get("criterion") or "–"] for each in document["claims"]]
    parts = [
        Text("The rule by which a claim is judged was settled before its figures were seen. "
             "Nothing is decided by fewer than 20 rounds, or by an interval that holds both "
             "answers."),
        Table("claims", "Published claims, tried on this machine",
              ["id", "claim and source", "verdict", "figure with its 95 % interval", "rule"],
              rows, prose=True)]
    for each in document["claims"]:
        parts += [] if each["id"] in COST else _pictures(each)
    parts += [Folded(f"{each['id']}, all figures: {each['claim']}", [Table(
        f"claim-{file_name(each['id'])}", f"{each['id']}: {each['verdict']}",
        each["table"]["header"], each["table"]["rows"])])
        for each in document["claims"] if each.get("table")]
    return Section("Published claims", parts)


def negatives(document):
    found = [each for each in document["claims"] if each.get("negative")]
    return found and Section("Negative results", [
        Text("What people are told to do, and what does not pay here."),
        *[Finding(f"{each['negative']} ({each['id']})") for each in found]])


def _pictures(claim):
    table = claim.get("table") or {"header": [], "rows": []}
    made = table_pictures.pictures(claim["claim"], table["header"], table["rows"])
    for number, figure in enumerate(made, 1):
        name = f"claim-{file_name(claim['id'])}" + (f"-{number}" if number > 1 else "")
        yield Picture(name, f"{claim['id']}, {claim['verdict']}: {claim['figure']}", figure)
