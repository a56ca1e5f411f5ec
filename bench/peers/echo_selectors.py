#!/usr/bin/python3
"""An echo server on Python's selectors: what many a learner has written, with back-pressure.

It follows the example at the end of the manual of the module `selectors`, a callback kept as the
data of each registration, and the Socket Programming HOWTO: a non-blocking send takes what it
can, and the rest waits until the socket is writable.
"""

import argparse
import ipaddress
import platform
import selectors
import signal
import socket
import sys
import time


class Client:
    def __init__(self, server, connection):
        self.server = server
        self.connection = connection
        self.waiting = memoryview(b"")  # what the kernel has not taken; nothing is read meanwhile
        server.selector.register(connection, selectors.EVENT_READ, self.read)

    def read(self):
        try:
            received = self.connection.recv(self.server.read_size)
            if not received:
                return self.end()
            self.server.work()
            sent = self.send(received)
        except ConnectionError:
            return self.end()
        if sent < len(received):
            self.waiting = memoryview(received)[sent:]
            self.server.selector.modify(self.connection, selectors.EVENT_WRITE, self.flush)

    def flush(self):
        try:
            self.waiting = self.waiting[self.send(self.waiting):]
        except ConnectionError:
            return self.end()
        if not self.waiting:
            self.server.selector.modify(self.connection, selectors.EVENT_READ, self.read)

    def send(self, what):
        try:
            return self.connection.send(what)
        except BlockingIOError:
            return 0

    def end(self):
        self.server.selector.unregister(self.connection)
        self.connection.close()


class Server:
    def __init__(self, host, port, read_size, work):
        self.read_size = read_size
        self.work_ns = work * 1000
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=socket.SOMAXCONN)
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited
        self.listener.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        Client(self, connection)

    def work(self):
        if self.work_ns:
            end = time.monotonic_ns() + self.work_ns
            while time.monotonic_ns() < end:
                pass

    def run(self):
        while True:
            for key, _ in self.selector.select():
                key.data()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--host", type=_address, default="127.0.0.1")
    parser.add_argument("--port", type=int, choices=range(65536), default=0, metavar="N")
    parser.add_argument("--read-size", type=_at_least(1), default=65536, metavar="BYTES")
    parser.add_argument("--work", type=_at_least(0), default=0, metavar="MICROSECONDS",
                        help="for each read")
    parser.add_argument("--version", action="version",
                        version=f"Python {platform.python_version()}")
    return parser.parse_args()


def _address(text):
    return str(ipaddress.ip_address(text))


def _at_least(least):
    def number(text):
        if int(text) < least:
            raise ValueError
        return int(text)
    return number


def main():
    options = arguments()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    server = Server(options.host, options.port, options.read_size, options.work)
    host, port = server.listener.getsockname()[:2]
    print(f"listening on {f'[{host}]' if ':' in host else host}:{port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
