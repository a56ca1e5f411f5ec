"""Datagrams over loopback: one system call each, in batches, and cut by the kernel."""

import json
import os
import subprocess

from comparison.finding import ranged
from comparison.processes import Failed
from comparison.statistics import estimate, ratio
from comparison.table import MISSING

WAYS = {  # benchmark's name: what the table calls it
    "one": "send_to, receive_from",
    "batch": "sendmmsg, recvmmsg",
    "segments": "UDP_SEGMENT, recvmmsg",
}
BASE = "one"
METHOD = (
    "One thread sends {count} datagrams to itself and takes them out of the queue again; what is "
    "timed is both. One by one, in batches of {count} (sendmmsg, recvmmsg), and as one buffer that "
    "the kernel cuts. System calls are those of both ways."
)
COUNT = 64


def measure(build, core, seconds, rounds):
    """Samples: way, size, round, and its values, or the reason why there are none. Calls are
    counted in a round of its own."""
    samples = []
    for each in _run(build, "micro_datagrams", core, seconds, rounds):
        if each.get("error_occurred"):
            values = {"reason": each["error_message"]}
        else:
            rate = each["items_per_second"]
            values = {"values": {"rate": rate, "ns": 1e9 / rate}}
        samples.append({**_cell(each), "round": each["repetition_index"], **values})
    for each in _run(build, "micro_datagrams_hooked", core, 0.01, 1):
        if not each.get("error_occurred"):
            samples.append({**_cell(each), "round": "counting", "values": {"calls": each["calls"]}})
    return samples


def _run(build, name, core, seconds, rounds):
    try:
        output = subprocess.run(
            [str(build / "bench" / name), "--benchmark_format=json",
             f"--benchmark_min_time={seconds}", f"--benchmark_repetitions={rounds}",
             "--benchmark_enable_random_interleaving=true"],
            check=True, capture_output=True, text=True, timeout=300,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        ).stdout
    except (OSError, subprocess.SubprocessError) as problem:
        raise Failed(f"{name}: {getattr(problem, 'stderr', '') or problem}") from None
    return [each for each in json.loads(output)["benchmarks"] if each["run_type"] == "iteration"]


def _cell(each):
    """datagrams/batch/64/…"""
    _, way, size = each["name"].split("/")[:3]
    return {"way": way, "size": int(size)}


def section(samples):
    """Title, header, rows and notes, for the terminal and the page."""
    rows, notes = [], [METHOD.format(count=COUNT)]
    for size in sorted({each["size"] for each in samples}):
        base = _by_round(samples, BASE, size, "ns")
        for way, name in WAYS.items():
            values = {key: _by_round(samples, way, size, key) for key in ("rate", "ns", "calls")}
            found = ratio(values["ns"], base)
            shown = [ranged(estimate(values[key].values()), digits) if values[key] else MISSING
                     for key, digits in (("rate", 0), ("ns", 0), ("calls", 3))]
            rows.append([f"{size} bytes, {name}", *shown[:2],
                         ranged(found) if found else MISSING, shown[2]])
    notes += sorted({f"{WAYS[each['way']]}: {each['reason']}"
                     for each in samples if "reason" in each})
    return {
        "title": "UDP datagrams, sent and received",
        "header": ["datagrams of", "datagrams/s", "ns each", "×one by one", "calls each"],
        "rows": rows,
        "notes": notes,
        "samples": samples,
    }


def _by_round(samples, way, size, key):
    return {each["round"]: each["values"][key] for each in samples
            if each["way"] == way and each["size"] == size and key in each.get("values", {})}
