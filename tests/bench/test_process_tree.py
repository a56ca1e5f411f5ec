import os
import select
import socket
import sys
import unittest

from comparison.process_tree import ProcessTree, switches_between, waiting_in_listen_queue
from comparison.processes import Child

CORE = min(os.sched_getaffinity(0))
TWO_CHILDREN = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        time.sleep(60)
print("up", flush=True)
input()
"""
ANOTHER_THREAD = """
import threading
go = threading.Event()
threading.Thread(target=go.wait, daemon=True).start()
print("up", flush=True)
while input() == "read":
    print("read", flush=True)
"""
A_CHILD_THAT_WORKS_AND_ENDS = """
import os, time
input()
child = os.fork()
if child == 0:
    while time.process_time() < 0.1: pass
    os._exit(0)
os.waitpid(child, 0)
print("ended", flush=True)
input()
"""
MEMORY = """
print("up", flush=True)
input()
kept = b"1" * 8_000_000
print("taken", flush=True)
input()
"""


class Trees(unittest.TestCase):
    def started(self, program):
        child = Child([sys.executable, "-c", program], CORE)
        self.addCleanup(child.stop)
        return child, ProcessTree(child.pid)

    def test_children_belong_to_it_and_end_with_it(self):
        child, tree = self.started(TWO_CHILDREN)
        ended = select.poll()
        child.read_line()
        self.assertEqual(len(tree.processes()), 3)
        self.assertIn(child.pid, tree.processes())
        for pid in tree.processes():
            descriptor = os.pidfd_open(pid)
            self.addCleanup(os.close, descriptor)
            ended.register(descriptor, select.POLLIN)
        child.stop()
        for _ in range(3):
            (descriptor, _), *_ = ended.poll(10_000)
            ended.unregister(descriptor)

    def test_switches_are_those_of_all_threads(self):
        child, tree = self.started(ANOTHER_THREAD)
        child.read_line()
        before = tree.switches()
        self.assertEqual(len(before), 2)
        for _ in range(5):
            child.write_line("read")
            child.read_line()
            child.settle()
        voluntary, _ = switches_between(before, tree.switches())
        self.assertGreaterEqual(voluntary, 5)

    def test_a_child_that_has_ended_counts(self):
        child, tree = self.started(A_CHILD_THAT_WORKS_AND_ENDS)
        child.settle()
        before = tree.cpu_ns()
        child.write_line()
        child.read_line()
        self.assertGreater(tree.cpu_ns() - before, 60_000_000)

    def test_memory_grows_by_what_is_taken(self):
        child, tree = self.started(MEMORY)
        child.read_line()
        before = tree.memory_kib()
        child.write_line()
        child.read_line()
        self.assertGreater(tree.memory_kib() - before, 7000)

    def test_who_else_runs_the_program_changes_nothing(self):
        child, tree = self.started("print('up', flush=True); input()")
        child.read_line()
        alone = tree.memory_kib()
        others = [self.started("print('up', flush=True); input()")[0] for _ in range(3)]
        for other in others:
            other.read_line()
        self.assertEqual(tree.memory_kib(), alone)

    def test_what_has_ended_costs_nothing(self):
        child, tree = self.started("")
        child.stop()
        self.assertEqual((tree.cpu_ns(), tree.switches(), tree.memory_kib()), (0, {}, 0))


class Differences(unittest.TestCase):
    def test_threads_that_began_in_between_count_whole(self):
        before, after = {(1, 1): (10, 2)}, {(1, 1): (15, 2), (1, 2): (3, 1)}
        self.assertEqual(switches_between(before, after), (8, 1))

    def test_with_a_thread_that_has_ended_nothing_is_claimed(self):
        self.assertIsNone(switches_between({(1, 1): (1, 1), (1, 2): (1, 1)}, {(1, 1): (2, 2)}))


class ListenQueues(unittest.TestCase):
    def test_those_not_yet_accepted_are_counted(self):
        with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
            address = listener.getsockname()
            for _ in range(3):
                self.addCleanup(socket.create_connection(address).close)
            accepted = [listener.accept()[0] for _ in range(2)]
            self.assertEqual(waiting_in_listen_queue(address[1]), 1)
            for each in accepted:
                each.close()
        self.assertIsNone(waiting_in_listen_queue(address[1]))


if __name__ == "__main__":
    unittest.main()
