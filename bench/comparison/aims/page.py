"""The table and what stands behind it, as text: a function of aims.json alone."""

from comparison import marked_page
from comparison.aims.case import BEYOND, MET, MISSED, MISSING, OPEN, SHOWN
from comparison.marked_page import row
from comparison.shown import fixed
from comparison.statistics import Estimate

PROGRAM = "bench/aims"
HEADER = ("work", "measure", "aim (stretch)", "measured", "met?",
          "beside it, in the same run")
FEW = 4  # cases whose figures have room in one cell
JUDGED = (BEYOND, MET, OPEN, MISSED, MISSING)


def markdown(document):
    """The figures of docs/performance.md."""
    lines = [
        f"- {marked_page.machine(document['machine'])}",
        f"- Commit {document['machine']['commit']}, {document['started']}, "
        f"`{document['command_line']}`, {document['seconds']:.0f} s",
        f"- {document['rounds']} interleaved rounds; in brackets the 95 % interval by bootstrap. A "
        "figure without one is a count that is the same each time",
        "", row(HEADER), row("---" for _ in HEADER),
        *(row(_cells(each)) for each in document["rows"])]
    for each in document["rows"]:
        lines += _section(each)
    return "\n".join([*lines, ""])


def line(each):
    """For a terminal, while the next is measured."""
    return f"{each['name']}: {_verdict(each)}\n    {_measured(each)}"


def _cells(each):
    return (each["work"], each["measure"], each["aim"], _measured(each), _verdict(each),
            _beside(each))


def _verdict(each):
    verdict = each["verdict"]
    reasons = each["reason"] or "; ".join(dict.fromkeys(
        case["reason"] for case in each["cases"] if case["reason"]))
    if reasons:
        return f"{verdict}: {reasons}"
    names = [case["name"] for case in each["cases"] if case["verdict"] == verdict]
    judged = [case for case in each["cases"] if case["verdict"] in JUDGED]
    if verdict in (MISSED, OPEN, MISSING) and len(judged) > 1:
        which = f" ({', '.join(names)})" if len(names) <= FEW else ""
        return f"{verdict}: {len(names)} of {len(judged)}{which}"
    return verdict


def _measured(each):
    cases = _in_table(each)
    if len(cases) <= FEW:
        return "; ".join(_named(case["name"], _figure(case)) for case in cases) or "–"
    judged = [case for case in cases if case["figure"] and case["limit"]]
    if not judged:
        return "–"
    kept = sum(case["verdict"] in (MET, BEYOND) for case in judged)
    worst = max(judged, key=lambda case: case["figure"]["median"] / (case["limit"]["aim"] or 1))
    return f"{kept} of {len(judged)} met; the worst, {_named(worst['name'], _figure(worst))}"


def _in_table(each):
    """All cases where there is room, else those that are judged."""
    cases = each["cases"]
    return cases if len(cases) <= FEW else [case for case in cases if case["limit"]]


def _beside(each):
    """Of each peer the medians in the order of the cases; of many their range."""
    found = {}
    for case in _in_table(each):
        for name, estimate in case["beside"].items():
            found.setdefault(name, []).append((estimate["median"], case["digits"]))
    return "; ".join(f"{name} {_medians(values)}" for name, values in found.items()) or "–"


def _medians(values):
    texts = [_number(*value) for value in values]
    if len(values) <= FEW:
        return " / ".join(texts)
    return f"{_number(*min(values))}–{_number(*max(values))}"


def _section(each):
    """All figures of a row that did not have room."""
    names = list(dict.fromkeys(name for case in each["cases"] for name in case["beside"]))
    if len(each["cases"]) < 2 and not names:
        return
    yield from ("", f"### {each['work'][0].upper()}{each['work'][1:]}: {each['measure']}", "")
    yield row(("", "measured", "aim", "met?", *names))
    yield row("---" for _ in range(4 + len(names)))
    for case in each["cases"]:
        yield row((case["name"], _figure(case), _limit(case), _said(case), *(
            _estimate(case["beside"].get(name), case["digits"]) for name in names)))


def _limit(case):
    if case["limit"] is None:
        return "–"
    stretch = case["limit"]["stretch"]
    return f"≤ {case['limit']['aim']:g}" + (f" ({stretch:g})" if stretch is not None else "")


def _said(case):
    return (case["verdict"] if case["verdict"] != SHOWN else "–") + (
        f": {case['reason']}" if case["reason"] else "")


def _figure(case):
    text = _estimate(case["figure"], case["digits"])
    return f"{text} {case['unit']}" if case["unit"] and case["figure"] else text


def _estimate(fields, digits):
    if fields is None:
        return "–"
    found = Estimate(**fields)
    low, middle, high = (_number(value, digits) for value in (found.low, found.median, found.high))
    return middle if low == middle == high else fixed(found, digits)


def _number(value, digits):
    return f"{value:,.{digits}f}"


def _named(name, text):
    return f"{name}: {text}" if name else text
