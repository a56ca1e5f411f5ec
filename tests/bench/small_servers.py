"""Servers of a few lines, each connection served by a thread of the test."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import unittest
from pathlib import Path

BUILD = Path(os.environ.get("POLLUX_BUILD", "/nonexistent"))
LOAD_GENERATOR = BUILD / "bench" / "load_generator"
AVAILABLE = unittest.skipUnless(LOAD_GENERATOR.exists(),
                                "POLLUX_BUILD names no build with load_generator")
SIZE = 64  # of a message, unless the load generator is told otherwise


class Server:
    """Calls serve(connection, number) in a thread for each connection, numbered from 0 on. Ends
    with the `with` statement: what its threads wait for then ends too."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.connections = []
        self._accepted = threading.Condition()
        self.problems = []
        self.threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                arguments = (connection, len(self.connections))
                thread = threading.Thread(target=self._run, args=arguments)
                with self._accepted:
                    self.connections.append(connection)
                    self.threads.append(thread)
                    thread.start()
                    self._accepted.notify_all()

    def wait_for(self, count):
        """Returns when so many connections have been accepted."""
        with self._accepted:
            if not self._accepted.wait_for(lambda: len(self.connections) >= count, 10):
                raise AssertionError(f"{len(self.connections)} of {count} connections")

    def _run(self, connection, number):
        try:
            self._serve(connection, number)
        except OSError:
            pass  # the load resets its connections
        except Exception as problem:  # a thread has nobody else to tell
            self.problems.append(problem)
        finally:
            connection.close()

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads[1:]:
            thread.join()
        self._listener.close()
        if self.problems:
            raise self.problems[0]


def exactly(connection, count):
    """So many bytes; fewer when the stream ends."""
    return connection.recv(count, socket.MSG_WAITALL)


def echo(connection, _number):
    while part := connection.recv(65536):
        connection.sendall(part)


def command(*arguments):
    return [str(LOAD_GENERATOR), *map(str, arguments)]


def load(server, *arguments, status=0):
    """A run that ends by itself: the objects that it printed, and what it said on stderr."""
    port = getattr(server, "port", server)
    done = subprocess.run(command("--port", port, *arguments), capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode != status:
        raise AssertionError(f"status {done.returncode}: {done.stdout}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr
