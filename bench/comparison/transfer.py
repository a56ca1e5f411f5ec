"""One file sent over loopback: transfer_server against socat(1) doing the same copy."""

import json
import os
import random
import resource
import shutil
import socket
import struct
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from comparison.finding import few_rounds, ranged
from comparison.measure import KIB, MIB
from comparison.processes import Child, Failed
from comparison.summary import paired_ratios, spread

OURS = "transfer_server"
# socat's own buffer is 8 KiB. A larger one shows how much of the difference that is.
SOCAT = {"socat": 8 * KIB, "socat -b 262144": 256 * KIB}
SENT_AT_ONCE = 64 * MIB


class Transfer:
    def __init__(self, bench, size):
        self._bench = bench
        self.size = size

    def rounds(self, count, seed):
        """Samples: dictionaries by contestant, of `seconds` and `cpu` (seconds of the server)."""
        chance = random.Random(seed)
        samples = []
        for _ in range(count):
            order = [OURS, *SOCAT]
            chance.shuffle(order)
            samples.append({name: self._once(name) for name in order})
        return samples

    def _once(self, name):
        with _folder(self.size) as folder, _source(self.size) as source, \
                _on_core(self._bench.client_core):
            target = folder / "file"
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            server, port = self._start(name, folder, target)
            try:
                started = time.monotonic()
                _send(port, source, self.size, framed=name == OURS)
                seconds = time.monotonic() - started
            finally:
                server.stop()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if not target.exists() or target.stat().st_size != self.size:
                raise Failed(f"{name} did not keep the file")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": seconds, "cpu": cpu}

    def _start(self, name, folder, target):
        core = self._bench.server_core
        if name == OURS:
            program = self._bench.program(OURS)
            server = Child([str(program), "--dir", str(folder), "--port", "0"], core)
            stream = "stdout"
        else:
            server = Child(["socat", "-d", "-d", "-u", "-b", str(SOCAT[name]),
                            "TCP-LISTEN:0,bind=127.0.0.1,reuseaddr", f"OPEN:{target},creat"], core)
            stream = "stderr"
        line = ""
        while "listening on " not in line:
            line = server.read_line(stream)
        return server, int(line.rsplit(":", 1)[1])


def _send(port, source, size, framed):
    """Sends the file and waits for the server's end, which says that it is done."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        for timeout in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            client.setsockopt(socket.SOL_SOCKET, timeout, struct.pack("ll", 60, 0))
        if framed:
            head = json.dumps({"msg_type": "file", "file_name": "file"}).encode()
            client.sendall(struct.pack("<i", len(head)) + head + struct.pack("<i", size))
        left = size
        while left > 0:
            place = (size - left) % SENT_AT_ONCE
            left -= os.sendfile(client.fileno(), source, place, min(left, SENT_AT_ONCE - place))
        if framed:
            client.sendall(struct.pack("<i", 5) + b"close")
        client.shutdown(socket.SHUT_WR)
        if client.recv(1):
            raise Failed("the server answered")


@contextmanager
def _folder(size):
    """In memory if there is room: the disk's moods are not what is compared."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * size
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as folder:
        yield Path(folder)


@contextmanager
def _source(size):
    """Bytes to send again and again: no disk is read."""
    source = os.memfd_create("source")
    try:
        with open(source, "wb", closefd=False) as file:
            file.write(os.urandom(MIB) * (min(size, SENT_AT_ONCE) // MIB))
        yield source
    finally:
        os.close(source)


@contextmanager
def _on_core(core):
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def sentences(size, samples):
    """What the samples say."""
    title = f"One upload of {size // MIB:,} MiB"
    rates = spread(size / MIB / sample[OURS]["seconds"] for sample in samples)
    text = f"{title}: {OURS} takes {ranged(rates, 0)} MiB/s."
    ratios = []
    for other in SOCAT:
        parts = []
        for key, what in (("cpu", "the CPU time"), ("seconds", "the time")):
            values, bases = ({place: sample[name][key] for place, sample in enumerate(samples)}
                             for name in (OURS, other))
            ratio = spread(paired_ratios(values, bases))
            ratios.append(ratio)
            untold = " (no difference can be told)" if ratio.contains_one else ""
            parts.append(f"{ranged(ratio)} of {what}{untold}")
        text += f" Against {other}: {' and '.join(parts)}."
    return [text + few_rounds(ratios)]
