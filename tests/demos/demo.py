"""What the tests of the demo programs share: starting them, and talking to them.

The clients here are Python's own sockets: nobody who wrote the servers wrote those."""

import contextlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
import unittest

BIN = os.environ["POLLUX_DEMOS"]
MODES = [("select", "level"), ("select", "one-shot"), ("poll", "level"), ("poll", "one-shot"),
         ("epoll", "level"), ("epoll", "edge"), ("epoll", "one-shot")]
# POLLUX_SANDBOX="select level,epoll edge" has each server in its sandbox, in these modes alone.
SANDBOXED = os.environ.get("POLLUX_SANDBOX")
if SANDBOXED:
    MODES = [tuple(mode.split()) for mode in SANDBOXED.split(",")]
NOT_IN_A_SANDBOX = ("command_server",)  # starts programs, which would be in it too
PATIENCE = 20  # seconds, until something that should happen is held to be lost


def path(program):
    return os.path.join(BIN, program)


def run(program, *options, env=None, **more):
    """Runs a program to its end; returns status, standard output and standard error."""
    done = subprocess.run([path(program), *options], capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, **(env or {})}, **more)
    return done.returncode, done.stdout, done.stderr


class Server:
    """A server program that runs, from its first line to its end."""

    def __init__(self, program, *options, env=None, stdin=None):
        if SANDBOXED and program not in NOT_IN_A_SANDBOX:
            options = (*options, "--sandbox")
        self.process = subprocess.Popen([path(program), *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, stdin=stdin,
                                        env={**os.environ, **(env or {})})
        self.first_line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (.+)\n", self.first_line)
        if not match:
            self.process.kill()
            raise AssertionError(f"first line: {self.first_line!r}; "
                                 f"stderr: {self.process.stderr.read()!r}")
        self.address = match.group(1)
        if "--sandbox" in options:
            with open(f"/proc/{self.process.pid}/status") as status:
                assert "\nNoNewPrivs:\t1\nSeccomp:\t2\n" in status.read(), "it is in no sandbox"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def connect(self):
        if self.address.startswith("unix:"):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            name = self.address[len("unix:"):]
            client.connect("\0" + name[1:] if name.startswith("@") else name)
            return client
        host = self.address.rsplit(":", 1)[0].strip("[]")
        return socket.create_connection((host, self.port), PATIENCE)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @contextlib.contextmanager
    def paused(self):
        """Meanwhile it does nothing. When it goes on it finds at once all that clients did, so that
        no deadline of its own can pass in between."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, signum=signal.SIGTERM):
        """Sends the signal; returns status, the rest of standard output, and standard error."""
        self.process.send_signal(signum)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextlib.contextmanager
def closed_port():
    """A port at which nobody listens, and nobody else can meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def parse(line):
    """The numbers of a line of statistics."""
    word, *pairs = line.split()
    assert word == "stats", line
    return {key: int(value) for key, value in (pair.split("=") for pair in pairs)}


def read_all(client):
    """Reads to the end of the stream."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_exactly(client, count):
    got = bytearray()
    while len(got) < count:
        part = client.recv(count - len(got))
        if not part:
            raise AssertionError(f"ended after {len(got)} of {count} bytes")
        got += part
    return bytes(got)


def wait_for(state):
    """Asks until it is so."""
    for _ in range(PATIENCE * 100):
        if state():
            return
        select.select([], [], [], 0.01)
    raise AssertionError("it did not come to be")


def drip(clients, meanwhile):
    """Each sends a byte now and then, until the server has something to say to each or ends it."""
    waiting = list(clients)
    for _ in range(PATIENCE * 50):
        meanwhile()
        said = select.select(waiting, [], [], 0.02)[0]
        waiting = [client for client in waiting if client not in said]
        if not waiting:
            return
        for client in waiting:
            try:
                client.send(b"x")
            except ConnectionError:
                pass  # it is over, and that can be read
    raise AssertionError(f"{len(waiting)} are served still")


def reset(client):
    """Ends a connection with a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def exchange(client, data):
    """Sends all of it and ends, reading at the same time; returns what came until the end."""
    client.setblocking(False)
    got, sent = [], 0
    while True:
        readable, writable, _ = select.select([client], [client] if sent < len(data) else [], [],
                                              PATIENCE)
        if not readable and not writable:
            raise AssertionError(f"stuck: {sent} bytes sent, {sum(map(len, got))} came")
        if writable:
            sent += client.send(data[sent:sent + 1_000_000])
            if sent == len(data):
                client.shutdown(socket.SHUT_WR)
        if readable:
            part = client.recv(1_000_000)
            if not part:
                return b"".join(got)
            got.append(part)


class Modes(unittest.TestCase):
    """A test case with `for mode in self.modes()`: options for every backend and trigger."""

    mode = None

    def modes(self):
        for backend, trigger in MODES:
            self.mode = ["--backend", backend, "--trigger", trigger]
            yield self.mode

    def _formatMessage(self, msg, standardMsg):
        return f"{super()._formatMessage(msg, standardMsg)} [mode: {self.mode}]"

    def assert_one_line(self, text, *parts):
        self.assertEqual(text.count("\n"), 1, f"one line expected: {text!r}")
        for part in parts:
            self.assertIn(part, text)
