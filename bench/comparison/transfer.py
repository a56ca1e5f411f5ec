"""One file over loopback: transfer_server against socat, which does the same copy."""

import filecmp
import json
import os
import random
import resource
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from comparison.finding import ranged
from comparison.processes import Child, Failed
from comparison.statistics import estimate, ratio
from comparison.table import MISSING

BASE = "socat"
CONTESTANTS = ["transfer_server", "transfer_server edge", "socat", "socat, 256 KiB blocks"]
MIB = 1024 * 1024
SENDER = Path(__file__).resolve().parent.parent / "load" / "send_file.py"

METHOD = (
    "One file of {size} MiB is sent over one connection by sendfile(2) from one core; the receiver "
    "on the other core writes it to a file in {place}. The time is from the connection to the receiver's "
    "end of it; server CPU is that of the receiver's whole life. Every byte is compared. socat "
    "copies in blocks of 8 KiB unless told otherwise."
)


def measure(build, server_core, client_core, size, rounds, seed, show=lambda text: None):
    """Samples as they come: contestant, round, and its values or the reason why there are none."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=_place(3 * size), prefix="pollux-") as folder:
        source = Path(folder) / "source"
        _fill(source, size, chance)
        for number in range(1, rounds + 1):
            order = list(CONTESTANTS)
            chance.shuffle(order)
            for name in order:
                show(f"transfer, round {number}: {name}")
                target = Path(folder) / "received"
                target.mkdir()
                sample = {"contestant": name, "round": number}
                try:
                    sample["values"] = _run(build, name, source, target, server_core, client_core)
                except Failed as problem:
                    sample["reason"] = str(problem)
                shutil.rmtree(target)
                yield sample


def section(samples, size):
    """Title, header, rows and notes, for the terminal and the page."""
    rows = []
    for name in CONTESTANTS:
        row = [name]
        for key, digits in (("seconds", 2), ("rate", 0), ("cpu", 2)):
            values = _by_round(samples, name, key)
            row.append(ranged(estimate(values.values()), digits) if values else MISSING)
            if key != "rate":
                found = ratio(values, _by_round(samples, BASE, key))
                row.append(ranged(found) if found else MISSING)
        rows.append(row)
    reasons = [f"{each['contestant']}, round {each['round']}: {each['reason']}"
               for each in samples if "reason" in each]
    return {
        "title": f"Upload of one file of {size // MIB} MiB",
        "header": ["receiver", "seconds", f"×{BASE}", "MiB/s", "server CPU s", f"×{BASE}"],
        "rows": rows,
        "notes": [METHOD.format(size=size // MIB, place=_place(3 * size)), *reasons],
        "samples": samples,
    }


def _by_round(samples, name, key):
    return {each["round"]: each["values"][key] for each in samples
            if each["contestant"] == name and "values" in each}


def _run(build, name, source, target, server_core, client_core):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if name.startswith("transfer_server"):
        server, port = _transfer_server(build, name, target, server_core)
        words = [str(port), str(source), "file"]
    else:
        server, port = _socat(name, target, server_core)
        words = [str(port), str(source)]
    sender = None
    try:
        sender = Child([sys.executable, str(SENDER), *words], client_core)
        said = json.loads(sender.read_line(seconds=120))
    finally:
        server.stop(seconds=10)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if sender:
            sender.stop()
    if not filecmp.cmp(source, target / "file", shallow=False):
        raise Failed("what was received is not what was sent")
    return {
        "seconds": said["seconds"],
        "rate": said["bytes"] / MIB / said["seconds"],
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def _transfer_server(build, name, target, core):
    trigger = "edge" if name.endswith("edge") else "level"
    server = Child([str(build / "demos" / "transfer_server"), "--port", "0", "--dir", str(target),
                    "--trigger", trigger, "--quota", "4GiB"], core)
    first = server.read_line()
    if not first.startswith("listening on "):
        server.stop()
        raise Failed(f"transfer_server said “{first}”")
    return server, int(first.rsplit(":", 1)[1])


def _socat(name, target, core):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    block = ["-b", "262144"] if "256" in name else []
    # The end of the connection is socat's own end, when the last block is written.
    return Child(["socat", "-u", *block, f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr",
                  f"CREATE:{target / 'file'}"], core), port


def _place(room):
    """Memory where there is enough of it, so that no disk is measured."""
    try:
        if shutil.disk_usage("/dev/shm").free > 2 * room:
            return "/dev/shm"
    except OSError:
        pass
    return tempfile.gettempdir()


def _fill(path, size, chance):
    block = chance.randbytes(MIB)
    with open(path, "wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8, "little") + block[8:])
    os.sync()
