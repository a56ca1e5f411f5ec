"""chat_server and chat_client."""

import re
import signal
import socket
import subprocess
import unittest

from demo import PATIENCE, Modes, Server, closed_port, parse, path, read_all, read_exactly, reset

STAMP = r"\d{4} \d\d:\d\d:\d\d From (\S+)\. msg="


def name_of(client):
    return "%s:%d" % client.getsockname()


def chat(*options, **streams):
    return Server("chat_server", *options, **{"stdin": subprocess.DEVNULL, **streams})


class Chat(Modes):
    def join(self, server, count):
        """Members that are surely in: what each says on coming has come to those before it."""
        members = []
        for _ in range(count):
            newcomer = server.connect()
            if members:
                newcomer.sendall(b".")
            for member in members:
                self.assertEqual(member.recv(1), b".")
            members.append(newcomer)
        return members

    def leave(self, members):
        for member in members:
            member.close()

    def test_raw_goes_to_the_others_as_it_is(self):
        text = "大家好\x1b[31m\0\r\n".encode() + bytes(range(256))
        for mode in self.modes():
            with chat(*mode) as server:
                one, two, three = members = self.join(server, 3)
                one.sendall(text)
                for other in (two, three):
                    self.assertEqual(read_exactly(other, len(text)), text)
                for byte in "cut 字".encode():
                    two.sendall(bytes([byte]))
                    self.assertEqual(one.recv(10), bytes([byte]))
                three.sendall(b"last words")
                three.shutdown(socket.SHUT_WR)
                self.assertEqual(read_exactly(one, 10), b"last words")
                self.assertEqual(read_all(three), "cut 字".encode())  # its own words are not there
                self.leave(members)

    def test_stamped_goes_to_all(self):
        for mode in self.modes():
            with chat(*mode, "--format", "stamped") as server:
                members = []
                for _ in range(2):
                    newcomer = server.connect()
                    members.append(newcomer)
                    newcomer.sendall("嗨".encode())
                    for member in members:
                        message = member.recv(1000).decode()
                        match = re.fullmatch(STAMP + "嗨", message)
                        self.assertTrue(match, message)
                        self.assertEqual(match[1], name_of(newcomer))
                newcomer.sendall(b"with\nlines\n")
                for member in members:
                    self.assertRegex(member.recv(1000).decode(), "^" + STAMP + "with\nlines\n$")
                self.leave(members)

    def test_m4_a_slow_member_is_dropped_and_delays_nobody(self):
        for mode in self.modes():
            with chat(*mode, "--stats", "--member-limit", "64KiB") as server:
                slow, talker, listener = members = self.join(server, 3)
                said = b"x" * 50_000
                # Each message is heard before the next is said, while the slow one reads nothing.
                for _ in range(400):
                    talker.sendall(said)
                    self.assertEqual(read_exactly(listener, len(said)), said)
                self.assertEqual(server.process.stdout.readline(),
                                 f"dropped {name_of(slow)}: reads too slowly\n")
                status, out, err = server.stop()
                self.assertEqual((status, out), (0, ""))
                stats = parse(err)
                self.assertEqual(stats["closed.output_limit"], 1)
                self.leave(members)

    def test_m4_members_that_leave_while_messages_go_round(self):
        for mode in self.modes():
            with chat(*mode) as server:
                one, two = members = self.join(server, 2)
                for turn in range(15):
                    leaving = [server.connect() for _ in range(3)]
                    one.sendall(b"%02d" % turn)
                    for member in leaving[:2]:
                        reset(member)
                    leaving[2].close()
                    self.assertEqual(read_exactly(two, 2), b"%02d" % turn)
                self.leave(members)

    def test_quit_on_the_terminal_closes_all(self):
        for mode in self.modes():
            with chat(*mode, stdin=subprocess.PIPE) as server:
                members = self.join(server, 3)
                server.process.stdin.write("something else\nquit\n")
                server.process.stdin.flush()
                for member in members:
                    self.assertEqual(read_all(member), b"")
                self.leave(members)
                self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_the_end_of_the_terminal_does_not_stop_it(self):
        with chat(stdin=subprocess.PIPE) as server:
            members = self.join(server, 2)
            server.process.stdin.close()
            server.process.stdin = None
            members[0].sendall(b"still there")
            self.assertEqual(read_exactly(members[1], 11), b"still there")
            self.leave(members)
            self.assertEqual(server.stop()[0], 0)

    def test_m7_m9_comers_and_goers_leave_nothing(self):
        for mode in self.modes():
            with chat(*mode, "--stats") as server:
                members = self.join(server, 2)
                before = server.descriptors()
                for _ in range(200):
                    reset(server.connect())
                for _ in range(200):
                    with server.connect() as client:
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(read_all(client), b"")
                members[0].sendall(b"!")
                self.assertEqual(members[1].recv(10), b"!")
                self.assertLessEqual(server.descriptors(), before + 1)
                self.leave(members)

    def test_no_such_format(self):
        done = subprocess.run([path("chat_server"), "--format", "loud"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assert_one_line(done.stderr, "loud", "raw", "stamped")


class Client(Modes):
    def start(self, *options):
        return subprocess.Popen([path("chat_client"), *options], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def with_server(self, *options):
        """A client, and its connection at a server made of Python's socket."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            process = self.start(*options, "--port", str(listener.getsockname()[1]))
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE)
            return process, connection

    def finish(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def test_both_ways_until_it_leaves(self):
        for mode in self.modes():
            for word in (b"exit\n", b"quit\n"):
                process, server = self.with_server(*mode)
                process.stdin.write("你好\n".encode())
                process.stdin.flush()
                self.assertEqual(read_exactly(server, 7), "你好\n".encode())
                server.sendall("你也好\n".encode())
                self.assertEqual(process.stdout.readline(), "你也好\n".encode())
                process.stdin.write(b"last\n" + word + b"unsaid\n")
                process.stdin.flush()
                self.assertEqual(read_all(server), b"last\n")
                server.close()
                self.assertEqual(self.finish(process), (0, b"", b""))

    def test_m4_bug_f10_what_arrives_is_harmless_however_it_is_cut(self):
        process, server = self.with_server()
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            expected = "一 \\x1b[2J\\x07\\x0d\n\t🙂\\xc2\\x85 \\xff\\xe4x\n".encode()
            for byte in "一 \x1b[2J\x07\r\n\t🙂\x85 ".encode() + b"\xff\xe4x\n":
                server.sendall(bytes([byte]))
            got = process.stdout.readline() + process.stdout.readline()
            self.assertEqual(got, expected)
            server.sendall("半".encode()[:2])
        self.assertEqual(self.finish(process), (0, b"\\xe5\\x8d", b""))

    def test_the_end_of_its_input_ends_its_side_only(self):
        for mode in self.modes():
            process, server = self.with_server(*mode)
            with server:
                process.stdin.close()
                process.stdin = None
                self.assertEqual(read_all(server), b"")
                server.sendall(b"later\n")
            self.assertEqual(self.finish(process), (0, b"later\n", b""))

    def test_much_input_and_a_server_that_reads_late(self):
        for mode in self.modes():
            process, server = self.with_server(*mode)
            line = b"y" * 9_999 + b"\n"
            # More than any buffer on the way: it is still on its way when the server writes.
            writer = subprocess.Popen(
                ["/usr/bin/python3", "-c",
                 f"import sys\nfor _ in range(3000): sys.stdout.write('y' * 9999 + '\\n')"],
                stdout=process.stdin)
            process.stdin.close()
            process.stdin = None
            server.sendall(b"hear me first\n")
            self.assertEqual(process.stdout.readline(), b"hear me first\n")
            for _ in range(3000):
                self.assertEqual(read_exactly(server, len(line)), line)
            self.assertEqual(read_all(server), b"")
            server.close()
            writer.wait(PATIENCE)
            self.assertEqual(self.finish(process), (0, b"", b""))

    def test_a_server_that_is_not_there_or_breaks_off(self):
        with closed_port() as port:
            status, out, err = self.finish(self.start("--port", str(port)))
        self.assertEqual((status, out), (1, b""))
        self.assert_one_line(err.decode(), "chat_client: ", str(port), "refused")
        process, server = self.with_server()
        reset(server)
        status, out, err = self.finish(process)
        self.assertEqual((status, out), (1, b""))
        self.assert_one_line(err.decode(), "reset")

    def test_two_of_them_over_the_server(self):
        with chat("--format", "stamped") as server:
            members = []
            for _ in range(2):
                speaker = self.start("--port", str(server.port))
                members.append(speaker)
                speaker.stdin.write("在吗\n".encode())
                speaker.stdin.flush()
                for member in members:
                    self.assertRegex(member.stdout.readline().decode(), STAMP + "在吗\n$")
            server.process.send_signal(signal.SIGTERM)
            for member in members:
                self.assertEqual(self.finish(member), (0, b"", b""))


if __name__ == "__main__":
    unittest.main()
