"""upload_server and upload_client, as the other side sees them: Python's socket, the naive way."""

import os
import random
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from demo import PATIENCE, Modes, closed_port, drip, path, read_all, reset, run, wait_for
from inbox import BAD_NAMES, GOOD_NAMES, Inbox, cut, read_terminal, send_to_the_end


class Takes(Modes):
    def upload(self, server, *sends):
        """Each is sent when the one before has been read."""
        with server.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            before = server.stats()["received"]
            for number, data in enumerate(sends):
                client.sendall(data)
                before += len(data)
                if number + 1 < len(sends):
                    wait_for(lambda: server.stats()["received"] == before)
            self.assertEqual(read_all(client), b"")

    def test_header_and_content_apart(self):
        large = random.Random(1).randbytes(3_000_001)
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server:
                self.upload(server, b"notes.txt-5", b"12345")
                self.upload(server, f"large.bin-{len(large)}".encode(), large)
                self.upload(server, b"empty-0")
                self.upload(server, b"a-2024-01-06.txt-5", b"-9-9-")
                self.upload(server, "文件-3".encode(), b"\0\xff\0")
                self.assertEqual(server.names(),
                                 sorted(["notes.txt", "large.bin", "empty", "a-2024-01-06.txt",
                                         "文件"]))
                self.assertEqual(server.file("notes.txt"), b"12345")
                self.assertEqual(server.file("large.bin"), large)
                self.assertEqual(server.file("empty"), b"")
                self.assertEqual(server.file("a-2024-01-06.txt"), b"-9-9-")
                self.assertEqual(server.file("文件"), b"\0\xff\0")
                self.assertEqual(server.stats()["files"], 5)

    def test_header_and_content_in_one_read(self):
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server:
                whole = {"a": b"hello", "a-1-b.txt": b"hello", "c": b"from 1-5 and 7-9 on",
                         "d": bytes(20_000), "e-7.bin": random.Random(2).randbytes(20_000),
                         "f": b"too long"}
                for name, content in whole.items():
                    size = 3 if name == "f" else len(content)
                    self.upload(server, f"{name}-{size}".encode() + content)
                    self.assertEqual(server.file(name), content[:size])
                # The header and a part of the content: the first that can be it wins.
                self.upload(server, b"g-30" + b"part 1-2.", b"3-4".ljust(21, b"."))
                self.assertEqual(server.file("g"), b"part 1-2.3-4".ljust(30, b"."))

    def test_where_the_protocol_is_broken(self):
        """Sticky packets: nobody can tell what was meant. It is as the program's head says."""
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server:
                self.upload(server, b"a-1" + b"2", b"twelve bytes")
                self.assertEqual(server.file("a"), b"twelve bytes")
                self.upload(server, b"b-1", b"2" + b"twelve bytes")
                self.assertEqual(server.file("b"), b"2")
                self.upload(server, b"v-2.txt-5", b"12345")
                self.assertEqual(server.file("v-2.txt"), b"12345")
                self.upload(server, b"he", b"ader-3abc")
                self.assertEqual(server.names(), ["a", "b", "v-2.txt"])
                self.assertEqual(server.stats()["rejected.bad-header"], 1)

    def test_m2_cut_finely_it_never_hangs(self):
        chance = random.Random(3)
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server:
                for _ in range(10):
                    with server.connect() as client:
                        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        try:
                            for piece in cut(b"name-20" + b"x" * 20, chance, 3):
                                client.sendall(piece)
                            client.shutdown(socket.SHUT_WR)
                            self.assertEqual(read_all(client), b"")
                        except (BrokenPipeError, ConnectionResetError):
                            pass
                for name in server.names():
                    self.assertRegex(name, "^n?a?m?e?$")
                self.assertEqual(server.stop()[0], 0)

    def test_names_that_are_only_names(self):
        with Inbox("upload_server") as server:
            for name in GOOD_NAMES:
                self.upload(server, f"{name}-3".encode() + b"abc")
            self.assertEqual(server.names(), sorted(GOOD_NAMES))


class Refuses(Modes):
    def test_m2_bug_f8_bad_input(self):
        bad = {
            "bad-header": [b"x", b"-", b"name", b"name-", b"name-abc", b"name-+5", b"name- 5",
                           b"\0" * 60_000, b"x" * 400 + b"-5", "name-٣".encode()],
            "bad-size": [b"name--5", b"name-99999999999999999999", b"name-" + b"9" * 50_000],
            "bad-name": [f"{name}-1".encode() + b"x" for name in (*BAD_NAMES, "")] +
                        [b"\xff-1x"],
            "over-quota": [b"name-1001", b"name-5368709120", b"name-18446744073709551615"],
            "unfinished": [b"name-5abcd", b"name-1"],
        }
        for mode in self.modes():
            with Inbox("upload_server", *mode, "--quota", "1000") as server:
                for inputs in bad.values():
                    for data in inputs:
                        with server.connect() as client:
                            client.sendall(data)
                            client.shutdown(socket.SHUT_WR)
                            self.assertEqual(read_all(client), b"", data)
                self.assertEqual(server.names(), [])
                stats = server.stats()
                for reason, inputs in bad.items():
                    self.assertEqual(stats[f"rejected.{reason}"], len(inputs), reason)

    def test_m8_slow_ones_are_cut_and_hinder_nobody(self):
        for mode in self.modes():
            with Inbox("upload_server", *mode, "--timeout", "300ms") as server:
                slow = [server.connect() for _ in range(200)]
                for client in slow[100:]:  # the others do not even begin
                    client.sendall(b"slow-1000")
                drip(slow[100:], server.stats)
                for client in slow[:100]:
                    self.assertEqual(client.recv(1), b"")
                for client in slow:
                    client.close()
                with server.paused():
                    client = server.connect()
                    client.sendall(b"kept-1x")
                with client:
                    self.assertEqual(read_all(client), b"")
                self.assertEqual(server.names(), ["kept"])
                self.assertEqual(server.stats()["closed.deadline"], 200)

    def test_silence(self):
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server, server.connect() as client:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), b"")
                self.assertEqual(server.stats()["rejected.unfinished"], 1)

    def test_m2_garbage_and_resets(self):
        chance = random.Random(4)
        for mode in self.modes():
            with Inbox("upload_server", *mode, "--quota", "10000000") as server:
                for number in range(40):
                    client = server.connect()
                    client.sendall(b"half-9000000" if number % 4 == 0 else b"")
                    try:
                        client.sendall(chance.randbytes(chance.randint(1, 3000)))
                    except (BrokenPipeError, ConnectionResetError):
                        pass
                    reset(client)
                wait_for(lambda: server.stats()["open"] == 0)
                wait_for(lambda: not server.open_files())
                self.assertNotIn("half", server.names())
                self.assertEqual(server.stop()[0], 0)

    def test_m2_of_two_uploads_of_one_name_the_first_to_finish_wins(self):
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server, \
                    server.connect() as one, server.connect() as two:
                one.sendall(b"same-500000" + b"a" * 499_999)
                two.sendall(b"same-500000" + b"b" * 499_999)
                wait_for(lambda: len(server.open_files()) == 2)
                two.sendall(b"b")
                self.assertEqual(read_all(two), b"")
                one.sendall(b"a")
                self.assertEqual(read_all(one), b"")
                self.assertEqual(server.file("same"), b"b" * 500_000)
                self.assertEqual(server.stats()["rejected.name-taken"], 1)

    def test_m2_a_full_disk(self):
        for mode in self.modes():
            with Inbox("upload_server", *mode) as server:
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
                with server.connect() as client:
                    self.assertEqual(send_to_the_end(client, b"large-3000000" + bytes(3_000_000)),
                                     b"")
                self.assertEqual(server.names(), [])
                self.assertEqual(server.stats()["rejected.disk-full"], 1)

    def test_m2_signals_midway(self):
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with Inbox("upload_server") as server, server.connect() as client:
                client.sendall(b"half-1000000" + b"x" * 500_000)
                wait_for(server.open_files)
                server.process.send_signal(signum)
                try:
                    read_all(client)
                except ConnectionResetError:
                    pass
                client.close()
                self.assertEqual(server.process.wait(20), 0 if signum == signal.SIGTERM else -9)
                self.assertEqual(server.names(), [])


