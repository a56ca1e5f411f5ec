"""Clients of every kind of server: those who want to be served, and those who mean harm. A fault may
end any connection early. What comes until then is the beginning of the right answer, never
anything else."""

import json
import select
import socket
import struct
from dataclasses import dataclass, field

from soaking.servers import Broken

PATIENCE = 20


def connect(server):
    client = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    client.settimeout(PATIENCE)
    return client


def exchange(client, data, dice):
    """Sends all of it in pieces and ends its side, reading meanwhile; what came until the end."""
    client.setblocking(False)
    got, sent, ended = bytearray(), 0, False
    while True:
        waiting = [] if ended else [client]
        readable, writable, _ = select.select([client], waiting, [], PATIENCE)
        if not readable and not writable:
            raise Broken(f"stuck: {sent} of {len(data)} bytes sent, {len(got)} came")
        try:
            if writable and sent == len(data):
                client.shutdown(socket.SHUT_WR)
                ended = True
            elif writable:
                sent += client.send(data[sent:sent + dice.choice((1, 100, 5000, 65536))])
            if readable:
                part = client.recv(65536)
                if not part:
                    return bytes(got)
                got += part
        except BlockingIOError:
            pass
        except ConnectionError:
            return bytes(got)


def answered(expected):
    """A customer whose answer follows from what it sends."""
    def customer(server, dice):
        data = dice.randbytes(dice.choice((1, 10, 1000, 30_000, 300_000)))
        data, right = expected(data, dice)
        with connect(server) as client:
            got = exchange(client, data, dice)
        if not right.startswith(got):
            raise Broken(f"{len(data)} bytes sent, a wrong answer of {len(got)}: {got[:60]!r}")
        return got == right
    return customer


def upper(data, _):
    return data, bytes(byte - 32 if 97 <= byte <= 122 else byte for byte in data)


def lines(data, _):
    data = data.replace(b"\0", b"\n")[:60_000] + b"\n"
    return data, data


def framed(data):
    return struct.pack("<i", len(data)) + data


def frames(_, dice):
    return b"".join(framed(dice.randbytes(dice.randrange(2000))) for _ in range(20)), b""


def transfer(_, dice):
    name = json.dumps({"msg_type": "file", "file_name": f"{dice.getrandbits(64):x}"}).encode()
    return (framed(b'{"msg_type":"msg"}') + framed(b"hello") + framed(name) +
            framed(dice.randbytes(dice.choice((0, 1, 5000)))) + framed(b"close"), b"")


def upload(_, dice):
    content = dice.randbytes(5000)
    return b"%x-%d" % (dice.getrandbits(64), len(content)) + content, b""


def login(_, dice):
    greeting = "欢迎使用XX系统".encode()
    said = json.dumps({"username": "nobody", "password": f"{dice.random()}"}).encode()
    return said, greeting + "账号或密码错误".encode()


def silent(data, _):
    return data, b""


def delayed(server, dice):
    """A text is what one read gives, so it goes in one piece."""
    word = dice.choice((b"sleep", b"soon"))
    heading = "已收到延时反馈信息:" if word == b"sleep" else "已收到普通信息:"
    right, got = heading.encode() + word, b""
    with connect(server) as client:
        try:
            client.sendall(word)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(1000):
                got += part
        except ConnectionError:
            pass
    if not right.startswith(got):
        raise Broken(f"a wrong answer to {word!r}: {got!r}")
    return got == right


def web(server, dice):
    path, method = dice.choice(("/", "/plain", "/stats", "/nowhere")), dice.choice(("GET", "HEAD"))
    with connect(server) as client:
        got = exchange(client, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                       .encode(), dice)
    head, end, body = got.partition(b"\r\n\r\n")
    if got and not (got.startswith(b"HTTP/1.1 "[:len(got)])):
        raise Broken(f"no answer of HTTP: {got[:60]!r}")
    if not end:
        return False
    length = int(dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
                 [b"content-length"])
    return len(body) == length or method == "HEAD"


def says_something(server, dice):
    with connect(server) as client:
        got = exchange(client, b"hello\n", dice)
    return bool(got)


