"""Allocations of memory, counted by memcheck. `instructions` forms differences of them."""

import re
import signal
import subprocess

from comparison.processes import Child

VALGRIND = ["valgrind", "--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"]
TOTAL = re.compile(r"total heap usage: ([\d,]+) allocs")
PATIENCE = 60.0  # seconds


def made(command, told=""):
    """How many a program makes from its start to its end; `told` is its standard input."""
    text = subprocess.run([*VALGRIND, *map(str, command)], check=True, capture_output=True,
                          text=True, timeout=120, input=told).stderr
    return _number(TOTAL.search(text))


def made_by_server(command, cores, visit):
    """The same of a server of ours, which `visit(port)` calls on and which is then told to end."""
    server = Child([*VALGRIND, *map(str, command), "--port", "0"], cores)
    try:
        port = int(server.read_line(seconds=PATIENCE).rpartition(":")[2])
        visit(port)
        server.send_signal(signal.SIGTERM)
        while not (found := TOTAL.search(server.read_line("stderr", PATIENCE))):
            pass
        return _number(found)
    finally:
        server.stop(seconds=PATIENCE)


def _number(match):
    return int(match[1].replace(",", ""))
