"""Made-up result files for the tests of the report. `python3 report_examples.py FOLDER` writes
them, to look at what becomes of them."""

import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

from comparison import peers_memory
from comparison.contestants import MODES, Contestant, models
from comparison.workloads import Workload

MACHINE = {"kernel": "Linux 6.18 x86_64", "cpu": "Some CPU", "cores": 2, "hypervisor": True,
           "mitigations": {"spectre_v1": "Mitigation: <swapgs> & more"}, "compiler": "g++ 12",
           "descriptors_soft_hard": [20000, 20000], "load_average": [0.5, 0.25, 0.1],
           "commit": "0123456789ab"}
ECHO = [Workload("echo", count) for count in (1, 50, 500, 5000)]
SPARSE = [Workload("echo", 5000, active=share) for share in (0.01, 0.1)]
UPLOAD = Workload("upload", 50, size=65536)
OPEN = [Workload("echo", 50, rate=rate) for rate in (5000, 20000, 40000)]
UPPER = [Workload("upper", count) for count in (1, 50, 500)]
PEERS = [Contestant(name, "peers", library=name, version="1.2.3", loads=("echo",))
         for name in ("bare-epoll", "libevent", "libuv", "asio", "io_uring", "blocking")]


def head(kind, command, **more):
    return {"format": 2, "kind": kind, "started": "2026-01-02 03:04:05 UTC", "seed": 7,
            "command_line": command, "seconds": 240.0, "complete": True,
            "machine": dict(MACHINE)} | more


def histogram(chance, typical, count=1000):
    """Of the load generator: upper ends in nanoseconds, and counts."""
    counts = {}
    for _ in range(count):
        value = 1 << max(1, int(chance.lognormvariate(0, 0.35) * typical).bit_length() - 3)
        upper = int(chance.lognormvariate(0, 0.35) * typical) // value * value + value - 1
        counts[upper] = counts.get(upper, 0) + 1
    return [[upper, counts[upper]] for upper in sorted(counts)]


def timed(chance, workload, place):
    cpu = (9 + place) * chance.lognormvariate(0, 0.03)
    latency = cpu * workload.connections ** 0.5
    return {"cpu": cpu, "rate": 1e6 / cpu, "p50": latency, "p99": 3 * latency,
            "histogram": histogram(chance, 1000 * latency), "client_busy": 0.6,
            "limited_by_client": False,
            **({"waited": 0.1 * place, "preempted": 0.01, "memory": 3.0 + place}
               if workload.load == "upper" else {})}


def counted(workload, place):
    blocked = 1.0 if place == 4 else 0.0
    return {"wait": 1 / workload.connections ** 0.5, "events": workload.connections ** 0.5,
            "change": 1.0 if place == 5 else 0.0, "read": 1 + blocked, "blocked": blocked,
            "write": 1.0, "spurious": 0.0, "bytes_per_wake": 64.0}


def groups_of(workload):
    return {"upper": ("models",), "echo": ("modes", "peers")}.get(workload.load, ("modes",))


EVERYTHING = [*ECHO, *SPARSE, UPLOAD, *OPEN, *UPPER]


def run_file(workloads=EVERYTHING, rounds=20, seed=1):
    chance, samples = random.Random(seed), []
    contestants = [*MODES, *PEERS, *models(2)]
    for workload in workloads:
        for place, each in enumerate(
                each for each in contestants if each.group in groups_of(workload)):
            if each.name == "select-level" and workload.connections > 1000:
                continue
            entry = {"workload": workload.name, "contestant": each.name}
            samples += [entry | {"kind": "timed", "round": number,
                                 "values": timed(chance, workload, place)}
                        for number in range(1, rounds + 1)]
            if workload.load != "upper":
                samples.append(entry | {"kind": "counted", "round": 1,
                                        "values": counted(workload, place)})
            if workload == ECHO[2]:
                samples += [entry | {"kind": "knee", "round": number, "values": {
                    "knee": 90000 / (9 + place) * chance.lognormvariate(0, 0.05),
                    "because": "p99", "steps": []}} for number in range(1, 4)]
            if workload == ECHO[2] and place == 1:
                samples[-1]["values"] = {"knee_at_least": 9500.0, "because": "client", "steps": []}
    return head(
        "run", "bench/run --connections 1,50,500,5000", samples=samples,
        contestants=[asdict(each) for each in contestants],
        workloads=[{"name": each.name, "title": each.title, "unit": each.unit,
                    "base": "reactor" if each.load == "upper" else "epoll-level",
                    "axes": asdict(each), "contestants": [
                        other.name for other in contestants if other.group in groups_of(each)]}
                   for each in workloads],
        reasons=[{"workload": each.name, "contestant": "select-level",
                  "reason": "refused: select(2) takes descriptors below 1024 (FD_SETSIZE)"}
                 for each in workloads if each.connections > 1000],
        plan={"rounds": rounds, "server_core": 0, "client_core": 1},
        finding=["Small messages, server CPU per request of edge over level: no difference can be "
                 "told: 1.00 (0.98–1.02) with 50 connections."],
        further=[{"title": "Upload of one file of 1 GiB",
                  "header": ["receiver", "seconds", "MiB/s"],
                  "rows": [["transfer_server", "0.08 (0.07–0.09)", "773 (700–800)"],
                           ["socat", "not installed"]], "notes": ["Every byte is compared."]},
                 memory_section(chance)])


