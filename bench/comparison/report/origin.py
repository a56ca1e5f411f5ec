"""On what the figures were measured, and how to measure them again."""

from comparison.report import files
from comparison.report.content import Code, Heading, Section, Table, Text

TITLES = {
    "kernel": "kernel", "distribution": "distribution", "cpu": "CPU", "cores": "cores",
    "hypervisor": "in a virtual machine", "governor": "frequency governor",
    "mitigations": "mitigations", "descriptors_soft_hard": "descriptors, soft and hard limit",
    "somaxconn": "longest listen queue", "load_average": "load average at the start",
    "compiler": "compiler", "commit": "commit", "clocksource": "clock source",
}


def machine(found):
    """A column for each file."""
    names = list(found.documents)
    machines = [found.documents[name].get("machine", {}) for name in names]
    facts = dict.fromkeys(fact for each in machines for fact in each)
    rows = [[TITLES.get(fact, fact.replace("_", " ")),
             *(plain(each[fact]) if fact in each else "–" for each in machines)] for fact in facts]
    rows.insert(0, ["measured at", *(plain(found.documents[name].get("started", "–"))
                                     for name in names)])
    return Section("The machine", [Table("machine", "What was measured on", ["fact", *names], rows,
                                         prose=True)])


def reproduction(found):
    parts = [Text("The files hold every sample. The page, the pictures and the tables are made "
                  "from them alone, and can be made again:"), Code("bench/report FOLDER")]
    for name, document in found.documents.items():
        commit = document.get("machine", {}).get("commit", "unknown")
        command = str(document.get("command_line", files.KNOWN[name]))
        seed = document.get("seed")
        if seed is not None and "--seed" not in command:
            command += f" --seed {seed}"
        seconds = document.get("seconds")
        took = f"; it took {seconds / 60:.1f} minutes" if isinstance(seconds, (int, float)) else ""
        parts += [Heading(name), Text(f"Measured at commit {commit}{took}. The same order again:"),
                  Code(command)]
    return Section("How to measure this again", parts)


def plain(value):
    if isinstance(value, dict):
        return "; ".join(f"{name}: {plain(text)}" for name, text in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
