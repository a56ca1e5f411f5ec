"""Servers under load, visited in random order round after round: what the claims are judged by."""

import random
import signal
from contextlib import ExitStack
from dataclasses import dataclass

from comparison import statistics
from comparison.machine import cores_beside
from comparison.processes import Child, Failed
from comparison.under_load import UnderLoad

WARMUP = 0.02
FOLDERS = ("bench", "bench/peers", "demos")


@dataclass(frozen=True)
class Cell:
    """One server under one load. Clients on the server's core never leave it idle and never make it
    wait, so that its CPU time per request is that of a busy server (`place` "one core"). "two
    cores": one for the server and one for the clients; "all cores": the server may use the
    clients' core too."""

    name: str
    server: tuple  # a program of the build, and its options
    load: tuple  # options of the load generator
    idle: int = 0  # connections that another process holds
    place: str = "one core"


class Figures:
    """What was measured. A sample says cell, round and values, or the reason why there are none."""

    def __init__(self, samples):
        self.samples = samples

    def by_round(self, cell, key):
        return {each["round"]: each["values"][key] for each in self.samples
                if each["cell"] == cell and key in each.get("values", ())}

    def estimate(self, cell, key):
        return statistics.estimate(self.by_round(cell, key).values())

    def ratio(self, cell, base, key):
        """Of two cells, formed within each round."""
        return statistics.ratio(self.by_round(cell, key), self.by_round(base, key))

    def derived(self, function, *places):
        """The Estimate of function(value, …) of places (cell, key), round by round."""
        columns = [self.by_round(*place) for place in places]
        common = set.intersection(*(set(column) for column in columns))
        return statistics.estimate(function(*(column[number] for column in columns))
                                   for number in sorted(common))

    def trouble(self):
        """What could not be measured and what the clients were too slow for, as a sentence; "" when
        there is nothing to say."""
        reasons = {each["cell"]: each["reason"] for each in self.samples if "reason" in each}
        parts = [f"{cell}: {reason}" for cell, reason in reasons.items()]
        limited = self.limited()
        if limited:
            parts.append("the clients were the limit of " + ", ".join(limited))
        return "; ".join(parts)

    def limited(self):
        """Cells whose clients had no time left in at least every fourth round."""
        found = {}
        for each in self.samples:
            if "values" in each and "limited" in each["values"]:
                found.setdefault(each["cell"], []).append(each["values"]["limited"])
        return [cell for cell, told in found.items() if sum(told) * 4 >= len(told)]


class Stand:
    """A server with its load, from `with` on; every call of `measure` is a phase of its own."""

    def __init__(self, lab, cell, seconds, hooked=False):
        server_core, client_core = lab.cores
        if cell.place == "one core":
            client_core = server_core
        name, *words = cell.server
        command = [program(lab.build, name + ("_hooked" if hooked else "")), *words,
                   "--host", "127.0.0.1", "--port", 0] + (["--stats"] if hooked else [])
        load = [program(lab.build, "load_generator"), *cell.load,
                "--seconds", seconds, "--warmup", WARMUP]
        cores = cores_beside(-1) if cell.place == "all cores" else server_core
        self._lab, self._cell, self._seconds = lab, cell, seconds
        self._run = UnderLoad(command, cores, load, client_core)
        self._stack = ExitStack()

    @property
    def server(self):
        return self._run.server

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(self._run)
            if self._cell.idle:
                self._hold_idle(stack)
            self._run.connect()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *problem):
        return self._stack.__exit__(*problem)

    def measure(self):
        cpu = self.server.cpu_ns()
        load = self._run.measure(self._seconds)
        return timed(load, self.server.cpu_ns() - cpu)

    def count(self):
        """By a server that is linked with pollux_hooked. A look at the counters makes calls of its
        own: two looks in a row say how many."""
        first, before = look(self.server), look(self.server)
        load = self._run.measure(self._seconds)
        after = look(self.server)
        own = difference(before, first)
        return counted(load, difference(difference(after, before), own))

    def _hold_idle(self, stack):
        holder = Child([str(program(self._lab.build, "load_generator")), "--mode", "idle",
                        "--port", str(self._run._port), "--connections", str(self._cell.idle)],
                       self._lab.cores[1])
        stack.callback(holder.stop)
        line = holder.read_line(seconds=60)
        if line != "ready":
            raise Failed(f"idle connections: {line}")


