"""The programs and those that others wrote: asyncio, socketserver, ncat, socat, the tutorials' own."""

import asyncio
import json
import os
import socketserver
import struct
import subprocess
import tempfile
import threading
import unittest

from demo import PATIENCE, Modes, Server, path, read_all, read_exactly

CLIENTS = 100


class Asyncio(Modes):
    """Many streams at once on one loop there, and on one loop here."""

    def at_once(self, program, dialogue, afterwards=lambda server: None):
        """In each mode runs `dialogue(number, reader, writer)` for so many clients, all connected
        before the first of them speaks."""
        async def all_of_them(port):
            streams = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port)
                                             for _ in range(CLIENTS)))
            await asyncio.gather(*(dialogue(number, *stream)
                                   for number, stream in enumerate(streams)))
            for _, writer in streams:
                writer.close()
                await writer.wait_closed()
        for mode in self.modes():
            with Server(program, *mode) as server:
                asyncio.run(asyncio.wait_for(all_of_them(server.port), PATIENCE))
                afterwards(server)

    def test_echo(self):
        async def dialogue(number, reader, writer):
            data = number.to_bytes(2, "big") * 5000
            writer.write(data)
            writer.write_eof()
            self.assertEqual(await reader.read(-1), data)
        self.at_once("echo_server", dialogue)

    def test_line(self):
        async def dialogue(number, reader, writer):
            for word in ("你好", "", str(number)):
                writer.write(f"{word}\n".encode())
                self.assertEqual(await reader.readline(), f"{word}\n".encode())
        self.at_once("line_server", dialogue)

    def test_upper(self):
        async def dialogue(number, reader, writer):
            writer.write(f"straße {number}".encode())
            writer.write_eof()
            self.assertEqual(await reader.read(-1), f"STRAßE {number}".encode())
        self.at_once("upper_server", dialogue)

    def test_frame(self):
        async def dialogue(number, reader, writer):
            text = f"第{number}".encode()
            message = struct.pack("<i", len(text)) + text
            for part in (message[:3], message[3:6], message[6:]):
                writer.write(part)
                await writer.drain()
            writer.write_eof()
            self.assertEqual(await reader.read(-1), b"")

        def printed(server):
            lines = sorted(server.process.stdout.readline() for _ in range(CLIENTS))
            self.assertEqual(lines, sorted(f"第{number}\n" for number in range(CLIENTS)))
        self.at_once("frame_server", dialogue, printed)

    def test_chat(self):
        async def chat(port, count):
            members = []
            for _ in range(count):
                newcomer = await asyncio.open_connection("127.0.0.1", port)
                if members:
                    newcomer[1].write(b".")
                for reader, _ in members:
                    self.assertEqual(await reader.readexactly(1), b".")  # so it is in
                members.append(newcomer)
            names = [bytes([ord("A") + number]) for number in range(count)]
            for (_, writer), name in zip(members, names):
                writer.write(name)
            for (reader, writer), name in zip(members, names):
                heard = await reader.readexactly(count - 1)
                self.assertEqual(set(heard), set(b"".join(names)) - set(name))
            for _, writer in members:
                writer.close()
                await writer.wait_closed()
        for mode in self.modes():
            with Server("chat_server", *mode, stdin=subprocess.DEVNULL) as server:
                asyncio.run(asyncio.wait_for(chat(server.port, 20), PATIENCE))


def ncat(server):
    return ["ncat", "127.0.0.1", str(server.port)]


def socat(server):
    return ["socat", "-t", str(PATIENCE), "-", f"TCP:127.0.0.1:{server.port}"]


