"""transfer_server and transfer_client, as the other side sees them: Python's socket and struct."""

import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from demo import PATIENCE, Modes, closed_port, drip, parse, path, read_all, read_exactly, reset, run, wait_for
from inbox import BAD_NAMES, GOOD_NAMES, Inbox, cut, faulty, read_terminal, send_to_the_end


def frame(message):
    return struct.pack("<i", len(message)) + message


def message(text):
    return frame(json.dumps({"msg_type": "msg"}).encode()) + frame(text.encode())


def header(name):
    return frame(json.dumps({"msg_type": "file", "file_name": name}).encode())


def file(name, content):
    return header(name) + frame(content)


CLOSE = frame(b"close")


class Takes(Modes):
    def test_a_dialogue(self):
        large = random.Random(1).randbytes(3_000_001)
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server, server.connect() as client:
                dialogue = (message("你好") + file("large.bin", large) + message("") +
                            file("empty", b"") + file("small", b"x") + message("two\nlines\x1b[2J") +
                            CLOSE)
                self.assertEqual(send_to_the_end(client, dialogue), b"")
                self.assertEqual(server.names(), ["empty", "large.bin", "small"])
                self.assertEqual(server.file("large.bin"), large)
                self.assertEqual((server.file("empty"), server.file("small")), (b"", b"x"))
                client.close()
                wait_for(lambda: server.stats()["open"] == 0)
                status, out, err = server.stop()
                self.assertEqual((status, out), (0, "你好\n\ntwo\\x0alines\\x1b[2J\n"))
                stats = parse(err)
                self.assertEqual((stats["files"], stats["messages"], stats["closed.closed"]),
                                 (3, 3, 1))

    def test_however_it_is_cut(self):
        chance = random.Random(2)
        dialogue = (message("text") + file("a", b"close" * 10) + file("b", b"") +
                    file("c", chance.randbytes(300)) + message("end") + CLOSE)
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server:
                for longest in (1, 30):
                    with server.connect() as client:
                        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        for piece in cut(dialogue, chance, longest):
                            client.sendall(piece)
                        self.assertEqual(read_all(client), b"")
                    self.assertEqual(server.names(), ["a", "b", "c"])
                    self.assertEqual(server.file("a"), b"close" * 10)
                    for name in server.names():
                        os.unlink(os.path.join(server.path, name))
                self.assertEqual(server.stop()[1], "text\nend\n" * 2)

    def test_half_close_is_an_end_too(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server, server.connect() as client:
                client.sendall(file("a", b"1"))
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")
                self.assertEqual(server.file("a"), b"1")
                self.assertEqual(server.stats()["files"], 1)

    def test_names_that_are_only_names(self):
        with Inbox("transfer_server") as server, server.connect() as client:
            send_to_the_end(client, b"".join(file(name, name.encode()) for name in GOOD_NAMES) +
                            CLOSE)
            self.assertEqual(server.names(), sorted(GOOD_NAMES))
            for name in GOOD_NAMES:
                self.assertEqual(server.file(name), name.encode())


class Refuses(Modes):
    def test_m2_bug_f8_bad_input(self):
        bad = {
            "bad-length": [struct.pack("<i", -1), struct.pack("<i", 4097),
                           struct.pack("<I", 0x80000000), b"\xff\xff\xff\xff",
                           struct.pack("<i", 2**31 - 1),
                           frame(b'{"msg_type":"msg"}') + struct.pack("<i", 2**20 + 1),
                           header("x") + struct.pack("<i", -1),
                           header("x") + struct.pack("<i", -2**31)],
            "bad-json": [frame(b""), frame(b"{"), frame(b"closed"), frame(b"\0" * 4096),
                         frame(b'{"msg_type":"msg"}\0'),
                         frame(b"[" * 4096), frame(b'{"msg_type":"\xff"}')],
            "bad-header": [frame(b"[]"), frame(b"1"), frame(b"null"), frame(b'"close"'),
                           frame(b"{}"), frame(b'{"msg_type":1}'), frame(b'{"msg_type":"FILE"}'),
                           frame(b'{"msg_type":"file"}'),
                           frame(b'{"msg_type":"file","file_name":1}')],
            "bad-name": [file(name, b"x") for name in (*BAD_NAMES, "")],
            "over-quota": [header("x") + struct.pack("<i", 1001),
                           header("x") + struct.pack("<i", 2**31 - 1)],
            "unfinished": [b"\1", b"\1\0\0\0", frame(b"close")[:-1], frame(b'{"msg_type":"msg"}'),
                           header("x"), header("x") + b"\0\0", header("x") + frame(b"abc")[:-1]],
        }
        for mode in self.modes():
            with Inbox("transfer_server", *mode, "--quota", "1000") as server, \
                    server.connect() as steady:
                steady.sendall(header("steady"))
                for inputs in bad.values():
                    for data in inputs:
                        with server.connect() as client:
                            client.sendall(data)
                            client.shutdown(socket.SHUT_WR)
                            self.assertEqual(read_all(client), b"", data)
                steady.sendall(frame(b"1") + CLOSE)
                self.assertEqual(read_all(steady), b"")
                self.assertEqual(server.names(), ["steady"])
                self.assertEqual(os.listdir(os.path.dirname(server.path)).count("x"), 0)
                stats = server.stats()
                for reason, inputs in bad.items():
                    self.assertEqual(stats[f"rejected.{reason}"], len(inputs), reason)

    def test_garbage(self):
        chance = random.Random(3)
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server:
                for _ in range(50):
                    with server.connect() as client:
                        client.sendall(chance.randbytes(chance.randint(1, 3000)))
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(read_all(client), b"")
                self.assertEqual(server.names(), [])
                self.assertEqual(server.stop()[0], 0)

    def test_m2_bug_f8_nothing_is_replaced_and_no_link_followed(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server, \
                    tempfile.TemporaryDirectory() as outside:
                def inside(name):
                    return os.path.join(server.path, name)
                with open(inside("old"), "w") as old:
                    old.write("old")
                os.symlink(os.path.join(outside, "new"), inside("dangling"))
                os.symlink(inside("old"), inside("link"))
                os.symlink(outside, inside("elsewhere"))
                os.mkdir(inside("folder"))
                before = server.names()
                for name in before:
                    with server.connect() as client:
                        self.assertEqual(send_to_the_end(client, file(name, b"mine") + CLOSE), b"")
                self.assertEqual(server.names(), before)
                self.assertEqual(server.file("old"), b"old")
                self.assertEqual(os.listdir(outside), [])
                self.assertEqual(server.stats()["rejected.name-taken"], len(before))

    def test_m2_of_two_uploads_of_one_name_the_first_to_finish_wins(self):
        content = [bytes([number]) * 1_000_000 for number in range(2)]
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server, \
                    server.connect() as one, server.connect() as two:
                for client, data in ((one, content[0]), (two, content[1])):
                    client.sendall(file("same", data)[:-1])
                # Both have begun: each has a file of its own.
                wait_for(lambda: len(server.open_files()) == 2)
                two.sendall(content[1][-1:] + CLOSE)
                self.assertEqual(read_all(two), b"")
                one.sendall(content[0][-1:])
                self.assertEqual(read_all(one), b"")
                self.assertEqual(server.names(), ["same"])
                self.assertEqual(server.file("same"), content[1])
                self.assertEqual(server.stats()["rejected.name-taken"], 1)

    def test_m2_all_files_together(self):
        with Inbox("transfer_server", "--total", "1000") as server:
            with server.connect() as client:
                send_to_the_end(client, file("a", bytes(600)) + file("b", bytes(401)))
            with server.connect() as client:
                client.sendall(header("c") + struct.pack("<i", 400))  # spoken for
                wait_for(lambda: server.stats()["received"] > 700)
                with server.connect() as another:
                    send_to_the_end(another, file("d", b"x"))
                reset(client)
            wait_for(lambda: server.stats()["open"] == 0)
            with server.connect() as client:
                send_to_the_end(client, file("e", bytes(400)) + CLOSE)
            self.assertEqual(server.names(), ["a", "e"])
            self.assertEqual(server.stats()["rejected.over-quota"], 2)


class LeavesNothing(Modes):
    def begin(self, server, size=2_000_000):
        """An upload that is on the disk in part."""
        client = server.connect()
        client.sendall(file("half", bytes(size))[:-1])
        wait_for(server.open_files)
        return client

    def test_m2_a_reset_midway(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server:
                before = server.descriptors()
                for _ in range(5):
                    reset(self.begin(server))
                wait_for(lambda: not server.open_files())
                self.assertEqual(server.names(), [])
                wait_for(lambda: server.descriptors() <= before)

    def test_m8_slow_ones_are_cut_and_hinder_nobody(self):
        length = struct.pack("<i", 1000)
        starts = (length, header("slow") + length, frame(b'{"msg_type":"msg"}') + length)
        for mode in self.modes():
            with Inbox("transfer_server", *mode, "--timeout", "300ms") as server, \
                    server.connect() as patient:
                patient.sendall(message("first"))
                slow = [server.connect() for _ in range(200)]
                for number, client in enumerate(slow):
                    client.sendall(starts[number % len(starts)])
                drip(slow, server.stats)
                patient.sendall(message("second") + file("kept", b"x") + CLOSE)
                self.assertEqual(read_all(patient), b"")  # between messages it may take its time
                for client in slow:
                    client.close()
                self.assertEqual(server.names(), ["kept"])
                self.assertEqual(server.stats()["closed.deadline"], 200)

    def test_m2_an_end_midway(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server, self.begin(server) as client:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")
                wait_for(lambda: not server.open_files())
                self.assertEqual(server.names(), [])
                self.assertEqual(server.stats()["rejected.unfinished"], 1)

    def test_m2_signals_midway(self):
        for mode in self.modes():
            for signum in (signal.SIGTERM, signal.SIGKILL):
                with Inbox("transfer_server", *mode) as server, self.begin(server) as client:
                    server.process.send_signal(signum)
                    try:
                        read_all(client)
                    except ConnectionResetError:
                        pass
                    client.close()
                    self.assertEqual(server.process.wait(20),
                                     0 if signum == signal.SIGTERM else -signum)
                    self.assertEqual(server.names(), [])


class Disk(Modes):
    def full(self, server):
        content = bytes(3_000_000)
        for name in ("a", "b"):
            with server.connect() as client:
                self.assertEqual(send_to_the_end(client, file(name, content) + CLOSE), b"")
        with server.connect() as client:
            self.assertEqual(send_to_the_end(client, file("little", b"1") + CLOSE), b"")
        self.assertEqual(server.names(), ["little"])
        self.assertEqual(server.stats()["rejected.disk-full"], 2)
        self.assertEqual(server.stop()[0], 0)

    def test_m2_a_limit_of_file_size(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server:
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
                self.full(server)

    def test_m2_a_small_file_system(self):
        with tempfile.TemporaryDirectory() as where:
            if os.geteuid() != 0 or subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", where],
                    stderr=subprocess.DEVNULL).returncode != 0:
                self.skipTest("only root may mount")
            try:
                for mode in self.modes():
                    with Inbox("transfer_server", *mode, where=where) as server:
                        self.full(server)
            finally:
                subprocess.run(["umount", "--lazy", where], check=True)

    def with_fault(self, call, error, *options):
        server = Inbox("transfer_server", *options)
        tracer = faulty(server, call, error)
        if tracer is None:
            server.__exit__()
            self.skipTest("strace may not trace here")
        self.addCleanup(server.__exit__)

        def untrace():
            if tracer.poll() is None:
                tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
        self.addCleanup(untrace)
        return server

    def test_m2_an_error_of_the_disk(self):
        for call in ("pwrite64", "fsync", "linkat", "close"):
            server = self.with_fault(call, "EIO", "--fsync")
            # Little enough for one read. Traced, each call takes its time: what were still unread
            # when the server has waited long enough for the client's end would make that a reset.
            with server.connect() as client:
                self.assertEqual(send_to_the_end(client, file("a", bytes(3_000)) + CLOSE), b"")
            self.assertEqual(server.names(), [], call)
            self.doCleanups()

    def test_where_a_file_needs_a_name(self):
        server = self.with_fault("openat", "EOPNOTSUPP")
        with server.connect() as client:
            client.sendall(file("a", bytes(300_000))[:-1])
            wait_for(server.names)
            self.assertRegex(server.names()[0], r"^\.upload-\d+$")
            client.sendall(b"!" + CLOSE)
            self.assertEqual(read_all(client), b"")
        self.assertEqual(server.names(), ["a"])
        self.assertEqual(server.file("a"), bytes(299_999) + b"!")


class Tutorial(threading.Thread):
    """The other side as the tutorial writes it: blocking calls, one client."""

    def __init__(self, dialogue):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.dialogue = dialogue
        self.got = []
        self.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as client:
            client.settimeout(PATIENCE)
            self.dialogue(self, client)

    def take(self, client):
        """One frame, and what it announces."""
        def frame():
            return read_exactly(client, struct.unpack("<i", read_exactly(client, 4))[0])
        head = frame()
        if head == b"close":
            self.got.append("close")
            return False
        head = json.loads(head)
        self.got.append((head, frame()))
        return True


def take_all(server, client):
    while server.take(client):
        pass


class Client(Modes):
    def say(self, port, *lines, mode=()):
        """Runs the client on these lines; returns status, standard output and standard error."""
        return run("transfer_client", "--port", str(port), *mode,
                   input="".join(line + "\n" for line in lines))

    def test_to_our_server(self):
        content = random.Random(5).randbytes(20_000_000)
        with tempfile.TemporaryDirectory() as directory:
            def inside(name, data):
                with open(os.path.join(directory, name), "wb") as new:
                    new.write(data)
                return os.path.join(directory, name)
            large, empty, spaced = (inside("large", content), inside("empty", b""),
                                    inside("ein Brief.txt", b"text"))
            for mode in self.modes():
                with Inbox("transfer_server", *mode) as server:
                    self.assertEqual(self.say(server.port, "msg|你好", f"file|{large}",
                                              f"file|{empty}", f"file|{spaced}", "", "msg|", "q",
                                              "msg|too late", mode=mode), (0, "", ""))
                    self.assertEqual(server.names(), ["ein Brief.txt", "empty", "large"])
                    self.assertEqual(server.file("large"), content)
                    self.assertEqual(server.stop()[1], "你好\n\n")

    def test_to_the_tutorials_server(self):
        with tempfile.NamedTemporaryFile() as new:
            new.write(bytes(100_000) + b"!")
            new.flush()
            for mode in self.modes():
                server = Tutorial(take_all)
                self.assertEqual(self.say(server.port, "msg|a|b", f"file|{new.name}", "q",
                                          mode=mode), (0, "", ""))
                server.join()
                name = os.path.basename(new.name)
                self.assertEqual(server.got, [
                    ({"msg_type": "msg"}, b"a|b"),
                    ({"msg_type": "file", "file_name": name}, bytes(100_000) + b"!"), "close"])

    def test_the_end_of_input_is_an_end(self):
        for mode in self.modes():
            with Inbox("transfer_server", *mode) as server:
                self.assertEqual(self.say(server.port, "msg|last", mode=mode), (0, "", ""))
                self.assertEqual(self.say(server.port, mode=mode), (0, "", ""))
                self.assertEqual(server.stop()[1], "last\n")

    def test_lines_that_cannot_be_obeyed(self):
        with Inbox("transfer_server") as server:
            for line, part in (("file|/nonexistent", "No such file"), ("file|/tmp", "no regular"),
                               ("file|/dev/zero", "no regular"), ("hello", "msg|TEXT"),
                               ("file|", "No such file")):
                status, out, err = self.say(server.port, line, "msg|goes on", "q")
                self.assertEqual((status, out), (1, ""))
                self.assert_one_line(err, "transfer_client: ", part)
            with tempfile.NamedTemporaryFile() as large:
                os.truncate(large.name, 2**31)
                status, _, err = self.say(server.port, f"file|{large.name}", "q")
                self.assertEqual(status, 1)
                self.assert_one_line(err, "2^31-1")
            self.assertEqual(server.stop()[1], "goes on\n" * 5)

    def test_a_server_that_ends_early(self):
        def once(server, client):
            server.take(client)
        with tempfile.NamedTemporaryFile() as large:
            os.truncate(large.name, 2**31 - 1)
            for mode in self.modes():
                server = Tutorial(once)
                process = subprocess.Popen([path("transfer_client"), "--port", str(server.port),
                                            *mode], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
                process.stdin.write("msg|x\n")
                process.stdin.flush()
                self.assertEqual(process.wait(PATIENCE), 1)
                self.assert_one_line(process.stderr.read(), "ended")
                server.join()
                process.stdin.close()
                process.stderr.close()
                with Inbox("transfer_server", *mode, "--quota", "1000") as server:
                    status, _, err = self.say(server.port, f"file|{large.name}", "q", mode=mode)
                    self.assertEqual(status, 1)
                    self.assert_one_line(err, "transfer_client: ")

    def test_nobody_there(self):
        with closed_port() as port:
            status, out, err = self.say(port, "msg|x")
        self.assertEqual((status, out), (1, ""))
        self.assert_one_line(err, "transfer_client: ", str(port), "refused")

    def test_progress_on_a_terminal_only(self):
        with tempfile.NamedTemporaryFile() as new, Inbox("transfer_server") as server:
            os.truncate(new.name, 500_000_000)
            ours, theirs = os.openpty()
            process = subprocess.Popen([path("transfer_client"), "--port", str(server.port)],
                                       stdin=subprocess.PIPE, stderr=theirs)
            os.close(theirs)
            process.stdin.write(f"file|{new.name}\nq\n".encode())
            process.stdin.close()
            seen = read_terminal(ours)
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertIn(b"] 100%", seen)
            self.assertTrue(seen.endswith(b"\r\n"), seen)


if __name__ == "__main__":
    unittest.main()
