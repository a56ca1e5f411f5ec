"""What the tests of http_server share: files to serve, and ways to ask."""

import http.client
import os
import re
import socket
import tempfile

from demo import PATIENCE, Modes, Server, read_all

GET = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = bytes(range(256)) * 12_000  # 3 MB
EDGE = ["--backend", "epoll", "--trigger", "edge"]


def read_response(stream):
    """One response of a file of a socket: status, fields, body."""
    line = stream.readline()
    match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z ]*\r\n", line)
    if not match:
        raise AssertionError(f"no status line: {line!r}")
    fields = {}
    while (line := stream.readline()) != b"\r\n":
        name, value = line.decode().rstrip("\r\n").split(": ", 1)
        fields[name.lower()] = value
    return int(match[1]), fields, stream.read(int(fields.get("content-length", 0)))


class Case(Modes):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = os.path.join(self.directory.name, "root")
        os.makedirs(os.path.join(self.root, "sub", "with index"))
        os.mkdir(os.path.join(self.root, ".hidden"))
        for name, content in {"a.txt": b"0123456789", "big.bin": BIG, "empty": b"",
                              "sub/<b>&'\"ä.html": b"<p>", ".hidden/secret": b"secret", "back\\outside": b"outside",
                              "sub/with index/index.html": b"<h1>index", "../outside": b"outside"}.items():
            with open(os.path.join(self.root, name), "wb") as file:
                file.write(content)
        os.symlink("../outside", os.path.join(self.root, "out"))
        os.symlink(self.directory.name + "/outside", os.path.join(self.root, "out-by-name"))
        os.symlink("a.txt", os.path.join(self.root, "in"))
        os.mkfifo(os.path.join(self.root, "pipe"))

    def serve(self, mode, *options):
        return Server("http_server", *mode, "--root", self.root, *options)

    def ask(self, server, method, path, body=None, headers={}):
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            client.close()

    def say(self, server, data):
        """Sends it and ends; returns all that comes."""
        with server.connect() as client:
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return read_all(client)
