"""What a connection costs in memory while nothing comes."""

from comparison import peers_memory
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.statistics import estimate

CONNECTIONS, QUICK = 5000, 2000
ROUNDS = 3  # the figures hardly differ
OWN = peers_memory.BASE
DEADLINE = ("--idle-timeout", "1h")
BESIDE = ("bare-epoll", "libev", "libevent-event", "libuv", "libevent", "asio")
STATES = {"silent": "silent", "spoken": "after a message and its answer"}


@aim("memory", "idle connection, whole `Connection` with handlers, deadline, output state",
     "user bytes, RSS slope over 5 000", "≤ 160 (112)")
def bytes_per_connection(lab):
    samples = list(peers_memory.measure(
        lab.build, (lab.server_core, lab.client_core), 1 if lab.quick else ROUNDS, lab.seed,
        lab.show, QUICK if lab.quick else CONNECTIONS, (OWN, *BESIDE), DEADLINE))

    def found(name, state):
        return estimate(peers_memory.by_round(samples, name, state).values())

    return [Case(title, Limit(160, 112, exact=True), found(OWN, state), digits=0, unit="bytes",
                 beside={name: found(name, state) for name in BESIDE if found(name, state)},
                 reason="; ".join(dict.fromkeys(each["reason"] for each in samples
                                                if each["name"] == OWN and "reason" in each)))
            for state, title in STATES.items()]
