"""What came of it, as text: a function of abuse.json alone."""

from statistics import median

from comparison import marked_page
from comparison.marked_page import row

PROGRAM = "bench/abuse"
HEADER = ("abuse", "others wait, p50", "others wait, p99", "memory, MiB", "may grow by",
          "descriptors", "CPU", "wake-ups a second")
ORDINARY = ("accepted", "open", "received", "sent")  # said of every server


def document_of(abuse, outcome):
    """One abuse in the result file. Waits in ns, a figure for each phase."""
    return {
        "name": abuse.name, "what": in_words(abuse), "server": " ".join(abuse.server),
        "growth": abuse.growth, "because": abuse.because,
        "others": {when: {"p50": [phase.percentile(50) for phase in phases],
                          "p99": [phase.percentile(99) for phase in phases],
                          "served": sum(phase.served for phase in phases),
                          "refused": sum(phase.refused for phase in phases)}
                   for when, phases in (("alone", outcome.alone), ("beside", outcome.beside))},
        **{part: getattr(outcome, part) for part in (
            "memory", "descriptors", "cpu", "wakeups", "crowd", "counted", "broken", "refusal")},
    }


def in_words(abuse):
    clients = sum(getattr(crowd, "count", crowd) for crowd in abuse.crowds)
    return abuse.text.format(clients=f"{clients:,}".replace(",", " "))


def line(each):
    """For a terminal, while the next is tried."""
    if each["refusal"]:
        return f"{each['name']}: not tried: {each['refusal']}"
    said = each["name"]
    if each["wakeups"]:
        _, _, p99, memory, *_ = _cells(each)
        said += f": p99 {p99}; memory {memory} MiB"
    return "\n".join([said, *(f"    BROKEN: {problem}" for problem in each["broken"])])


def markdown(document):
    """The figures of docs/abuse.md."""
    facts = document["machine"]
    tried = [each for each in document["abuses"] if each["wakeups"]]
    return "\n".join([
        f"- {marked_page.machine(facts)}",
        f"- Commit {facts['commit']}, {document['started']}, `{document['command_line']}`, "
        f"{document['seconds']:.0f} s",
        f"- Pairs of phases for each row: {document['pairs']}, of {document['phase']:g} s without "
        "the crowd and as much with it, on one server",
        "", row(HEADER), row("---" for _ in HEADER),
        *(row([f"[{each['name']}](#{_anchor(each['name'])})", *_cells(each)[1:]])
          for each in tried),
        *(text for each in document["abuses"] for text in _section(each)), ""])


def with_figures(page, figures):
    """See marked_page."""
    return marked_page.with_figures(page, figures, PROGRAM)


def _cells(each):
    before, peak, after = (f"{each['memory'][when] / 1024:.1f}"
                           for when in ("before", "peak", "after"))
    descriptors = " → ".join(str(each["descriptors"][when]) for when in ("before", "peak", "after"))
    return (each["name"], _waits(each, "p50"), _waits(each, "p99"), f"{before} → {peak} → {after}",
            f"{each['growth']} MiB", descriptors,
            " → ".join(f"{each['cpu'][when]:.0%}".replace("%", " %")
                       for when in ("alone", "beside")),
            " → ".join(f"{each['wakeups'][when]:.0f}" for when in ("alone", "beside")))


def _waits(each, which):
    return " → ".join(_wait(each["others"][when][which]) for when in ("alone", "beside"))


def _wait(phases):
    """The median of the phases, and the least and the most of them."""
    unit, divisor = ("ms", 1e6) if median(phases) >= 1e6 else ("µs", 1e3)
    digits = 1 if unit == "ms" else 0
    middle, least, most = (f"{value / divisor:.{digits}f}"
                           for value in (median(phases), min(phases), max(phases)))
    return f"{middle} {unit} ({least}–{most})"


def _section(each):
    yield ""
    yield f"### {each['name'][0].upper()}{each['name'][1:]}"
    yield ""
    yield f"{each['what'][0].upper()}{each['what'][1:]}. Server: `{each['server']}`."
    yield ""
    if each["refusal"]:
        yield f"Not tried here: {each['refusal']}"
        return
    yield f"- May grow by {each['growth']} MiB: {each['because']}."
    refused = each["others"]["beside"]["refused"]
    yield (f"- Others: {each['others']['beside']['served']} served beside the crowd, {refused} "
           f"refused; {each['others']['alone']['served']} served without it.")
    yield f"- The server counted: {_counts(each['counted'], ORDINARY)}."
    yield f"- The crowd counted: {_counts(each['crowd'], ('open',))}."
    for problem in each["broken"]:
        yield f"- **Broken**: {problem}"


def _counts(counts, left_out):
    shown = [f"{key} {count}" for key, count in sorted(counts.items())
             if key not in left_out and not key.startswith("calls.")]
    return ", ".join(shown) or "nothing but who came and went"


def _anchor(name):
    return name.lower().replace(",", "").replace(" ", "-")
