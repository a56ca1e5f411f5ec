"""What became of the claims, as text: a function of claims.json alone."""

from textwrap import wrap

from comparison.claims import NOT_TRIED, UNDECIDED
from comparison.statistics import ENOUGH_ROUNDS

WIDTH = 120
HEADER = ("id", "claim", "verdict", "figure with its 95 % interval")


def terminal(document):
    """The table id | claim | verdict | figure, then the negative results."""
    rows = [(each["id"], f"{each['claim']} ({each['source']})", each["verdict"], each["figure"])
            for each in document["claims"]]
    id_width = max(2, *(len(row[0]) for row in rows))
    verdict_width = max(7, *(len(row[2]) for row in rows))
    claim_width = 34
    widths = (id_width, claim_width, verdict_width,
              WIDTH - id_width - claim_width - verdict_width - 6)
    lines = _cells(HEADER, widths) + ["-" * WIDTH]
    for row in rows:
        lines += _cells(row, widths)
    for sentence in _negatives(document):
        lines += wrap(sentence, WIDTH, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines)


def _cells(row, widths):
    columns = [wrap(text, width) or [""] for text, width in zip(row, widths)]
    return ["  ".join(f"{column[number] if number < len(column) else '':<{width}}"
                      for column, width in zip(columns, widths)).rstrip()
            for number in range(max(map(len, columns)))]


def _negatives(document):
    found = [f"{each['negative'].removesuffix('.')} ({each['id']})"
             for each in document["claims"] if each["negative"]]
    return ["", "Negative results: what is not worth the trouble here", *found] if found else []


def markdown(document):
    """The page: on what, the table, the criteria, what does not pay, and what was not tried."""
    lines = ["# Published claims, tried on this machine", "", *_circumstances(document)]
    if not document["complete"]:
        lines += ["Stopped before the end.", ""]
    lines += ["## All claims", "",
              "A figure is a median with its 95 % interval. ×1.05 is a ratio of two figures of the "
              "same round, the first named to the second: below 1 the first one is less.", "",
              *_rows(HEADER, [
                  (each["id"], f"{each['claim']} ({each['source']})", f"**{each['verdict']}**",
                   each["figure"]) for each in document["claims"]]), "",
              "## How each was judged", "",
              "The rule is part of the program that measures, and was there before these figures. "
              "Where figures of earlier runs had a part in it, that is said.", ""]
    for each in document["claims"]:
        lines += _judged(each)
    lines += ["## Negative results", "",
              "What people are told to do, and what does not pay here:", ""]
    lines += [f"- {sentence}" for sentence in _negatives(document)[2:]] or [
        "None was found in this run."]
    lines += ["", "## What was not tried or not decided, and why", "", *_open(document)]
    return "\n".join(lines) + "\n"


def _circumstances(document):
    machine = document["machine"]
    virtual = ", virtual machine" if machine.get("hypervisor") else ""
    told = [
        ("Machine", f"{machine.get('cpu', '?')}, {machine.get('cores', '?')} cores{virtual}, "
                    f"{machine.get('memory', '?')}"),
        ("Kernel", machine.get("kernel", "?")),
        ("Compiler", " ".join(filter(None, [machine.get("compiler", "?"),
                                            machine.get("flags", "")]))),
        ("Commit", machine.get("commit", "?")),
        ("Date", document["started"]),
        ("Rounds", f"{document['rounds']} of everything that is timed, in random order (seed "
                   f"{document['seed']}); nothing timed is decided by fewer than {ENOUGH_ROUNDS}"),
        ("Command", f"`{document['command_line']}`"),
    ]
    return [*(f"- {name}: {text}" for name, text in told + _other_runs(document)), ""]


def _other_runs(document):
    """Findings that were there before this run."""
    others = {}
    for each in document["claims"]:
        if each.get("started", document["started"]) != document["started"]:
            others.setdefault((each["started"], each["rounds"]), []).append(each["id"])
    return [(f"Of an earlier run ({started}, {rounds} rounds)", ", ".join(names))
            for (started, rounds), names in others.items()]


def _judged(claim):
    lines = [f"### {claim['id']}: {claim['claim']}", "",
             f"Claimed by: {claim['source']}.", ""]
    if claim["criterion"]:
        lines += [f"Rule: {claim['criterion']}", ""]
    if claim.get("revised"):
        lines += [f"The rule is another one than at first: {claim['revised']}", ""]
    lines += [f"**{claim['verdict']}**: {claim['figure']}", ""]
    if claim["table"]:
        lines += [*_rows(claim["table"]["header"], claim["table"]["rows"]), ""]
    return lines


def _open(document):
    found = [f"- {each['id']}, {each['claim']}: {each['verdict']}. {each['figure']}"
             for each in document["claims"] if each["verdict"] in (NOT_TRIED, UNDECIDED)]
    parts = [f"- {each['id']}, in part not tried: {each['left_out']}" for each in document["claims"]
             if each.get("left_out")]
    return found + parts or ["Everything was tried and decided."]


def _rows(header, rows):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(header), "|" + "---|" * len(header), *map(line, rows)]
