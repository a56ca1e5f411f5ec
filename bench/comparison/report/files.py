"""Result files of a folder: what the report is made of, and nothing else."""

from dataclasses import dataclass, field
from pathlib import Path

from comparison import json_file
from comparison.processes import Failed
from comparison.result_file import FORMAT

# Files that the report knows, in the order in which they are shown: what each is called.
KNOWN = {"results.json": "bench/run", "peers.json": "bench/run, libraries without a server",
         "claims.json": "bench/claims", "micro.json": "bench/micro"}
# Facts of a machine whose difference makes figures hard to compare.
TELLING = {"cpu": "CPU", "cores": "cores", "kernel": "kernel", "compiler": "compiler",
           "commit": "commit"}


@dataclass
class Files:
    documents: dict = field(default_factory=dict)  # by file name
    problems: list = field(default_factory=list)  # sentences about files that could not be read

    def get(self, name):
        return self.documents.get(name)


def read(folder):
    found = Files()
    for name in KNOWN:
        path = Path(folder) / name
        if not path.exists():
            continue
        try:
            document = json_file.read(path)
        except Failed as problem:
            found.problems.append(f"{name} could not be read: {problem}.")
            continue
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            found.problems.append(f"{name} is of another version of the benchmark: measure again.")
            continue
        found.documents[name] = document
    return found


def differences(files):
    """Sentences about files that were not measured on the same machine, or of different code."""
    sentences = []
    for fact, title in TELLING.items():
        values = {name: str(document.get("machine", {}).get(fact, "unknown"))
                  for name, document in files.documents.items()}
        if len(set(values.values())) > 1:
            parts = "; ".join(f"{name}: {value}" for name, value in values.items())
            sentences.append(f"The files do not have the same {title} – {parts}. Do not compare "
                             "figures of one with figures of the other.")
    return sentences


def unfinished(files):
    return [f"{name} is of a run that was stopped before its end: it has fewer rounds than were "
            "planned." for name, document in files.documents.items()
            if not document.get("complete", True)]