class Terminal:
    """A program that somebody types into."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def type(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def shown(self, count):
        return self.process.stdout.read(count)

    def end(self):
        """Ends its input; returns the rest of what it shows, and its status."""
        rest, _ = self.process.communicate(timeout=PATIENCE)
        return rest, self.process.returncode


class NcatAndSocat(Modes):
    def both(self, program, check):
        for mode in self.modes():
            with Server(program, *mode) as server:
                for command in (ncat(server), socat(server)):
                    check(server, command)

    def answer(self, command, data):
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_hello(self):
        def check(server, command):
            self.assertEqual(self.answer(command, "你好\n".encode()), b"Hello World")
            self.assertEqual(server.process.stdout.readline(), "你好\n")
        self.both("hello_server", check)

    def test_echo(self):
        data = bytes(range(256)) * 2000
        self.both("echo_server", lambda _, command:
                  self.assertEqual(self.answer(command, data), data))

    def test_upper(self):
        self.both("upper_server", lambda _, command:
                  self.assertEqual(self.answer(command, "straße\0\n".encode()),
                                   "STRAßE\0\n".encode()))

    def test_line(self):
        def check(_, command):
            with Terminal(command) as client:
                for line in (b"one\n", b"\r\n", "二\n".encode()):
                    client.type(line)
                    self.assertEqual(client.shown(len(line)), line)
                self.assertEqual(client.end(), (b"", 0))
        self.both("line_server", check)

    def test_udp_ack(self):
        answer = "已收到".encode()
        for mode in self.modes():
            with Server("udp_ack_server", *mode) as server:
                for command in (["ncat", "-u", "127.0.0.1", str(server.port)],
                                ["socat", "-", f"UDP:127.0.0.1:{server.port}"]):
                    with Terminal(command) as client:
                        for text in ("one", "二"):
                            client.type(text.encode())
                            self.assertEqual(client.shown(len(answer)), answer)
                            self.assertRegex(server.process.stdout.readline(),
                                             rf"^127\.0\.0\.1:\d+: {text}\n$")

    def test_talk(self):
        for mode in self.modes():
            with Server("talk_server", *mode, stdin=subprocess.PIPE) as server:
                self.assertIn("backlog", server.process.stdout.readline())
                for command in (ncat(server), socat(server)):
                    with Terminal(command) as guest:
                        name = server.process.stdout.readline().removesuffix(" is here\n")
                        self.assertRegex(name, r"^127\.0\.0\.1:\d+$")
                        guest.type("在吗\n".encode())
                        self.assertEqual(server.process.stdout.readline(), f"{name}: 在吗\n")
                        server.process.stdin.write("在\nquit\n")
                        server.process.stdin.flush()
                        self.assertEqual(guest.shown(4), "在\n".encode())
                        self.assertEqual(guest.end(), (b"", 0))
                        self.assertEqual(server.process.stdout.readline(),
                                         f"{name} is gone (closed); waiting for the next\n")

    def test_they_chat(self):
        for mode in self.modes():
            with Server("chat_server", *mode, stdin=subprocess.DEVNULL) as server, \
                    server.connect() as first, Terminal(ncat(server)) as one, \
                    Terminal(socat(server)) as two:
                one.type(b".")
                two.type(b".")
                self.assertEqual(read_exactly(first, 2), b"..")  # so both are in
                first.sendall(b"|")
                for member in (one, two):
                    while member.shown(1) != b"|":
                        pass
                one.type("大家好\n".encode())
                self.assertEqual(two.shown(10), "大家好\n".encode())
                two.type(b"\x1b[2Jcat\n")
                self.assertEqual(one.shown(8), b"\x1b[2Jcat\n")

    def test_a_name_that_is_no_path(self):
        name = f"pollux-foreign-{os.getpid()}"
        with Server("echo_server", "--host", f"unix:@{name}"):
            command = ["socat", "-t", str(PATIENCE), "-", f"ABSTRACT-CONNECT:{name}"]
            self.assertEqual(self.answer(command, b"text"), b"text")


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write("你好\n".encode())
        for line in self.rfile:
            self.wfile.write(line.upper())


class Ack(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write("已收到".encode() + self.rfile.read())


class Socketserver(Modes):
    """Python's own servers, and our clients."""

    def check(self, kind, handler, program, data, expected):
        with kind(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=[0.01])
            thread.start()
            try:
                for mode in self.modes():
                    done = subprocess.run(
                        [path(program), "--port", str(server.server_address[1]), *mode],
                        input=data.encode(), capture_output=True, timeout=PATIENCE)
                    self.assertEqual((done.returncode, done.stdout.decode(), done.stderr),
                                     (0, expected, b""))
            finally:
                server.shutdown()
                thread.join()

    def test_tcp_client(self):
        self.check(socketserver.ThreadingTCPServer, Upper, "tcp_client", "one\ntwo\n",
                   "你好\nONE\nTWO\n")

    def test_udp_client(self):
        self.check(socketserver.UDPServer, Ack, "udp_client", "二\n", "已收到二\n")


class Tutorial(Modes):
    """Clients as the tutorials write them: blocking, with one recv for each answer."""

    def test_login(self):
        with tempfile.TemporaryDirectory() as directory:
            users = os.path.join(directory, "users")
            subprocess.run([path("login_server"), "--users", users, "--add-user", "李雷",
                            "--password-stdin"], input="开门\n".encode(), check=True)
            for mode in self.modes():
                with Server("login_server", "--users", users, *mode) as server:
                    for password, answer in (("开门", "登陆成功"), ("关门", "账号或密码错误")):
                        with server.connect() as client:
                            self.assertEqual(client.recv(1024).decode(), "欢迎使用XX系统")
                            user = {"username": "李雷", "password": password}
                            client.send(json.dumps(user).encode("utf-8"))
                            self.assertEqual(client.recv(1024).decode(), answer)
                            self.assertEqual(client.recv(1024), b"")

    def test_transfer(self):
        def send(client, text):
            data = text.encode("utf-8")
            client.sendall(struct.pack("i", len(data)))
            client.sendall(data)

        def send_file(client, name):
            client.sendall(struct.pack("i", os.stat(name).st_size))
            with open(name, "rb") as file:
                while part := file.read(2048):
                    client.sendall(part)

        for mode in self.modes():
            with tempfile.TemporaryDirectory() as directory, \
                    Server("transfer_server", *mode, "--dir", directory) as server, \
                    server.connect() as client:
                send(client, json.dumps({"msg_type": "msg"}))
                send(client, "你好")
                self.assertEqual(server.process.stdout.readline(), "你好\n")
                send(client, json.dumps({"msg_type": "file", "file_name": "test.py"}))
                send_file(client, __file__)
                send(client, "close")
                self.assertEqual(read_all(client), b"")
                with open(__file__, "rb") as sent, \
                        open(os.path.join(directory, "test.py"), "rb") as kept:
                    self.assertEqual(kept.read(), sent.read())


if __name__ == "__main__":
    unittest.main()
