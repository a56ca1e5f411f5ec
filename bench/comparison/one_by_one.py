"""Opens connections to a server of echo, each when the one before has had its answer, says "ready",
and keeps them until standard input ends.

    one_by_one.py --port PORT --connections N

So few are ready at the server at once, and what it keeps for many that are is not in its memory."""

import argparse
import resource
import socket
import sys

MESSAGE = b"m" * 64
PATIENCE = 10.0  # seconds


def connected(port):
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(MESSAGE)
    left = len(MESSAGE)
    while left > 0:
        piece = client.recv(left)
        if not piece:
            raise ConnectionError("closed by the server")
        left -= len(piece)
    return client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    clients = []
    try:
        while len(clients) < options.connections:
            clients.append(connected(options.port))
    except OSError as problem:
        print(f"connection {len(clients) + 1}: {problem}", flush=True)
        return
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
