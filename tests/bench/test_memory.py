import contextlib
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from comparison import memory
from comparison.process_tree import ProcessTree
from comparison.processes import Child

CORES = os.sched_getaffinity(0)
BENCH_SERVER = Path(os.environ.get("POLLUX_BUILD", "/nonexistent")) / "bench/bench_server"
# Another process holds them; the server has answered each.
HOLD = """
import socket, sys
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
for each in held:
    each.sendall(b"x")
assert all(each.recv(1) == b"x" for each in held)
print("open", flush=True)
input()
"""


@contextlib.contextmanager
def kernel_says(**files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with mock.patch.object(memory, "PROC", Path(folder)):
            yield


class Tree:
    def memory_kib(self):
        return 100


class Figures(unittest.TestCase):
    def test_the_kernel_is_what_it_says_of_objects_stacks_and_buffers(self):
        with kernel_says(meminfo="MemTotal: 9 kB\nSlab: 40 kB\nKernelStack: 8 kB\nHugePages: 0\n",
                         net__sockstat="sockets: used 16\nTCP: inuse 1 orphan 0 tw 0 mem 3\n"):
            now = memory.memory_now(Tree())
        self.assertEqual(now, memory.Memory(100 * 1024, 48 * 1024, 3 * memory.PAGE))

    def test_what_it_does_not_say_is_unknown(self):
        with kernel_says(meminfo="Slab: 40 kB\n"):
            now = memory.memory_now(Tree())
        self.assertEqual(now, memory.Memory(100 * 1024, None, None))
        self.assertEqual(now.since(memory.Memory(0, 0, 0), 1024),
                         {"user": 100, "kernel": None, "buffers": None})


class Samples(unittest.TestCase):
    @unittest.skipUnless(BENCH_SERVER.exists(), "POLLUX_BUILD names no build with bench_server")
    def test_connections_of_a_server(self):
        server = Child([str(BENCH_SERVER)], CORES)
        self.addCleanup(server.stop)
        port = server.read_line().rpartition(":")[2]

        def open_them():
            holder = Child([sys.executable, "-c", HOLD, port, "500"], CORES)
            self.addCleanup(holder.stop)
            holder.read_line()

        sample = memory.of_connections(ProcessTree(server.pid), 500, open_them)
        self.assertGreater(sample["user"], 100)  # a connection is 152 bytes
        self.assertLess(sample["user"], 20_000)  # but for what a sanitizer adds
        self.assertIsInstance(sample["kernel"], float)
        self.assertIsInstance(sample["buffers"], float)


if __name__ == "__main__":
    unittest.main()
