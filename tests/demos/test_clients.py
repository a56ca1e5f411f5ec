"""tcp_client, fanout_client and reconnecting_client, against the demo servers and Python's sockets."""

import os
import pty
import random
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from demo import PATIENCE, Modes, Server, closed_port, path, read_all, read_exactly, reset, run


def start(program, port, *options, **streams):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **streams}
    return subprocess.Popen([path(program), "--port", str(port), *options], **streams)


def end_input(client):
    client.stdin.close()
    client.stdin = None


class Listener(socket.socket):
    def __init__(self):
        super().__init__()
        self.settimeout(PATIENCE)
        self.bind(("127.0.0.1", 0))
        self.listen()
        self.port = self.getsockname()[1]

    def take(self):
        client, _ = self.accept()
        client.settimeout(PATIENCE)
        return client


class TcpClient(Modes):
    def talk(self, program, data, *options, mode=(), client_options=()):
        """What the client prints when its standard input is `data`."""
        with Server(program, *mode, *options) as server:
            client = start("tcp_client", server.port, *mode, *client_options)
            out, err = client.communicate(data, timeout=PATIENCE)
            self.assertEqual((client.returncode, err), (0, b""))
            return out

    def test_the_other_side_of_each_server(self):
        for mode in self.modes():
            self.assertEqual(self.talk("echo_server", b"a\nb", mode=mode), b"a\nb")
            self.assertEqual(self.talk("upper_server", "é b\n".encode(), mode=mode), "é B\n".encode())
            self.assertEqual(self.talk("line_server", b"a\r\nb\n", mode=mode), b"a\r\nb\n")
            self.assertEqual(self.talk("hello_server", b"Hi\n", mode=mode), b"Hello World")
            self.assertEqual(self.talk("guess_who_server", b"aa", mode=mode),
                             "你找谁呀!什么什么".encode())

    def test_megabytes_both_ways_at_once(self):
        data = random.Random(3).randbytes(8_000_000)
        for mode in self.modes():
            self.assertEqual(self.talk("echo_server", data, mode=mode), data)

    def test_a_server_that_says_all_before_it_listens(self):
        # Both have more to send than all buffers take. Neither may wait for the other to read.
        data = random.Random(4).randbytes(30_000_000)
        for mode in self.modes():
            with Listener() as listener, tempfile.TemporaryFile() as to, \
                    tempfile.TemporaryFile() as out:
                to.write(data)
                to.seek(0)
                client = start("tcp_client", listener.port, *mode, stdin=to, stdout=out)
                with listener.take() as server:
                    server.sendall(data)
                    self.assertEqual(read_all(server), data)
                client.communicate(timeout=PATIENCE)
                self.assertEqual(client.returncode, 0)
                out.seek(0)
                self.assertEqual(out.read(), data)

    def test_bare_lines(self):
        self.assertEqual(self.talk("hello_server", b"Hi\n", client_options=["--bare"]), b"Hello World")
        with Listener() as listener:
            client = start("tcp_client", listener.port, "--bare")
            server = listener.take()
            client.stdin.write(b"a\r\n\nb\n")
            end_input(client)
            self.assertEqual(read_all(server), b"ab")
            server.close()
            self.assertEqual(client.wait(PATIENCE), 0)
            client.communicate()

    def test_a_dialogue_line_by_line(self):
        for mode in self.modes():
            with Listener() as listener:
                client = start("tcp_client", listener.port, *mode, bufsize=0)
                with listener.take() as server:
                    for text in ("你好\n".encode(), b"\n", b"x\n"):
                        client.stdin.write(text)
                        self.assertEqual(read_exactly(server, len(text)), text)
                        server.sendall(text)
                        self.assertEqual(client.stdout.read(len(text)), text)
                # The server ends: so does the client, though its input goes on.
                self.assertEqual(client.wait(PATIENCE), 0)
                client.communicate()

    def test_the_answer_after_the_end_of_the_input_arrives(self):
        for mode in self.modes():
            with Listener() as listener:
                client = start("tcp_client", listener.port, *mode)
                end_input(client)
                with listener.take() as server:
                    self.assertEqual(read_all(server), b"")
                    server.sendall(b"late")
                self.assertEqual(client.communicate(timeout=PATIENCE), (b"late", b""))
                self.assertEqual(client.returncode, 0)

    def test_nobody_listens(self):
        for mode in self.modes():
            with closed_port() as port:
                status, out, err = run("tcp_client", *mode, "--port", str(port))
            self.assertEqual((status, out), (1, ""))
            self.assert_one_line(err, "tcp_client: ", "Connection refused")

    def test_a_reset(self):
        with Listener() as listener:
            client = start("tcp_client", listener.port)
            reset(listener.take())
            _, err = client.communicate(timeout=PATIENCE)
            self.assertEqual(client.returncode, 1)
            self.assert_one_line(err.decode(), "Connection reset")

    def test_bug_f10_on_a_terminal_what_comes_is_harmless(self):
        ours, theirs = pty.openpty()
        with Listener() as listener:
            client = start("tcp_client", listener.port, stdout=theirs)
            os.close(theirs)
            with listener.take() as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in "你\x1b[2J\x07\tü\n".encode() + b"\xe4":
                    server.sendall(bytes([byte]))
            shown = b""
            try:
                while part := os.read(ours, 1000):
                    shown += part
            except OSError:
                pass  # the other side is closed
            self.assertEqual(shown.decode(), "你\\x1b[2J\\x07\tü\r\n\\xe4")
            client.communicate(timeout=PATIENCE)
        os.close(ours)


