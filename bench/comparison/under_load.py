"""A fresh server and the load on it, from the start of the one to the end of both."""

import json

from comparison.process_tree import waiting_in_listen_queue
from comparison.processes import Child, Failed, settle


class TooMany(Failed):
    """The server works, but not with so many connections at once."""


class UnderLoad:
    """Commands are lists of anything that has a text; they get the server's port. The server is
    there from the beginning of the `with` statement on, the load from `connect` on, and before it
    what holds the idle connections, where there are some."""

    def __init__(self, server, load_command, client_core, idle_command=None):
        self.server = server
        self.tree = server.tree
        self._load_command = load_command
        self._idle_command = idle_command
        self._client_core = client_core
        self._load = self._idle = None

    def __enter__(self):
        try:
            self.server.wait_until_it_listens()
            return self
        except BaseException as problem:
            self.__exit__(type(problem), problem, None)
            raise

    def connect(self):
        """Returns when all connections are open, each has been answered once, and the server is
        at rest. Raises TooMany when only some are answered."""
        if self._idle_command:
            self._idle = self._client(self._idle_command)
            self._check(self._idle, self._idle.read_line(seconds=60), "ready")
        self._load = self._client([*self._load_command, "--handshake"])
        line = self._load.read_line(seconds=60)
        if line.startswith("stuck: "):
            raise self._stuck(line.removeprefix("stuck: "))
        self._check(self._load, line, "ready")
        if self.tree:
            settle(self.tree.cpu_ns)

    def _client(self, command):
        return Child([str(word) for word in [*command, "--port", self.server.port]],
                     self._client_core)

    def measure(self, seconds):
        self._load.write_line("go")
        line = self._load.read_line(seconds=seconds + 15)
        self._check(self._load, line, "{")
        return json.loads(line)

    def ramp(self, seconds):
        """Every step of a load with --ramp, and the knee last; a step takes so many seconds, or up
        to 5 where few requests fall due, and its last answers are waited for."""
        self._load.write_line(f"go {seconds}")
        steps = []
        while not steps or "knee" not in steps[-1]:
            line = self._load.read_line(seconds=seconds + 30)
            self._check(self._load, line, "{")
            steps.append(json.loads(line))
        return steps

    def _stuck(self, what):
        """What can be seen from outside while the connections are still open."""
        parts = [what]
        queue = waiting_in_listen_queue(self.server.port)
        if queue:
            parts.append(f"{queue} wait in the listen queue")
        if self.tree:
            threads, processes = len(self.tree.threads()), len(self.tree.processes())
            counts = [_counted(threads, "thread", "threads")]
            if processes > 1:
                counts.insert(0, _counted(processes, "process", "processes"))
            parts.append("the server has " + " and ".join(counts))
        kind = Failed if what.startswith("0 of ") else TooMany
        return kind("; ".join(parts))

    @staticmethod
    def _check(child, line, start):
        if not line.startswith(start):
            raise Failed(f"{child.name} said “{line[:200]}”")

    def __exit__(self, kind, problem, trace):
        if isinstance(problem, Failed):
            self._add_what_the_server_said(problem)
        for child in (self._load, self._idle):
            if child is not None:
                child.stop(seconds=10)
        self.server.stop()

    def _add_what_the_server_said(self, problem):
        text, ending = self.server.said()[-500:], self.server.ending()
        said = f": {text}" if text and text not in str(problem) else ""
        if ending and f"{self.server.name} ended" not in str(problem):
            problem.args = (f"{problem}; {self.server.name} ended{ending}{said}",)
        elif said:
            problem.args = (f"{problem}; {self.server.name}{said}",)


def _counted(number, one, several):
    return f"{number} {one if number == 1 else several}"
