"""One run: a fresh server, the load on it, and what both said."""

import signal
from pathlib import Path

from comparison.processes import Failed
from comparison.under_load import UnderLoad

KIB, MIB = 1024, 1024 * 1024
STATISTIC_CALLS = {
    "wait": ["epoll_wait", "epoll_pwait2", "ppoll", "pselect"],
    "change": ["epoll_ctl", "fcntl"],
    "read": ["recv", "read"],
    "write": ["send", "sendmsg", "write", "writev"],
}
PROGRAM = {"echo": "echo_server", "upload": "discard_server"}


class Bench:
    """Where the programs are and which cores they run on."""

    def __init__(self, build, servers, server_core, client_core, spin):
        self.build = build
        self.load_generator = build / "bench" / "load_generator"
        self.server_folders = [servers] if servers else [build / "demos", build / "bench"]
        self.server_core = server_core
        self.client_core = client_core
        self.spin = spin

    def check_programs(self):
        """Raises Failed before anything is measured when a program is missing."""
        for kind in PROGRAM:
            for hooked in (False, True):
                self.server_path(kind, hooked)

    def server_path(self, kind, hooked):
        name = PROGRAM[kind] + ("_hooked" if hooked else "")
        for folder in self.server_folders:
            if (folder / name).exists():
                return folder / name
        places = ", ".join(str(folder) for folder in self.server_folders)
        raise Failed(f"{name} is missing in {places}")

    def timed_run(self, workload, mode, seconds):
        """Rate, latency and server CPU; the counting stays out of it."""
        with self._under_load(workload, mode, seconds, hooked=False) as run:
            run.connect()
            cpu_before = run.server.cpu_ns()
            load = run.measure(seconds)
            cpu = run.server.cpu_ns() - cpu_before
        return _timed_sample(workload, load, cpu)

    def counting_run(self, workload, mode, seconds):
        """System calls by kind. A look at the counters makes calls of its own: two looks in a row
        say how many, and those are taken off."""
        with self._under_load(workload, mode, seconds, hooked=True) as run:
            run.connect()
            first = _look(run.server)
            before = _look(run.server)
            load = run.measure(seconds)
            after = _look(run.server)
        own = _difference(before, first)
        return _counted_sample(workload, load, _difference(_difference(after, before), own))

    def _under_load(self, workload, mode, seconds, hooked):
        server = [self.server_path(workload.kind, hooked), "--host", "127.0.0.1", "--port", 0,
                  "--backend", mode.backend, "--trigger", mode.trigger, "--stats"]
        load = load_command(self.load_generator, workload.kind, workload, seconds, self.spin)
        return UnderLoad(server, self.server_core, load, self.client_core)


def load_command(program, mode, workload, seconds, spin):
    return [program, "--mode", mode, "--connections", workload.connections,
            "--size", workload.size, "--seconds", seconds,
            "--warmup", min(0.1, seconds / 4)] + (["--spin"] if spin else [])


def _look(server):
    """The server's counters."""
    server.send_signal(signal.SIGUSR1)
    line = ""
    while not line.startswith("stats "):
        line = server.read_line("stderr")
    return dict(_number(word) for word in line.split()[1:])


def _number(word):
    key, value = word.split("=", 1)
    return key, float(value)


def _difference(after, before):
    return {key: value - before.get(key, 0) for key, value in after.items()}


def _timed_sample(workload, load, cpu_ns):
    values = {
        "seconds": load["seconds"],
        "requests": load["requests"],
        "bytes": load["bytes"],
        "server_cpu_ns": cpu_ns,
        "server_busy": cpu_ns / 1e9 / load["seconds"],
        "client_busy": load["client_cpu_seconds"] / load["seconds"],
        "latency_ns": load["latency_ns"],
    }
    if workload.kind == "echo":
        values["rate"] = load["requests"] / load["seconds"]
        values["p50"] = load["latency_ns"]["p50"] / 1000
        values["p99"] = load["latency_ns"]["p99"] / 1000
        values["cpu"] = cpu_ns / 1000 / load["requests"]
    else:
        values["rate"] = load["bytes"] / MIB / load["seconds"]
        values["cpu"] = cpu_ns / (load["bytes"] / KIB)
    return values


def _counted_sample(workload, load, counters):
    if not any(key.startswith("calls.") for key in counters):
        raise Failed("the server reports no calls: is it linked with pollux_hooked?")
    amount = load["requests"] if workload.kind == "echo" else load["bytes"] / MIB
    values = {"requests": load["requests"], "bytes": load["bytes"], "counters": counters}
    for kind, names in STATISTIC_CALLS.items():
        values[kind] = sum(counters.get(f"calls.{name}", 0) for name in names) / amount
    values["blocked"] = (
        sum(counters.get(f"blocked.{name}", 0) for name in STATISTIC_CALLS["read"]) / amount
    )
    return values


def default_build(project):
    return Path(project) / "build" / "release"