def memory_section(chance):
    samples = [{"name": name, "state": state, "round": number, "connections": 500,
                "user": 100 * (1 + place) * chance.lognormvariate(0, 0.05), "kernel": 2900.0,
                "buffers": 0} for place, name in enumerate(("pollux", "libev", "asio"))
               for state in ("silent", "spoken") for number in (1, 2, 3)]
    samples.append({"name": "libuv", "state": "silent", "round": 1, "reason": "it died"})
    return asdict(peers_memory.section(samples)) | {"samples": samples}


def claims_file():
    def claim(name, text, verdict, figure, **more):
        return {"id": name, "claim": text, "source": "Somebody 2004", "verdict": verdict,
                "figure": figure, "criterion": "Holds if the slope is above 0.05 µs for each "
                "descriptor; does not hold if it is below 0.01 µs.", "negative": "", "table": None,
                "samples_of": None, "seconds": 12.0} | more
    return head("claims", "bench/claims", rounds=25, quick=False, samples={}, claims=[
        claim("K1", "what select and poll cost grows with idle descriptors, epoll is flat", "holds",
              "poll takes 0.031 (0.030–0.033) µs more for each descriptor, epoll 0.0001 µs",
              table={"header": ["descriptors", "select, µs", "poll, µs", "epoll, µs"], "rows": [
                  [str(count), f"{0.3 + 0.03 * count:.2f} ({0.2 + 0.029 * count:.2f}–"
                   f"{0.4 + 0.032 * count:.2f})", f"{0.3 + 0.025 * count:.2f}", "0.31 (0.30–0.33)"]
                  for count in (10, 100, 1000, 10000)]}),
        claim("K9", "fewer epoll_ctl calls help only a little", "holds", "×0.97 (0.95–0.99)",
              negative="Saving epoll_ctl by edge triggers gains 3 % at most: do not bother."),
        claim("K10", "edge is never slower than level", "does not hold", "×1.12 (1.10–1.15)",
              negative="Edge-triggered rarely pays for small messages."),
        claim("K24", "one loop for each core scales", "undecided here", "two cores are too few"),
        claim("K29", "io_uring beats epoll", "not tried here", "liburing is missing",
              criterion="")])


def micro_file():
    chance = random.Random(3)
    ratios = [[chance.lognormvariate(0.01 * step, 0.01) for _ in range(25)] for step in range(3)]
    return head("micro", "bench/micro", watched=1000, instructions_per_turn={}, time=[
        {"backend": backend, "active": active, "bare_ns_per_turn": 300.0, "bare_ns_per_event": 30.0,
         **{name: {"ratio": 1.0, "interval": [0.9, 1.1], "ratios": found}
            for name, found in zip(("bare again", "seam", "loop"), ratios)}}
        for backend in ("epoll", "poll") for active in (1, 100)])


def peers_file(rounds=20):
    chance, samples = random.Random(4), []
    for place, name in enumerate(("libev", "pollux", "libevent", "asio")):
        for number in range(1, rounds + 1):
            each = (1 + place) * chance.lognormvariate(0, 0.05)
            samples.append({"workload": "timers", "name": name, "round": number, "count": 100,
                            **{f"{what}_ns": 3000 * each
                               for what in ("arm", "rearm", "put_off", "cancel", "call")}})
    samples.append({"workload": "burst", "name": "bare", "round": 0, "reason": "wants two cores"})
    return head("peers", "bench/run", samples=samples, versions={"libev": "4.33"})


def write(folder, **documents):
    for name, document in documents.items():
        (Path(folder) / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False))


if __name__ == "__main__":
    write(sys.argv[1], results=run_file(), peers=peers_file(), claims=claims_file(),
          micro=micro_file())