class Fanout(Modes):
    def test_each_word_has_its_answer(self):
        for mode in self.modes():
            with Server("delay_server", *mode, "--delay", "100ms") as server:
                status, out, err = run("fanout_client", *mode, "--port", str(server.port),
                                       "eins", "sleep", "zwei", "sleep")
                self.assertEqual((status, err), (0, ""))
                lines = out.splitlines()
                for line in lines:
                    self.assertRegex(line, r"^\d+\.\d{3} s \w+: ")
                answers = [line.split(" s ", 1)[1] for line in lines]
                self.assertEqual(sorted(answers), sorted([
                    "eins: 已收到普通信息:eins", "zwei: 已收到普通信息:zwei",
                    "sleep: 已收到延时反馈信息:sleep", "sleep: 已收到延时反馈信息:sleep"]))

    def test_hundreds(self):
        words = [f"w{n}" for n in range(300)]
        with Server("upper_server") as server:
            status, out, err = run("fanout_client", "--port", str(server.port), *words)
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(sorted(line.split(" s ")[1] for line in out.splitlines()),
                             sorted(f"{word}: {word.upper()}" for word in words))

    def test_nobody_listens(self):
        for mode in self.modes():
            with closed_port() as port:
                status, out, err = run("fanout_client", *mode, "--port", str(port), "a", "b")
            self.assertEqual((status, out), (1, ""))
            self.assertEqual(sorted(err.splitlines()),
                             [f"fanout_client: {word}: Connection refused" for word in "ab"])


class Reconnecting(Modes):
    FAST = ["--first-delay", "1ms", "--longest-delay", "20ms"]

    def test_lines_go_on_after_resets_in_order(self):
        for mode in self.modes():
            with Listener() as listener:
                client = start("reconnecting_client", listener.port, *mode, *self.FAST, bufsize=0)
                for round in range(5):
                    server = listener.take()
                    line = b"line %d\n" % round
                    client.stdin.write(line)
                    self.assertEqual(read_exactly(server, len(line)), line)
                    server.sendall(line)
                    self.assertEqual(client.stdout.readline(), line)
                    reset(server) if round % 2 else server.close()
                server = listener.take()
                end_input(client)
                self.assertEqual(read_all(server), b"")
                server.close()
                _, err = client.communicate(timeout=PATIENCE)
                self.assertEqual(client.returncode, 0)
                self.assertEqual(err.count(b": connected\n"), 6)
                self.assertEqual(err.count(b", again in "), 5)

    def test_lines_wait_while_nobody_listens(self):
        for mode in self.modes():
            with socket.socket() as listener:
                listener.settimeout(PATIENCE)
                listener.bind(("127.0.0.1", 0))  # and does not listen
                port = listener.getsockname()[1]
                client = start("reconnecting_client", port, *mode, *self.FAST)
                lines = b"".join(b"line %d\n" % n for n in range(1000))
                client.stdin.write(lines)
                end_input(client)
                for _ in range(5):
                    self.assertRegex(client.stderr.readline(), rb"refused, again in \d+ ms")
                listener.listen()
                server, _ = listener.accept()
                self.assertEqual(read_all(server), lines)
                server.close()
                client.communicate(timeout=PATIENCE)
                self.assertEqual(client.returncode, 0)

    def test_what_the_kernel_did_not_take_is_sent_again(self):
        lines = [b"%06d " % n + b"x" * 9990 + b"\n" for n in range(2000)]
        for mode in self.modes():
            with Listener() as listener:
                client = start("reconnecting_client", listener.port, *mode, *self.FAST)
                writer = os.fork()
                if writer == 0:  # the input, which blocks while nobody reads
                    signal.alarm(PATIENCE)
                    client.stdin.write(b"".join(lines))
                    client.stdin.flush()
                    os._exit(0)
                end_input(client)
                first = listener.take()
                got = read_exactly(first, 3_000_000)
                reset(first)
                second = listener.take()
                rest = read_all(second)
                second.close()
                os.waitpid(writer, 0)
                client.communicate(timeout=PATIENCE)
                self.assertEqual(client.returncode, 0)
                # Whole lines, in order, to the last; lost is only what the kernel had taken.
                self.assertTrue(b"".join(lines).startswith(got))
                self.assertTrue(b"".join(lines).endswith(rest))
                self.assertIn(rest[:7], {line[:7] for line in lines})

    def test_the_waits_grow_and_have_chance_in_them(self):
        with closed_port() as port:
            client = start("reconnecting_client", port, "--first-delay", "8ms", "--longest-delay",
                           "64ms")
            waits = [int(re.search(rb"again in (\d+) ms", client.stderr.readline())[1])
                     for _ in range(7)]
            client.kill()
            client.communicate()
        for wait, longest in zip(waits, (8, 16, 32, 64, 64, 64, 64)):
            self.assertTrue(longest // 2 <= wait <= longest, waits)


if __name__ == "__main__":
    unittest.main()
