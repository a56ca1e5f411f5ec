"""The files of a run: results.json, of which page and comparison are made, and results.csv."""

import csv
import json
from dataclasses import asdict, dataclass

from comparison import json_file
from comparison.changes import is_exact
from comparison.contestants import Contestant
from comparison.results import COUNTED, Results
from comparison.workloads import Workload, counted_metrics, timed_metrics

FORMAT = 2


@dataclass
class Run:
    """A result file that was read back."""

    document: dict
    results: Results
    contestants_of: dict  # Workload: list of Contestant


def document(parts, results, **facts):
    """`facts` say when, where and how."""
    compared = [item for part in parts for item in part.contestants_of().items()]
    everybody = {each.name: each for _, contestants in compared for each in contestants}
    return {
        "format": FORMAT,
        "kind": "run",
        **facts,
        "contestants": [asdict(each) for each in everybody.values()],
        "workloads": [
            {"name": workload.name, "title": workload.title, "unit": workload.unit,
             "base": results.base_of(workload), "axes": asdict(workload),
             "contestants": [each.name for each in contestants]}
            for workload, contestants in compared
        ],
        "cells": [_summary(results, workload, each)
                  for workload, contestants in compared for each in contestants],
        "reasons": results.reasons,
        "samples": results.samples,
    }


def _summary(results, workload, contestant):
    summary = {"workload": workload.name, "contestant": contestant.name,
               "reasons": results.reasons_of(workload, contestant), "estimates": {}, "ratios": {}}
    for metric in [*counted_metrics(workload.load), *timed_metrics(workload.load)]:
        found = results.of(workload, contestant.name, metric.key)
        ratio = results.against_base(workload, contestant.name, metric.key)
        if found:
            summary["estimates"][metric.key] = asdict(found)
        if ratio:
            summary["ratios"][metric.key] = asdict(ratio) | {"decided": ratio.decided}
    return summary


def write(folder, written):
    (folder / "results.json").write_text(as_text(written))
    with open(folder / "results.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows(written))


def write_peers(folder, facts):
    """peers.json: the loops of libraries without a server."""
    (folder / "peers.json").write_text(as_text({"format": FORMAT, "kind": "peers", **facts}))


def as_text(written):
    """One line a sample: thousands of lines can be read and compared, and stay small."""
    rest = {key: value for key, value in written.items() if key != "samples"}
    text = json.dumps(rest, indent=1, ensure_ascii=False)
    samples = ",\n".join("  " + json.dumps(each, ensure_ascii=False) for each in written["samples"])
    return text.removesuffix("\n}") + ',\n "samples": [\n' + samples + "\n ]\n}\n"


def counts_alone(written):
    """What a baseline keeps: the counts that are the same on every machine, once each."""
    run = of(written)
    exact = {(workload.name, each.name) for workload, contestants in run.contestants_of.items()
             for each in contestants if is_exact(workload, each)}
    keys = {metric.key for workload in run.contestants_of
            for metric in counted_metrics(workload.load)}
    samples = [
        each | {"values": {key: round(value, 3) for key, value in each["values"].items()
                           if key in keys}}
        for each in written["samples"]
        if (each["workload"], each["contestant"]) in exact
        and each["kind"] == COUNTED and each["round"] == 1
    ]
    names = {each["contestant"] for each in samples}
    workloads = {each["workload"] for each in samples}
    return {
        "format": FORMAT, "kind": "run",
        "contestants": [each for each in written["contestants"] if each["name"] in names],
        "workloads": [each | {"contestants": sorted(names & set(each["contestants"]))}
                      for each in written["workloads"] if each["name"] in workloads],
        "reasons": [], "samples": samples,
    }


def rows(written):
    """A header and one row a sample; only plain figures."""
    axes = {each["name"]: each["axes"] for each in written["workloads"]}
    groups = {each["name"]: each["group"] for each in written["contestants"]}
    keys = list(dict.fromkeys(
        key for sample in written["samples"] for key, value in sample["values"].items()
        if isinstance(value, (int, float, str))))
    names = list(Workload.__dataclass_fields__)
    yield ["workload", *names, "contestant", "group", "kind", "round", *keys]
    for sample in written["samples"]:
        yield [sample["workload"], *(axes[sample["workload"]][name] for name in names),
               sample["contestant"], groups[sample["contestant"]], sample["kind"], sample["round"],
               *(sample["values"].get(key, "") for key in keys)]


def read(path):
    """Raises Failed when it is not a result file of a run."""
    with json_file.understood(f"{path} is not a result file of bench/run in format {FORMAT}"):
        return of(json_file.read(path))


def of(written):
    if (written["format"], written["kind"]) != (FORMAT, "run"):
        raise ValueError(f"format {written['format']} of kind {written['kind']}")
    everybody = {each["name"]: Contestant(**_tuples(each)) for each in written["contestants"]}
    contestants_of = {
        Workload(**each["axes"]): [everybody[name] for name in each["contestants"]]
        for each in written["workloads"]
    }
    for sample in written["samples"]:
        for name, kind in (("workload", str), ("contestant", str), ("kind", str), ("round", int),
                           ("values", dict)):
            if not isinstance(sample[name], kind):
                raise TypeError(f"{name} of a sample: {sample[name]!r}")
    bases = {each["name"]: each["base"] for each in written["workloads"]}
    return Run(written, Results(bases, written["samples"], written["reasons"]), contestants_of)


def _tuples(fields):
    return {name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()}
