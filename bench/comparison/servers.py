"""How a server is started and found: one that says where it listens, one that does not, and one
that runs already."""

import socket
import time

from comparison.process_tree import Descendants, ProcessTree, listener_of, waiting_in_listen_queue
from comparison.processes import Child, Failed

HOST = "127.0.0.1"


class Server:
    """A server of a contestant: its port, its processes, and its end. `command` has words of any
    kind that has a text; it is None when the server runs already on `port`."""

    def __init__(self, name, command, cores, port=0, announces=True):
        self.name, self.port, self.child = name, port, None
        if command is None:
            pid = listener_of(port)
            self.tree = Descendants(pid) if pid else None
            return
        if not announces:
            self.port = _free_port()
            command = [str(word).replace("{port}", str(self.port)) for word in command]
        self.child = Child([str(word) for word in command], cores, talks=announces)
        self.name = self.child.name
        self.tree = ProcessTree(self.child.pid)
        self._announces = announces

    def wait_until_it_listens(self):
        if self.child is None:
            if not _accepts(self.port):
                raise Failed(f"nobody listens on port {self.port}")
        elif self._announces:
            first = self.child.read_line()
            if not first.startswith("listening on "):
                raise Failed(f"{self.name} said “{first}”, not “listening on …”")
            self.port = int(first.rsplit(":", 1)[1])
        else:
            self._wait_for_port()

    def _wait_for_port(self, seconds=10.0):
        """Looks at the list of listening sockets: to connect would show the server a client that
        says nothing."""
        deadline = time.monotonic() + seconds
        while waiting_in_listen_queue(self.port) is None:
            if self.child.ended():
                raise Failed(f"{self.name} ended before it listened on port {self.port}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} does not listen on port {self.port} after {seconds:g} s")
            time.sleep(0.005)

    def said(self):
        return self.child.said() if self.child else ""

    def ending(self):
        """See Child; None also of a server that was not started here."""
        return self.child.ending() if self.child else None

    def stop(self):
        if self.child:
            self.child.stop(seconds=10)


def _free_port():
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


def _accepts(port):
    try:
        with socket.create_connection((HOST, port), timeout=5):
            return True
    except OSError:
        return False
