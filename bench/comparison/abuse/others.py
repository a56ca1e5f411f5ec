"""Those who mean no harm, and how long they wait: visitors of one kind each, at a fixed rate.

A visit falls due whether or not the one before is over, and its time counts from then on: who is
kept waiting is not spared the figure. HTTP and echo are asked by the load generator, by the same
rule, on connections that stay."""

import itertools
import json
import re
import selectors
import socket
import struct
import time
from collections import Counter

HOST = "127.0.0.1"
PATIENCE = 10.0  # with a server that says nothing


class Harmed(Exception):
    """One who means no harm was not served."""


class Phase:
    """What became of those who fell due in some seconds."""

    def __init__(self):
        self.waits = Counter()  # how often each wait, in ns
        self.refused = 0  # answered in good order that it cannot be done now
        self.problems = Counter()

    @property
    def served(self):
        return self.waits.total() - self.refused

    def percentile(self, percent):
        """In ns; None where there was nobody."""
        rank = percent / 100 * self.waits.total()
        for wait, count in sorted(self.waits.items()):
            rank -= count
            if rank <= 0:
                return wait
        return None

    @staticmethod
    def of_load(result):
        phase = Phase()
        phase.waits.update(dict(map(tuple, result["histogram"])))
        for what in ("errors", "unanswered"):
            if result.get(what):
                phase.problems[what] = result[what]
        return phase


class Visitors:
    """Calls `visit(port, folder, number)` at that rate: true, it was served; false, refused. An
    exception is harm done."""

    def __init__(self, visit, rate):
        self._visit, self._rate = visit, rate
        self._numbers = itertools.count()

    def join(self, port, folder):
        self._port, self._folder = port, folder
        self.measure(0.05)  # what is done only once is done

    def measure(self, seconds):
        phase = Phase()
        began = time.monotonic()
        for turn in range(max(1, int(seconds * self._rate))):
            due = began + turn / self._rate
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                served = self._visit(self._port, self._folder, next(self._numbers))
                phase.refused += not served
            except (OSError, Harmed) as problem:
                phase.problems[str(problem) or type(problem).__name__] += 1
            phase.waits[int((time.monotonic() - due) * 1e9)] += 1
        return phase

    def leave(self):
        pass


class Members:
    """Some of a chat: one speaks, and how long its words take to each of the others is measured."""

    def __init__(self, listeners, rate):
        self._count, self._rate = listeners, rate
        self._numbers = itertools.count()

    def join(self, port, _folder):
        self._speaker, *self._listeners = [connect(port) for _ in range(self._count + 1)]
        self._speaker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector = selectors.DefaultSelector()
        self._unread = {}
        for member in [self._speaker, *self._listeners]:
            member.setblocking(False)
            self._selector.register(member, selectors.EVENT_READ)
            self._unread[member] = b""
        self._wait_until_all_hear()

    def measure(self, seconds):
        phase, due = Phase(), {}
        began, turn, turns = time.monotonic(), 0, max(1, int(seconds * self._rate))
        missing = turns * len(self._listeners)
        while missing > 0:
            now = time.monotonic()
            if now > began + seconds + PATIENCE:
                phase.problems["words that never came"] += missing
                break
            while turn < turns and now >= began + turn / self._rate:
                number = next(self._numbers)
                due[number] = began + turn / self._rate
                self._speaker.send(b"<%d>" % number)
                turn += 1
            next_due = began + turn / self._rate if turn < turns else now + 0.1
            for key, _ in self._selector.select(max(0.0, next_due - now)):
                missing -= self._hear(key.fileobj, due, phase)
        return phase

    def _wait_until_all_hear(self):
        deaf = set(self._listeners)
        while deaf:
            self._speaker.send(b"?")
            for key, _ in self._selector.select(0.01):
                key.fileobj.recv(1 << 16)
                deaf.discard(key.fileobj)

    def _hear(self, member, due, phase):
        part = member.recv(1 << 20)
        if not part:
            raise Harmed("a member was sent away")
        text = self._unread[member] + part
        now, heard = time.monotonic(), 0
        for found in re.finditer(rb"<(\d+)>", text):
            if member is not self._speaker and int(found[1]) in due:
                phase.waits[int((now - due[int(found[1])]) * 1e9)] += 1
                heard += 1
        start = text.rfind(b"<")
        self._unread[member] = text[start:] if start >= 0 and b">" not in text[start:] else b""
        return heard

    def leave(self):
        for member in [self._speaker, *self._listeners]:
            member.close()


def connect(port):
    return socket.create_connection((HOST, port), PATIENCE)


def to_the_end(client):
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def framed(payload):
    return struct.pack("<i", len(payload)) + payload


def send_frames(port, _folder, _number):
    """Two frames and the end; the server has read both when it ends its side."""
    with connect(port) as client:
        client.sendall(framed(b"one") + framed(b"and another"))
        client.shutdown(socket.SHUT_WR)
        if to_the_end(client) != b"":
            raise Harmed("an answer that nobody waits for")
    return True


def log_in(port, _folder, _number):
    with connect(port) as client:
        client.recv(1000, socket.MSG_PEEK)
        client.sendall(json.dumps({"username": "ada", "password": PASSWORD}).encode())
        if not to_the_end(client).endswith("登陆成功".encode()):
            raise Harmed("the right password was refused")
    return True


PASSWORD = "open sesame"
CONTENT = b"a small file\n" * 10


def transfer(port, folder, number):
    name = f"visit{number}"
    header = json.dumps({"msg_type": "file", "file_name": name}).encode()
    return _keep(port, folder / name, framed(header) + framed(CONTENT) + framed(b"close"))


def upload(port, folder, number):
    name = f"visit{number}"
    return _keep(port, folder / name, f"{name}-{len(CONTENT)}".encode() + CONTENT)


def _keep(port, file, message):
    """The server ends when it has the file, or will not have it. What it has is taken away."""
    with connect(port) as client:
        client.sendall(message)
        to_the_end(client)
    if not file.exists():
        return False
    if file.read_bytes() != CONTENT:
        raise Harmed("a file with other content")
    file.unlink()
    return True
