"""A server that takes files, and the directory it puts them in."""

import os
import select
import signal
import subprocess
import tempfile

from demo import PATIENCE, Server, parse

# Names that must never become files (bug-F8), each of them possible in one protocol or both.
BAD_NAMES = ("../x", "/etc/x", "a/../../x", "a/b", "..\\x", "a\\b", "..", ".", ".hidden", "x\ny",
             "x\0y", "\x1b[2J", "\u202etxt", "a" * 256, "ä" * 128)
GOOD_NAMES = ("a", "notes.txt", "%2e%2e", "文件.txt", "two words", "a..b", "a" * 255, "C:x", "-rf",
              "$(id)")


class Inbox(Server):
    """`program --dir` on a directory of its own."""

    def __init__(self, program, *options, where=None):
        self.directory = tempfile.TemporaryDirectory(dir=where)
        self.path = self.directory.name
        super().__init__(program, "--dir", self.path, "--stats", *options)

    def __exit__(self, *error):
        super().__exit__(*error)
        self.directory.cleanup()

    def names(self):
        """All of them, those with a dot too."""
        return sorted(os.listdir(self.path))

    def file(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def stats(self):
        self.process.send_signal(signal.SIGUSR1)
        return parse(self.process.stderr.readline())

    def open_files(self):
        """Those in the directory, with a name or without."""
        links = f"/proc/{self.process.pid}/fd"
        found = []
        for fd in os.listdir(links):
            try:
                found.append(os.readlink(f"{links}/{fd}"))
            except FileNotFoundError:
                pass
        return [link for link in found if link.startswith(self.path + "/")]


def send_to_the_end(client, data):
    """Sends, and returns what comes until the end, however early that is."""
    client.setblocking(False)
    sent, got = 0, b""
    while True:
        readable, writable, _ = select.select([client], [client] if sent < len(data) else [], [],
                                              PATIENCE)
        if not readable and not writable:
            raise AssertionError(f"no end after {sent} bytes")
        if readable:
            part = client.recv(65536)
            if not part:
                return got
            got += part
        elif writable:
            sent += client.send(data[sent:sent + 1_000_000])


def read_terminal(ours):
    """All that a program writes to the other end of a pseudo-terminal, until it ends."""
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # what a terminal's end looks like
        pass
    os.close(ours)
    return seen


def cut(data, chance, longest=7):
    """The bytes in pieces."""
    while data:
        size = chance.randint(1, longest)
        yield data[:size]
        data = data[size:]


def faulty(server, call, error):
    """Each thread's next call of that name fails; None when nobody may do that here."""
    return injected(server, call, f"error={error}:when=1")


def injected(server, call, what):
    """strace(1), which makes calls of that name fail or wait; None when nobody may do that here."""
    try:
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(server.process.pid),
             "-e", f"trace={call}", "-e", f"inject={call}:{what}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return None
    threads = f"/proc/{server.process.pid}/task"
    while tracer.poll() is None:
        if all(traced(f"{threads}/{thread}") for thread in os.listdir(threads)):
            return tracer
        select.select([], [], [], 0.01)
    return None


def traced(task):
    with open(f"{task}/status") as status:
        return "TracerPid:\t0\n" not in status.read()