class Client(Modes):
    def send(self, port, name, *options):
        return run("upload_client", "--port", str(port), name, *options)

    def test_to_our_server(self):
        content = random.Random(6).randbytes(20_000_000)
        with tempfile.TemporaryDirectory() as directory:
            for name, data in (("large-1.bin", content), ("empty", b""), ("ein Brief", b"x")):
                with open(os.path.join(directory, name), "wb") as new:
                    new.write(data)
            for mode in self.modes():
                with Inbox("upload_server", *mode) as server:
                    for name in os.listdir(directory):
                        self.assertEqual(self.send(server.port, os.path.join(directory, name),
                                                   *mode), (0, "", ""))
                    self.assertEqual(server.names(), ["ein Brief", "empty", "large-1.bin"])
                    self.assertEqual(server.file("large-1.bin"), content)
                    self.assertEqual(server.file("ein Brief"), b"x")

    def test_to_the_tutorials_server(self):
        """Which reads the header, then until it has SIZE bytes, and closes."""
        got = []

        def serve(listener):
            with listener, listener.accept()[0] as client:
                client.settimeout(PATIENCE)
                # The tutorial: name, size = client.recv(1024).decode().split("-"); it hopes.
                header, content = re.fullmatch(rb"(.*-\d+)(.*)", client.recv(1024), re.S).groups()
                name, size = header.decode().split("-")
                while len(content) < int(size):
                    content += client.recv(1024)
                got.append((name, content))

        with tempfile.NamedTemporaryFile(prefix="notes") as new:
            new.write(b"!" + bytes(100_000))
            new.flush()
            for mode in self.modes():
                listener = socket.create_server(("127.0.0.1", 0))
                server = threading.Thread(target=serve, args=(listener,))
                server.start()
                self.assertEqual(self.send(listener.getsockname()[1], new.name, *mode), (0, "", ""))
                server.join()
                self.assertEqual(got.pop(), (os.path.basename(new.name), b"!" + bytes(100_000)))

    def test_a_server_that_ends_early(self):
        with tempfile.NamedTemporaryFile() as large:
            os.truncate(large.name, 5 * 10**9)
            for mode in self.modes():
                with Inbox("upload_server", *mode) as server:
                    status, out, err = self.send(server.port, large.name, *mode)
                    self.assertEqual((status, out), (1, ""))
                    self.assert_one_line(err, "upload_client: ")
                    self.assertEqual(server.stats()["rejected.over-quota"], 1)

    def test_what_cannot_be_sent(self):
        for name, part in (("/nonexistent", "No such file"), ("/tmp", "no regular file"),
                           ("/dev/zero", "no regular file")):
            status, out, err = self.send(1, name)
            self.assertEqual((status, out), (2, ""))
            self.assert_one_line(err, "upload_client: ", name, part)

    def test_nobody_there(self):
        with closed_port() as port:
            status, out, err = self.send(port, path("upload_client"))
        self.assertEqual((status, out), (1, ""))
        self.assert_one_line(err, "upload_client: ", str(port), "refused")

    def test_progress_on_a_terminal(self):
        with tempfile.NamedTemporaryFile() as new, Inbox("upload_server") as server:
            os.truncate(new.name, 500_000_000)
            ours, theirs = os.openpty()
            process = subprocess.Popen([path("upload_client"), "--port", str(server.port),
                                        new.name], stderr=theirs)
            os.close(theirs)
            seen = read_terminal(ours)
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertIn(b"] 100%", seen)


if __name__ == "__main__":
    unittest.main()
