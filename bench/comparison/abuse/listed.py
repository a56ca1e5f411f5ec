"""What is tried, one entry each."""

import json
import os
import subprocess

from comparison.abuse import Abuse, Load, others
from comparison.abuse.confined import Confined
from comparison.abuse.crowd import Crowd

ECHO = Load(("--mode", "echo", "--size", "64"))
PAGES = Load(("--mode", "http", "--path", "/plain"))
MIB = 1 << 20


def all_of(share=1.0):
    """With crowds of that share of their size."""

    def many(count, least=8):
        return max(least, int(count * share))

    return [
        Abuse("idle", "{clients} connections that say nothing", ("echo_server", "--max-connections", "20000"),
              (many(10_000),),
              ECHO, growth=4, because="some 400 bytes for each"),
        Abuse("slow heads", "{clients} clients send the head of a request byte by byte, twenty a second, "
              "and come back when they are cut",
              ("http_server", "--head-timeout", "300ms"),
              (Crowd(many(200), says=("GET /pl",), drips="a", every=0.05, reads=True),),
              PAGES, growth=8, because="a head takes 16 KiB at most",
              counted={"rejected.slow-head": many(200)}, seconds=1.5),
        Abuse("slow logins", "{clients} clients send a login byte by byte, twenty a second, and come back "
              "when they are cut",
              ("login_server", "--users", "{folder}/users", "--login-timeout", "300ms"),
              (Crowd(many(200), says=('{"username":"',), drips="a", every=0.05, reads=True),),
              lambda: others.Visitors(others.log_in, rate=20),
              growth=48, because="a login takes 4 KiB at most; each of two threads hashes in 16 MiB", prepare=add_user,
              counted={"closed.deadline": many(200)}, seconds=1.5),
        Abuse("never read, echo", "{clients} clients send to an echo as much as it takes and read "
              "nothing", ("echo_server",),
              (Crowd(many(200), says=("0123456789abcdef" * 4096,), endless=True, buffer=4096),),
              ECHO, growth=many(200) * 2, because="for each the high-water mark of 1 MiB and the 256 KiB "
              "of one visit, in memory that grows to the double"),
        Abuse("never read, HTTP", "{clients} clients ask for pages and files without end and read "
              "nothing", ("http_server", "--root", "{folder}"),
              (Crowd(many(200), says=("GET /files/large HTTP/1.1\r\nHost: x\r\n\r\n",
                                      "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n" * 50),
                     endless=True, buffer=4096),),
              PAGES, growth=many(200) // 2 + 4, because="high-water mark of 256 KiB for each; files "
              "are not read into memory", prepare=large_file),
        Abuse("length bombs, frames", "{clients} clients: half announce −1, −2³¹, 2³¹−1 or one byte "
              "more than the limit, again and again; half announce as much as is allowed, send all "
              "but a byte, and wait", ("frame_server", "--timeout", "2s"),
              (Crowd(many(50), says=("\xff\xff\xff\xff", "\x00\x00\x00\x80", "\xff\xff\xff\x7f",
                                     "\x01\x00\x10\x00"), reads=True),
               Crowd(many(50), says=("\x00\x00\x10\x00",), fill=MIB - 1, reads=True)),
              lambda: others.Visitors(others.send_frames, rate=100),
              growth=many(50) * 3, because="1 MiB for each message that is allowed; what is appended "
              "to is copied", counted={"rejected.bad-length": 100}),
        Abuse("length bombs, files", "{clients} clients announce headers of 4097 bytes to 2³¹−1, and "
              "files of −1 and 2³¹−1 bytes that do not come",
              ("transfer_server", "--dir", "{folder}", "--timeout", "2s"),
              (Crowd(many(100), says=("\x01\x10\x00\x00", "\xff\xff\xff\x7f",
                                      announce(-1), announce(2**31 - 1)), reads=True),),
              lambda: others.Visitors(others.transfer, rate=100),
              growth=8, because="a file takes memory for what has come of it",
              counted={"rejected.bad-length": 100}),
        Abuse("length bombs, HTTP", "{clients} clients: bodies of 2⁶³ and 10³⁰ bytes, chunks of 2⁶⁴−1, "
              "heads and targets without end, and bodies of 1 MiB less a byte, held",
              ("http_server", "--body-timeout", "1s"),
              (Crowd(many(50), says=(post("Content-Length: 9223372036854775808"),
                                     post("Content-Length: 1" + "0" * 30),
                                     post("Transfer-Encoding: chunked") + "ffffffffffffffff\r\n"),
                     reads=True),
               Crowd(many(20), says=("GET / HTTP/1.1\r\nHost: x\r\nA: ", "GET /"), fill=MIB,
                     reads=True),
               Crowd(many(200), says=(post("Content-Length: 1048576"),), fill=MIB - 1, reads=True)),
              PAGES, growth=min(2 * many(200), 256) + 8, because="128 MiB of bodies, of all clients together; what "
              "is appended to is copied"),
        Abuse("connect and reset", "{clients} clients connect, say a byte, reset, and come again at "
              "once", ("echo_server",), (Crowd(64, says=("x",), resets=True),),
              ECHO, growth=4, because="nobody stays", counted={"accepted": many(10_000)}),
        Abuse("out of descriptors", "{clients} clients stay at a server that may have 128 descriptors "
              "(RLIMIT_NOFILE), and come back when they are sent away", ("echo_server",),
              (Crowd(300),), ECHO, growth=4, because="no more than 128 are there",
              counted={"shed": 100}, confined=Confined(descriptors=128)),
        Abuse("out of memory", "{clients} clients that send and do not read, at a server that may have "
              "64 MiB of addresses (RLIMIT_AS)", ("echo_server",),
              (Crowd(many(200, 100), says=("0123456789abcdef" * 4096,), endless=True, buffer=4096),),
              ECHO, growth=64, because="the limit", suffered={"reset": 1},
              confined=Confined(memory=64)),
        Abuse("full disk", "{clients} clients upload 16 MiB each to a disk of 8 MiB",
              ("upload_server", "--dir", "{folder}"),
              (Crowd(8, says=(f"large-{16 * MIB}",), fill=16 * MIB, reads=True),),
              lambda: others.Visitors(others.upload, rate=100),
              growth=16, because="two parts of 320 KiB for each upload",
              counted={"rejected.disk-full": 8}, confined=Confined(disk=8), may_refuse=True,
              check=lambda folder: left_over(folder, set())),
        Abuse("out of ports", "{clients} clients of a forwarder that has 100 ports to connect from "
              "(EADDRNOTAVAIL)", ("port_forwarder", "--to", "127.0.0.1:7000"),
              (Crowd(150, sources=("127.0.0.2", "127.0.0.3")),),
              ECHO, growth=16, because="pipes are the kernel's memory",
              counted={"failed.connect": 50},
              confined=Confined(ports=100, target="echo_server")),
        Abuse("storm in a chat", "ten members send 600 KiB a second each, and one does not read",
              ("chat_server", "--member-limit", "256KiB"),
              (Crowd(10, says=("Hello",), drips="storm!! " * 768, every=0.01, reads=True),
               Crowd(1, says=("I hear nobody",), buffer=4096)),
              lambda: others.Members(8, rate=100),
              growth=32, because="256 KiB for each member", counted={"closed.output_limit": 1},
              seconds=2.0),
        Abuse("race for a name", "{clients} clients upload 64 KiB under one name at once, and again",
              ("upload_server", "--dir", "{folder}"),
              (Crowd(50, says=(f"race-{65536}",), fill=65536, reads=True),),
              lambda: others.Visitors(others.upload, rate=100),
              growth=40, because="two parts of 320 KiB for each upload",
              counted={"rejected.name-taken": 100},
              check=lambda folder: left_over(folder, {"race"}, 65536)),
    ]


def post(header):
    return f"POST /upload HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"


def announce(size):
    header = json.dumps({"msg_type": "file", "file_name": "bomb"}).encode()
    return (others.framed(header) + size.to_bytes(4, "little", signed=True)).decode("latin-1")


def add_user(folder, demos):
    subprocess.run([demos / "login_server", "--users", folder / "users", "--add-user", "ada",
                    "--password-stdin"], input=others.PASSWORD.encode(), check=True)


def large_file(folder, _demos):
    os.truncate(os.open(folder / "large", os.O_CREAT | os.O_WRONLY), 256 * MIB)


def left_over(folder, expected, size=0):
    """Of uploads nothing is left but these, whole."""
    names = {file.name for file in folder.iterdir()}
    if names != expected:
        return f"left in the folder: {sorted(names)}, not {sorted(expected)}"
    for name in names:
        if (found := (folder / name).stat().st_size) != size:
            return f"{name} has {found} bytes, not {size}"
    return None
