"""A fresh server and the load on it, from the start of the one to the end of both."""

import json

from comparison.process_tree import ProcessTree, waiting_in_listen_queue
from comparison.processes import Child, Failed, settle


class TooMany(Failed):
    """The server works, but not with so many connections at once."""


class UnderLoad:
    """Commands are lists of anything that has a text. The server is there from the beginning of the
    `with` statement on, the load from `connect` on."""

    def __init__(self, server_command, server_cores, load_command, client_core):
        self._load_command = load_command
        self._client_core = client_core
        self._load = None
        self.server = Child(list(map(str, server_command)), server_cores)
        self.tree = ProcessTree(self.server.pid)

    def __enter__(self):
        try:
            first = self.server.read_line()
            if not first.startswith("listening on "):
                raise Failed(f"{self.server.name} said “{first}”, not “listening on …”")
            self._port = int(first.rsplit(":", 1)[1])
            return self
        except BaseException as problem:
            self.__exit__(type(problem), problem, None)
            raise

    def connect(self):
        """Returns when all connections are open, each has been answered once, and the server is
        at rest. Raises TooMany when only some are answered."""
        command = [*self._load_command, "--handshake", "--port", self._port]
        self._load = Child(list(map(str, command)), self._client_core)
        line = self._load.read_line(seconds=60)
        if line.startswith("stuck: "):
            raise self._stuck(line.removeprefix("stuck: "))
        self._check(line, "ready")
        settle(self.tree.cpu_ns)

    def measure(self, seconds):
        self._load.write_line("go")
        line = self._load.read_line(seconds=seconds + 15)
        self._check(line, "{")
        return json.loads(line)

    def _stuck(self, what):
        """What can be seen from outside while the connections are still open."""
        parts = [what]
        queue = waiting_in_listen_queue(self._port)
        if queue:
            parts.append(f"{queue} wait in the listen queue")
        threads, processes = len(self.tree.threads()), len(self.tree.processes())
        counts = [_counted(threads, "thread", "threads")]
        if processes > 1:
            counts.insert(0, _counted(processes, "process", "processes"))
        parts.append("the server has " + " and ".join(counts))
        kind = Failed if what.startswith("0 of ") else TooMany
        return kind("; ".join(parts))

    def _check(self, line, start):
        if not line.startswith(start):
            raise Failed(f"{self._load.name} said “{line[:200]}”")

    def __exit__(self, kind, problem, trace):
        if isinstance(problem, Failed):
            self._add_what_the_server_said(problem)
        for child in (self._load, self.server):
            if child is not None:
                child.stop(seconds=10)

    def _add_what_the_server_said(self, problem):
        text = self.server.said()
        if text and text not in str(problem):
            problem.args = (f"{problem}; {self.server.name}: {text[-500:]}",)


def _counted(number, one, several):
    return f"{number} {one if number == 1 else several}"
