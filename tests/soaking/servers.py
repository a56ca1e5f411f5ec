"""Servers that run as long as the soak lasts, with what has to balance at their end."""

import contextlib
import os
import re
import signal
import statistics
import subprocess
import threading
import time

PATIENCE = 30  # seconds, until something that should happen is held to be lost
PAGE = os.sysconf("SC_PAGE_SIZE")
MODES = [("select", "level"), ("poll", "level"), ("epoll", "level"), ("epoll", "edge"),
         ("epoll", "one-shot"), ("select", "one-shot"), ("poll", "one-shot")]
# What a server may grow by from the second fifth of its time to the last one: besides what its kind
# may, for an allocator keeps what a burst took. The injection keeps what it did, too.
GROWTH_SHARE = 0.15
BYTES_A_FAULT = 200


class Broken(Exception):
    """What must not be."""


def wait_for(state, what):
    until = time.monotonic() + PATIENCE
    while not state():
        if time.monotonic() > until:
            raise Broken(what)
        time.sleep(0.02)


class Server:
    """One demo server in demo_hooked, with a plan of faults of its own. What it prints goes nowhere;
    its complaints and its statistics are kept."""

    def __init__(self, folder, kind, mode, seed, plan):
        self.kind, self.mode, self.seed, self.refused_starts = kind, mode, seed, 0
        while not self._start(folder, kind, mode, f"seed={self.seed};{plan}" if plan else ""):
            self.seed += 1000  # a fault befell its start, which it said: another one is drawn
            self.refused_starts += 1
            if self.refused_starts > 50:
                raise Broken(f"{kind.name} does not start: {self.process.stderr.read()}")
        self.said, self._said_more = [], threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.well = self.short = 0  # exchanges with the right answer; that ended early
        self.last_well = time.monotonic()
        self.resident = []
        self.descriptors_before = self.descriptors_most = self.descriptors_after = 0
        self.lock = threading.Lock()

    def _start(self, folder, kind, mode, plan):
        command = [folder / "demo_hooked", kind.name, "--stats", "--backend", mode[0], "--trigger",
                   mode[1], *kind.options, *(["--fault", plan] if plan else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True, errors="replace")
        first = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", first)
        if not found:
            if self.process.wait(PATIENCE) != 2:
                raise Broken(f"{kind.name} began with {first!r} and status "
                             f"{self.process.returncode}")
            return False
        self.port = int(found[1])
        threading.Thread(target=self._drop, args=(self.process.stdout,), daemon=True).start()
        return True

    @staticmethod
    def _drop(stream):
        while stream.read(65536):
            pass

    def _listen(self):
        for line in self.process.stderr:
            with self._said_more:
                self.said = [*self.said[-200:], line]
                self._said_more.notify_all()

    def count(self, well):
        with self.lock:
            self.well += well
            self.short += not well
            if well:
                self.last_well = time.monotonic()

    def alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def look(self):
        """A sample of its memory and descriptors."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            self.resident.append((time.monotonic(), int(file.read().split()[1]) * PAGE))
        self.descriptors_most = max(self.descriptors_most, self.descriptors())

    def statistics(self, number=signal.SIGUSR1):
        """What it counts. SIGTERM is the end of it."""
        def lines():
            return [line for line in self.said if line.startswith("stats")]
        with self._said_more:
            self.said = []
            self.process.send_signal(number)
            if not self._said_more.wait_for(lines, PATIENCE):
                raise Broken("it does not answer a signal")
            return {key: int(value) for key, _, value in
                    (word.partition("=") for word in lines()[-1].split()[1:])}

    def settle(self):
        """All clients have gone: so have their connections and descriptors. A listener that could not
        have its descriptor in reserve at first has got it since."""
        wait_for(lambda: self.statistics().get("open", 0) == 0, "connections stay open")
        wait_for(lambda: self.descriptors() <= self.descriptors_before + 1, "descriptors stay open")
        self.descriptors_after = self.descriptors()

    def check_ledger(self, counted):
        closed = sum(value for key, value in counted.items() if key.startswith("closed."))
        if any(key.startswith("closed.") for key in counted) and closed != counted["accepted"]:
            raise Broken(f"{counted['accepted']} accepted, {closed} closed")

    def growth(self, faults):
        """From the second fifth of the time to the last one, and what it may be."""
        sizes = [size for _, size in self.resident]
        fifth = max(1, len(sizes) // 5)
        early = statistics.median(sizes[fifth:2 * fifth] or sizes)
        late = statistics.median(sizes[-fifth:])
        return late - early, max(self.kind.growth, GROWTH_SHARE * early) + BYTES_A_FAULT * faults

    def end(self):
        """Ends it in good order; returns its last statistics."""
        counted = self.statistics(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        if status != 0:
            raise Broken(f"status {status}: {''.join(self.said)[-500:]}")
        self.check_ledger(counted)
        return counted | {"faults": self.faults()[0]}

    def faults(self):
        """How many there have been, and which; known when it has ended."""
        self._listener.join(PATIENCE)
        found = re.search(r"injected (\d+) faults?: (.*)", "".join(self.said))
        return (int(found[1]), found[2]) if found else (0, "")

    def break_off(self):
        """The plan that repeats what befell it; it need not end well."""
        for _ in range(2):
            if self.alive():
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(3)
        self.kill()
        return self.faults()[1]

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
