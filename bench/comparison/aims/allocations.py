"""What is allocated for a request when everything has found its size."""

import socket
from contextlib import ExitStack

import allocations
import instructions
from comparison import statistics
from comparison.aims import aim
from comparison.aims.case import Case, Limit

FEW, MANY = 200, 1200
POSTS = 100  # times as many: the queue finds its size late where threads take turns
TIMERS = 500
MEMBERS = 4  # of the chat
MESSAGE = b"m" * 64


@aim("allocations", "steady state of echo, chat, timers, post", "allocations per request", "0")
def per_request(lab):
    cases = []
    for name, count in (("echo", _echo), ("chat", _chat), ("timers", _timers), ("post", _post)):
        lab.show(f"allocations, {name}")
        found = count(lab)
        cases.append(Case(name, Limit(0.0, exact=True),
                          statistics.Estimate(found, found, found, 1), digits=3))
    return cases


def _echo(lab):
    return instructions.for_each([lab.program("micro_echo"), "callback"], FEW, MANY,
                                 allocations.made)


def _timers(lab):
    """Each is armed twice, put off, cancelled and called."""
    return instructions.for_each_told(
        [lab.program("peer_pollux"), "timers", "--timers", TIMERS], 1, 4,
        allocations.made) / TIMERS


def _post(lab):
    return instructions.for_each_told(
        [lab.program("peer_pollux"), "post", "--other-core", lab.server_core], POSTS * FEW,
        POSTS * MANY, allocations.made)


def _chat(lab):
    """Of what one says and all others hear."""
    def made(messages):
        return allocations.made_by_server(
            [lab.program("chat_server")], lab.server_core, lambda port: chat(port, messages))

    return (made(MANY) - made(FEW)) / (MANY - FEW)


def chat(port, messages):
    """A message is heard by all before the next is said."""
    with ExitStack() as stack:
        members = []
        for _ in range(MEMBERS):
            newcomer = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            if members:
                newcomer.sendall(b".")
            for member in members:  # who is heard is in
                _hear(member, 1)
            members.append(newcomer)
        for number in range(messages):
            speaker = members[number % MEMBERS]
            speaker.sendall(MESSAGE)
            for member in members:
                if member is not speaker:
                    _hear(member, len(MESSAGE))


def _hear(member, count):
    while count > 0:
        piece = member.recv(count)
        if not piece:
            raise ConnectionError("a member was sent away")
        count -= len(piece)
