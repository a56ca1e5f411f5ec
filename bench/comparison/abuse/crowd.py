"""Clients that mean harm, many in one process: a program of its own, so that the well-behaved ones
are measured beside it.

    crowd.py PORT WHAT      WHAT: a Crowd as JSON

says "ready" when every client has done its harm once or stands where it harms, goes on until a line
or the end of standard input, and says what became of its clients as JSON. It yields its core to the
well-behaved: it is nicer than they are.
"""

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
MOST_AT_ONCE = 1 << 24  # bytes that one client sends before the others have their turn
PATIENCE = 60.0
STANDSTILL = 0.2  # after which those who say without end are thought to be stuck,
LONG_ENOUGH = 4.0  # or never to be


@dataclass(frozen=True)
class Crowd:
    """What each of `count` clients does. Texts are Latin-1: a character is a byte."""

    count: int
    says: tuple = ("",)  # first; the clients take these in turn
    fill: int = 0  # so many bytes more behind it
    endless: bool = False  # it says that again and again
    drips: str = ""  # and then this, now and then:
    every: float = 0.1  # seconds
    reads: bool = False
    resets: bool = False  # as soon as all is said; else it stays
    again: bool = True  # comes back when it was sent away
    pause: float = 0.02  # seconds, before it does
    buffer: int = 0  # of the kernel, in each direction; 0: its choice
    sources: tuple = ("127.0.0.1",)  # they come from these in turn

    def to_json(self):
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text):
        return Crowd(**json.loads(text))


class Client:
    """One of the crowd, over all of its connections."""

    def __init__(self, number, crowd):
        self.source = crowd.sources[number % len(crowd.sources)]
        self.says = crowd.says[number % len(crowd.says)].encode("latin-1") + bytes(crowd.fill)
        self.socket = None
        self.connected = False
        self.sent = 0  # of what it says
        self.placed = False  # it has done its part once
        self.due = 0.0  # when it drips or comes back
        self.heard = b""


class Gathering:
    def __init__(self, port, crowd):
        self.crowd = crowd
        self._to = ("127.0.0.1", port)
        self._poll = select.epoll()
        self._clients = [Client(number, crowd) for number in range(crowd.count)]
        self._by_fd = {}
        self._drop = crowd.drips.encode("latin-1")
        block = self._clients[0].says if crowd.endless else b""
        self._block = memoryview(block * max(1, 65536 // max(1, len(block))))
        self._last_sent = 0.0
        self.counts = Counter()
        self.answers = Counter()

    def run(self):
        commands = sys.stdin.fileno()
        self._poll.register(commands, select.EPOLLIN)
        began, ready = time.monotonic(), False
        while True:
            self._let_the_due_act()
            for fd, events in self._poll.poll(self._until_next()):
                if fd == commands:
                    return
                self._serve(self._by_fd[fd], events)
            if not ready:
                ready = self._in_place(time.monotonic() - began)

    def _in_place(self, seconds):
        standing = sum(client.placed for client in self._clients)
        moves = self.crowd.endless and time.monotonic() < self._last_sent + STANDSTILL
        if standing == self.crowd.count and (not moves or seconds > LONG_ENOUGH):
            print("ready", flush=True)
            return True
        if seconds > PATIENCE:
            sys.exit(f"{standing} of {self.crowd.count} clients in place: {self.report()}")
        return False

    def report(self):
        open_now = sum(client.socket is not None for client in self._clients)
        return json.dumps({**self.counts, "open": open_now, "answers": dict(self.answers)})

    def _until_next(self):
        busy = self.crowd.resets or any(client.socket is None for client in self._clients)
        return 0.002 if busy else 0.01 if self._drop else 0.1

    def _let_the_due_act(self):
        now = time.monotonic()
        for client in self._clients:
            if client.socket is None:
                if now >= client.due and (self.crowd.again or not client.placed):
                    self._connect(client)
            elif self._drop and client.placed and now >= client.due:
                client.due = now + self.crowd.every
                self._drip(client)

    def _connect(self, client):
        client.socket = connecting = socket.socket()
        connecting.setblocking(False)
        client.connected, client.sent, client.heard = False, 0, b""
        if self.crowd.buffer:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                connecting.setsockopt(socket.SOL_SOCKET, option, self.crowd.buffer)
        try:
            if client.source != "127.0.0.1":
                connecting.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                connecting.bind((client.source, 0))
            error = connecting.connect_ex(self._to)
        except OSError as problem:
            error = problem.errno
        if error not in (0, errno.EINPROGRESS):
            self.counts[errno.errorcode[error]] += 1
            return self._leave(client)
        self._by_fd[connecting.fileno()] = client
        wanted = select.EPOLLOUT | select.EPOLLRDHUP | (select.EPOLLIN if self.crowd.reads else 0)
        self._poll.register(connecting, wanted)

    def _serve(self, client, events):
        try:
            if events & select.EPOLLIN:  # first: sending fails once there is a reset
                self._hear(client)
            if client.socket and events & select.EPOLLOUT:
                self._say(client)
            if client.socket and not self.crowd.reads and events & GONE:
                self._sent_away(client, "cut")
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self._sent_away(client, "reset")
        except OSError as problem:
            self._sent_away(client, errno.errorcode[problem.errno])

    def _say(self, client):
        """Until all is said, or no more is taken."""
        if not client.connected:
            self._begin(client)
        at_once = 0
        while client.sent < len(client.says) or self.crowd.endless:
            if at_once > MOST_AT_ONCE:
                return
            part = self._block if self.crowd.endless else memoryview(client.says)[client.sent:]
            try:
                count = client.socket.send(part)
            except BlockingIOError:
                client.placed = client.placed or self.crowd.endless
                return
            client.sent += count
            at_once += count
            self.counts["bytes sent"] += count
            self._last_sent = time.monotonic()
        client.placed = True
        if self.crowd.resets:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            return self._leave(client)
        self._poll.modify(client.socket, select.EPOLLRDHUP
                          | (select.EPOLLIN if self.crowd.reads else 0))

    def _begin(self, client):
        error = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        client.connected = True
        self.counts["connected"] += 1

    def _hear(self, client):
        part = client.socket.recv(1 << 18)
        if not part:
            return self._sent_away(client, "ended")
        self.counts["bytes received"] += len(part)
        if len(client.heard) < 64:
            client.heard += part[:64]

    def _drip(self, client):
        try:
            self.counts["bytes sent"] += client.socket.send(self._drop)
        except BlockingIOError:
            pass
        except OSError:
            self._sent_away(client, "reset")

    def _sent_away(self, client, how):
        self.counts[how] += 1
        said = client.heard.strip()
        if said.startswith(b"HTTP/"):
            self.answers[said.split(b" ")[1].decode()] += 1
        self._leave(client)

    def _leave(self, client):
        self._by_fd.pop(client.socket.fileno(), None)
        client.socket.close()
        client.socket = None
        client.placed = True
        client.due = time.monotonic() + (0 if self.crowd.resets else self.crowd.pause)


IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); Python has no name for it


def main():
    os.nice(10)
    port, what = sys.argv[1:]
    gathering = Gathering(int(port), Crowd.from_json(what))
    gathering.run()
    print(gathering.report(), flush=True)


if __name__ == "__main__":
    main()
