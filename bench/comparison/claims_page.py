"""What became of the claims, as text: a function of claims.json alone."""

from textwrap import wrap

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
    found = [f"{each['negative']} ({each['id']})"
             for each in document["claims"] if each["negative"]]
    return ["", "Negative results: what is not worth the trouble here", *found] if found else []


def markdown(document):
    """The page: negative results first, then the table, then each claim with its criterion."""
    machine = document["machine"]
    lines = ["# Published claims, tried on this machine", "",
             f"{machine.get('cpu', '?')}, {machine.get('cores', '?')} cores, "
             f"{machine.get('kernel', '?')}, {machine.get('compiler', '?')}; "
             f"{document['started']}, `{document['command_line']}`, seed {document['seed']}.", ""]
    if not document["complete"]:
        lines += ["Stopped before the end.", ""]
    negatives = _negatives(document)[2:]
    lines += ["## Negative results", "",
              "What people are told to do, and what does not pay here:", ""]
    lines += [f"- {sentence}" for sentence in negatives] or ["None was found in this run."]
    lines += ["", "## All claims", "", *_rows(HEADER, [
        (each["id"], f"{each['claim']} ({each['source']})", f"**{each['verdict']}**",
         each["figure"]) for each in document["claims"]]), "", "## How each was judged", ""]
    for each in document["claims"]:
        lines += _judged(each)
    return "\n".join(lines) + "\n"


def _judged(claim):
    lines = [f"### {claim['id']}: {claim['claim']}", "",
             f"Claimed by {claim['source']}. **{claim['verdict']}**: {claim['figure']}", ""]
    if claim["criterion"]:
        lines += [f"Rule, settled before measuring: {claim['criterion']}", ""]
    if claim["table"]:
        lines += [*_rows(claim["table"]["header"], claim["table"]["rows"]), ""]
    return lines


def _rows(header, rows):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(header), "|" + "---|" * len(header), *map(line, rows)]