def chat(server, dice):
    """Two members: what one says, the other hears."""
    text = dice.randbytes(dice.choice((1, 300))).hex().encode()
    with connect(server) as one, connect(server) as other:
        other.settimeout(2)
        try:
            got = b""
            while text not in got:  # until both are members
                one.sendall(text)
                if select.select([other], [], [], 0.3)[0]:
                    part = other.recv(65536)
                    if not part:
                        return False
                    got += part
            return True
        except (OSError, TimeoutError):
            return False


def datagrams(server, dice):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", server.port))
        client.settimeout(1)
        try:
            client.send(dice.randbytes(dice.randrange(1, 1000)))
            return bool(client.recv(65536))
        except OSError:  # it may get lost
            return False


# Those who mean harm. They come back once they have done it.

def resets(server, dice):
    client = connect(server)
    client.send(dice.randbytes(dice.randrange(1, 2000)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def leaves_in_the_middle(server, dice):
    with connect(server) as client:
        client.send(struct.pack("<i", 1000) + b"half")


def never_reads(server, dice):
    with connect(server) as client:
        client.settimeout(0.2)
        for _ in range(100):
            client.send(dice.randbytes(20_000))


def stays_silent(server, dice):
    with connect(server) as client:
        select.select([client], [], [], dice.random())


def bomb(server, dice):
    with connect(server) as client:
        client.sendall(dice.choice((
            struct.pack("<i", 2**31 - 1), b"\xff" * 4, b"x" * 100_000, b'{"a":' * 20_000,
            b"name-99999999999999999999", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000,
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")))
        select.select([client], [], [], 0.5)


def many_at_once(server, dice):
    clients = []
    try:
        for _ in range(40):
            clients.append(connect(server))
        for client in dice.sample(clients, 20):
            client.send(b"x")
    finally:
        for client in clients:
            client.close()


ABUSERS = (resets, leaves_in_the_middle, never_reads, stays_silent, bomb, many_at_once)


def abuse(server, dice):
    try:
        dice.choice(ABUSERS)(server, dice)
    except OSError:
        pass  # that is how it should end


@dataclass
class Kind:
    """A demo server and its customers. `{inbox}` in an option is a folder, `{echo}` a port."""

    name: str
    customer: object
    options: list = field(default_factory=list)
    load: tuple = ()  # options of load_generator
    client: tuple = ()  # a demo client with its options
    abused: bool = True
    growth: int = 3 << 20  # bytes


def echo(data, _):
    return data, data


KINDS = [
    Kind("echo_server", answered(echo), load=("--mode", "echo"),
         client=("many_clients", "--connections", "20", "--messages", "20")),
    Kind("coroutine_echo_server", answered(echo), load=("--mode", "echo"), client=("tcp_client",)),
    Kind("upper_server", answered(upper), load=("--mode", "upper"), client=("tcp_client",)),
    Kind("line_server", answered(lines), client=("tcp_client",)),
    Kind("http_server", web, load=("--mode", "http")),
    Kind("chat_server", chat, client=("chat_client",)),
    Kind("frame_server", answered(frames)),
    Kind("print_server", answered(silent)),
    Kind("discard_server", answered(silent), load=("--mode", "upload")),
    Kind("delay_server", delayed, ["--delay", "100ms"],
         client=("fanout_client", "one", "sleep", "two")),
    Kind("hello_server", says_something, client=("tcp_client",)),
    Kind("guess_who_server", says_something, client=("tcp_client",)),
    Kind("command_server", answered(echo), ["cat"]),
    Kind("transfer_server", answered(transfer), ["--dir", "{inbox}"], client=("transfer_client",)),
    Kind("upload_server", answered(upload), ["--dir", "{inbox}"]),
    # Each of its workers hashes in memory of its own, of which malloc keeps some.
    Kind("login_server", answered(login), ["--users", "/dev/null", "--attempts", "1000000"],
         abused=False, growth=24 << 20),
    Kind("port_forwarder", answered(echo), ["--to", "127.0.0.1:{echo}"], load=("--mode", "echo")),
    Kind("talk_server", answered(silent), abused=False),
    Kind("udp_ack_server", datagrams, abused=False),
]
