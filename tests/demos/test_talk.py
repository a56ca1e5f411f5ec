"""talk_server: the operator's terminal, and one client at a time."""

import os
import pty
import select
import socket
import subprocess
import unittest

from demo import PATIENCE, Modes, Server, parse, read_all, read_exactly, reset, wait_for

SYN_SENT = 2  # tcpi_state of TCP_INFO


def waiting_at(port):
    """How many clients are in the queue of a listener: what /proc/net/tcp calls its receive queue."""
    with open("/proc/net/tcp") as table:
        for _, local, _, state, queues, *_ in map(str.split, table):
            if state == "0A" and int(local.split(":")[1], 16) == port:
                return int(queues.split(":")[1], 16)
    return 0


def name_of(client):
    return "%s:%d" % client.getsockname()


class Talk(Modes):
    def serve(self, *options, stdin=subprocess.PIPE):
        server = Server("talk_server", *options, stdin=stdin)
        self.assertIn("backlog", server.process.stdout.readline())
        return server

    def heard(self, server, line):
        self.assertEqual(server.process.stdout.readline(), line + "\n")

    def say(self, server, text):
        server.process.stdin.write(text)
        server.process.stdin.flush()

    def test_one_after_the_other_line_by_line_both_ways(self):
        for mode in self.modes():
            with self.serve(*mode) as server, server.connect() as one, server.connect() as two:
                two.sendall(b"said in the queue\n")
                self.heard(server, f"{name_of(one)} is here")
                self.say(server, "你好\n\n\nagain\n")
                self.assertEqual(read_exactly(one, 13), "你好\nagain\n".encode())
                for byte in "在\x1b[2J\r\n第二\n".encode():
                    one.sendall(bytes([byte]))
                self.heard(server, f"{name_of(one)}: 在\\x1b[2J")
                self.heard(server, f"{name_of(one)}: 第二")
                self.say(server, "bye\nquit\nfor the next\n")
                self.assertEqual(read_all(one), b"bye\n")
                name = name_of(one)
                one.close()
                self.heard(server, f"{name} is gone (closed); waiting for the next")
                self.heard(server, f"{name_of(two)} is here")
                self.heard(server, f"{name_of(two)}: said in the queue")
                self.assertEqual(read_exactly(two, 13), b"for the next\n")

    def test_a_client_that_leaves_or_breaks_off_makes_room(self):
        for mode in self.modes():
            with self.serve(*mode) as server:
                for leave, why in ((reset, "Connection reset by peer"), (socket.socket.close, "closed")):
                    client = server.connect()
                    name = name_of(client)
                    self.heard(server, f"{name} is here")
                    client.sendall(b"hello\n")
                    self.heard(server, f"{name}: hello")
                    leave(client)
                    self.heard(server, f"{name} is gone ({why}); waiting for the next")
                with server.connect() as client:
                    self.heard(server, f"{name_of(client)} is here")

    def test_a_half_closed_client_and_its_unfinished_line(self):
        for mode in self.modes():
            with self.serve(*mode) as server, server.connect() as client:
                self.heard(server, f"{name_of(client)} is here")
                client.sendall(b"whole\nnot whole")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")
                self.heard(server, f"{name_of(client)}: whole")
                self.heard(server, f"{name_of(client)}: not whole")

    def test_text_without_an_end_of_line_is_shown_when_the_client_waits(self):
        with self.serve() as server, server.connect() as client:
            self.heard(server, f"{name_of(client)} is here")
            client.sendall("没有换行".encode())
            self.heard(server, f"{name_of(client)}: 没有换行")
            client.sendall(b"more\n")
            self.heard(server, f"{name_of(client)}: more")

    def test_a_line_over_the_limit(self):
        for mode in self.modes():
            with self.serve(*mode, "--stats") as server:
                with server.connect() as client:
                    self.heard(server, f"{name_of(client)} is here")
                    client.sendall(b"x" * 20_000)
                    self.assertEqual(read_all(client), b"")
                with server.connect() as client:
                    self.assertIn("is gone (closed)", server.process.stdout.readline())
                    self.heard(server, f"{name_of(client)} is here")
                self.assertEqual(parse(server.stop()[2])["rejected.long-line"], 1)

    def test_the_end_of_the_terminal(self):
        for mode in self.modes():
            with self.serve(*mode) as server:
                self.say(server, "only this")
                server.process.stdin.close()
                server.process.stdin = None
                for told in (b"only this\n", b""):
                    with server.connect() as client:
                        self.assertEqual(read_all(client), told)
                        self.heard(server, f"{name_of(client)} is here")
                        client.sendall(b"still heard\n")
                        self.heard(server, f"{name_of(client)}: still heard")
                        name = name_of(client)
                    self.heard(server, f"{name} is gone (closed); waiting for the next")
                self.assertEqual(server.stop()[0], 0)

    def test_backlog_is_a_queue_in_the_kernel_and_one_longer(self):
        for backlog in (0, 2):
            with self.serve("--backlog", str(backlog)) as server, server.connect() as talking:
                self.heard(server, f"{name_of(talking)} is here")
                queue = [server.connect() for _ in range(backlog + 1)]
                wait_for(lambda: waiting_at(server.port) == backlog + 1)
                late = socket.socket()
                late.setblocking(False)
                late.connect_ex(("127.0.0.1", server.port))
                # On loopback whoever is let in is so before connect returns.
                state = late.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                self.assertEqual(state, SYN_SENT)
                queue[0].sendall(b"waiting\n")
                self.say(server, "quit\n")
                self.assertEqual(read_all(talking), b"")
                name = name_of(talking)
                talking.close()
                self.heard(server, f"{name} is gone (closed); waiting for the next")
                self.heard(server, f"{name_of(queue[0])} is here")
                self.heard(server, f"{name_of(queue[0])}: waiting")
                # There is room now; the kernel tries again.
                self.assertEqual(select.select([], [late], [], PATIENCE)[1], [late])
                for client in (*queue, late):
                    client.close()

    def test_a_real_terminal(self):
        ours, theirs = pty.openpty()
        with self.serve(stdin=theirs) as server, server.connect() as client:
            os.close(theirs)
            self.heard(server, f"{name_of(client)} is here")
            os.write(ours, "打字\n".encode())
            self.assertEqual(read_exactly(client, 7), "打字\n".encode())
            os.write(ours, b"\x04")  # Ctrl-D
            self.assertEqual(read_all(client), b"")
        os.close(ours)

    def test_much_from_the_terminal_for_a_client_that_reads_late(self):
        with self.serve() as server, server.connect() as client:
            writer = subprocess.Popen(
                ["/usr/bin/python3", "-c",
                 "for number in range(10_000): print('%08d' % number + 'y' * 991)"],
                stdout=server.process.stdin)
            server.process.stdin.close()
            server.process.stdin = None
            client.sendall(b"hear me first\n")
            self.heard(server, f"{name_of(client)} is here")
            self.heard(server, f"{name_of(client)}: hear me first")
            expected = b"".join(b"%08d" % number + b"y" * 991 + b"\n" for number in range(10_000))
            self.assertTrue(read_all(client) == expected)
            self.assertEqual(writer.wait(PATIENCE), 0)

    def test_m7_m9_comers_and_goers_leave_nothing(self):
        for mode in self.modes():
            with self.serve(*mode, "--backlog", "1000", stdin=subprocess.DEVNULL) as server:
                before = server.descriptors()
                for _ in range(100):
                    reset(server.connect())
                for _ in range(100):
                    with server.connect() as client:
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(read_all(client), b"")
                self.assertLessEqual(server.descriptors(), before + 1)


if __name__ == "__main__":
    unittest.main()