def program(build, name):
    for folder in FOLDERS:
        if (build / folder / name).exists():
            return build / folder / name
    raise Failed(f"{name} was not built")


def fresh(lab, cells, seconds, rounds=None, act=Stand.measure, hooked=False):
    """New processes for every sample: where they lie in memory is part of the noise."""

    def visit(cell):
        with Stand(lab, cell, seconds, hooked) as stand:
            return act(stand)

    return _carry_out(lab, cells, rounds or lab.rounds, visit)


def standing(lab, cells, seconds, rounds=None, act=Stand.measure, hooked=False):
    """All servers are started once and asked again and again: for differences so large that the
    place in memory does not matter, and loads that take long to set up."""
    with ExitStack() as stack:
        stands = {}

        def visit(cell):
            if cell not in stands:
                lab.show(f"starting {cell.name}")
                stands[cell] = stack.enter_context(Stand(lab, cell, seconds, hooked))
            return act(stands[cell])

        return _carry_out(lab, cells, rounds or lab.rounds, visit)


def once(measure):
    """Decorates what several claims are judged by: a laboratory measures it only once."""

    def remembered(lab):
        known = lab.__dict__.setdefault("measured_before", {})
        if measure not in known:
            known[measure] = measure(lab)
        return known[measure]

    return remembered


def _carry_out(lab, cells, rounds, visit):
    chance = random.Random(lab.seed)
    samples, failed = [], set()
    for number in range(1, rounds + 1):
        order = [cell for cell in cells if cell not in failed]
        chance.shuffle(order)
        for cell in order:
            lab.show(f"round {number} of {rounds}: {cell.name}")
            try:
                samples.append({"cell": cell.name, "round": number, "values": visit(cell)})
            except Failed as problem:
                failed.add(cell)
                samples.append({"cell": cell.name, "round": number, "reason": str(problem)})
    return samples


def timed(load, cpu_ns):
    requests, seconds = max(1, load["requests"]), load["seconds"]
    return {
        "requests": load["requests"], "bytes": load["bytes"], "seconds": seconds,
        "cpu": cpu_ns / 1000 / requests,  # µs per request
        "cpu_per_kib": cpu_ns / max(1.0, load["bytes"] / 1024),  # ns
        "rate": load["requests"] / seconds,
        "p50": load["latency_ns"]["p50"] / 1000,
        "p99": load["latency_ns"]["p99"] / 1000,
        "client_busy": load["client_cpu_seconds"] / seconds,
        "limited": bool(load.get("limited_by_client", False)),
    }


KINDS = {
    "wait": ("epoll_wait", "epoll_pwait2", "ppoll", "pselect"),
    "change": ("epoll_ctl", "fcntl"),
    "read": ("recv", "read"),
    "write": ("send", "sendmsg", "write", "writev"),
    "accept": ("accept4", "accept"),
}


def counted(load, counters):
    """Calls per request, and those of them that would have blocked."""
    if not any(key.startswith("calls.") for key in counters):
        raise Failed("the server reports no calls")
    requests = max(1, load["requests"])
    values = {"requests": load["requests"], "bytes": load["bytes"], "counters": counters}
    for kind, names in KINDS.items():
        values[kind] = sum(counters.get(f"calls.{name}", 0) for name in names) / requests
        values[kind + "_blocked"] = (
            sum(counters.get(f"blocked.{name}", 0) for name in names) / requests)
    values["calls"] = sum(
        number for key, number in counters.items() if key.startswith("calls.")) / requests
    return values


def look(server):
    """The counters that a server tells at SIGUSR1."""
    server.send_signal(signal.SIGUSR1)
    line = ""
    while not line.startswith("stats "):
        line = server.read_line("stderr")
    pairs = (word.split("=", 1) for word in line.split()[1:])
    return {key: float(value) for key, value in pairs}


def difference(after, before):
    return {key: value - before.get(key, 0) for key, value in after.items()}
