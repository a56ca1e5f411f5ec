"""Sends a file to a receiver by sendfile(2) and says how long it took until the receiver had all
of it and ended the connection.

    send_file.py PORT FILE [NAME]

With NAME the file goes as a message of transfer_server's protocol, else as it is.
"""

import json
import os
import socket
import struct
import sys
import time


def connect(port, seconds=5):
    """Receivers that do not say when they listen are asked until they do."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), seconds)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def frame(content):
    return struct.pack("<i", len(content)) + content


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    name = sys.argv[3] if len(sys.argv) > 3 else None
    connection = connect(port)
    connection.settimeout(60)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        started = time.monotonic()
        if name:
            head = json.dumps({"msg_type": "file", "file_name": name}).encode()
            connection.sendall(frame(head) + struct.pack("<i", size))
        connection.sendfile(file)
        if name:
            connection.sendall(frame(b"close"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        print(json.dumps({"bytes": size, "seconds": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main()
