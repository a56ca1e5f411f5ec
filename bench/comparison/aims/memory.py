"""What a connection costs in memory while nothing comes."""

from comparison import peers_memory
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.statistics import estimate

FEW, MANY = 1000, 6000  # connections; what there is of once, such as a buffer, falls out
ROUNDS = 2  # the figures hardly differ
OWN = peers_memory.BASE
DEADLINE = ("--idle-timeout", "1h")
BESIDE = ("bare-epoll", "libev", "libevent-event", "libuv", "libevent", "asio")
STATES = {"silent": peers_memory.STATES["silent"],
          "after a message and its answer": peers_memory.ONE_BY_ONE}


@aim("memory", "idle connection, whole `Connection` with handlers, deadline, output state",
     "user bytes, RSS slope over 5 000", "≤ 160 (112)")
def bytes_per_connection(lab):
    few, many = (list(peers_memory.measure(
        lab.build, (lab.server_core, lab.client_core), 1 if lab.quick else ROUNDS, lab.seed,
        lab.show, connections, (OWN, *BESIDE), DEADLINE, STATES)) for connections in (FEW, MANY))

    def found(name, state):
        below, above = (peers_memory.by_round(samples, name, state) for samples in (few, many))
        return estimate(slope(below[number], above[number])
                        for number in below.keys() & above.keys())

    return [Case(state, Limit(160, 112, exact=True), found(OWN, state), digits=0, unit="bytes",
                 beside={name: each for name in BESIDE if (each := found(name, state))},
                 reason="; ".join(dict.fromkeys(each["reason"] for each in few + many
                                                if each["name"] == OWN and "reason" in each)))
            for state in STATES]


def slope(few, many):
    """Bytes of one more, from those of each of few and each of many."""
    return (many * MANY - few * FEW) / (MANY - FEW)
