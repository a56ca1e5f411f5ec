"""What a server of ours says of itself on SIGUSR1 (`--stats`)."""

import signal


def look(server):
    """The line `stats name=number …` of a `Child`, as numbers by their names. The look makes calls
    of its own, which the next look has counted."""
    server.send_signal(signal.SIGUSR1)
    line = ""
    while not line.startswith("stats "):
        line = server.read_line("stderr")
    return {name: int(value) for name, value in (word.split("=") for word in line.split()[1:])}


def difference(after, before):
    return {name: value - before.get(name, 0) for name, value in after.items()}
