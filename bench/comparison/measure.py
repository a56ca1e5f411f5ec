"""One run: a fresh server, the load on it, and what both said."""

from pathlib import Path

from comparison.contestants import SERVER, SERVER_OPTIONS, program
from comparison.engine_counters import difference, look
from comparison.kernel_calls import checked_run, counted_run
from comparison.processes import Failed
from comparison.process_tree import switches_between
from comparison.results import COUNTED, KERNEL, KNEE, TIMED
from comparison.servers import HOST, Server
from comparison.under_load import UnderLoad
from comparison.workloads import KIB, MIB, USUAL

STATISTIC_CALLS = {
    "wait": ["epoll_wait", "epoll_pwait2", "ppoll", "pselect", "io_uring_enter"],
    "change": ["epoll_ctl", "fcntl"],
    "read": ["recv", "read"],
    "write": ["send", "sendmsg", "write", "writev"],
    "accept": ["accept4"],
}
# With fewer connections, what they take is lost in what else changes: pages shared with others.
CONNECTIONS_THAT_SHOW = 20


class Bench:
    """Where the programs are and which cores they run on. Servers of one thread have a core of
    their own; others may use all cores but the clients': where the kernel chooses, one run has both
    on one core and the next has not, and that changes the figures more than anything compared."""

    def __init__(self, build, server_core, other_cores, client_core, spin=False, patience=10.0):
        self.build = build
        self.load_generator = build / "bench" / "load_generator"
        self.server_core = server_core
        self.other_cores = other_cores
        self.client_core = client_core
        self.spin = spin
        self.patience = patience  # seconds without any answer, after which a server is full

    def ways(self):
        """What makes a run of each kind."""
        return {TIMED: self.timed, COUNTED: self.counted, KERNEL: self.counted_by_kernel,
                KNEE: self.knee}

    def timed(self, workload, contestant, seconds):
        """Rate, latency, server CPU, context switches and memory; no counting."""
        with self.under_load(workload, contestant, seconds) as run:
            tree = run.tree
            empty = _memory(tree, workload)
            run.connect()
            full = _memory(tree, workload)
            before = (tree.switches(), tree.cpu_ns()) if tree else None
            load = run.measure(seconds)
            cpu = switches = None
            if tree:
                cpu = tree.cpu_ns() - before[1]
                switches = switches_between(before[0], tree.switches())
        return timed_values(workload, load, cpu, switches, empty, full)

    def counted(self, workload, contestant, seconds):
        """System calls by kind, as the server has counted them. A look at the counters makes calls
        of its own: two looks in a row say how many, and those are taken off."""
        with self.under_load(workload, contestant, seconds, hooked=True) as run:
            run.connect()
            first = look(run.server.child)
            before = look(run.server.child)
            load = run.measure(seconds)
            after = look(run.server.child)
        own = difference(before, first)
        return counted_values(workload, load, difference(difference(after, before), own))

    def counted_by_kernel(self, workload, contestant, seconds):
        """System calls as strace sees them, which slows the server: more is ready at each wait. A
        server that counts too must have counted the same."""
        counts_too = counts_itself(contestant, workload)
        with self.under_load(workload, contestant, seconds, hooked=counts_too) as run:
            run.connect()
            if run.tree is None:
                raise Failed("its process is not known, so nobody can count its system calls")
            if counts_when_traced(contestant, workload):
                counts, load, differences = checked_run(
                    run.server.child, self.other_cores, lambda: run.measure(seconds))
            else:
                counts, load = counted_run(run.tree, self.other_cores,
                                           lambda: run.measure(seconds))
                differences = []
        return kernel_values(workload, load, counts, differences)

    def knee(self, workload, contestant, seconds):
        """The highest rate that is kept, found by an open loop that is raised step by step."""
        with self.under_load(workload, contestant, seconds, more=["--ramp"]) as run:
            run.connect()
            *steps, knee = run.ramp(seconds)
        return knee_values(steps, knee)

    def under_load(self, workload, contestant, seconds, hooked=False, more=()):
        command = server_command(self.build, contestant, workload, hooked)
        threads = contestant.all_cores or workload.loops > 1
        server = Server(contestant.name, command,
                        self.other_cores if threads else self.server_core, contestant.port,
                        contestant.announces)
        idle = [self.load_generator, "--mode", "idle", "--connections", workload.held]
        load = [*self._load_command(workload, seconds), *more]
        return UnderLoad(server, load, self.client_core,
                         idle if workload.held else None)

    def _load_command(self, workload, seconds):
        # What an open loop has not had an answer to at its end is not waited for as long.
        patience = min(1.0, self.patience) if workload.rate else self.patience
        return [*load_command(self.load_generator, workload, seconds, self.spin),
                "--patience", patience]


def load_command(generator, workload, seconds, spin=False):
    command = [generator, "--mode", workload.load, "--connections", workload.users,
               "--seconds", seconds, "--warmup", min(0.1, seconds / 4)]
    command += ["--size", workload.size] if workload.load != "http" else ["--path", workload.path]
    command += ["--depth", workload.depth] if workload.depth > 1 else []
    if workload.load == "download":
        command += ["--answer", workload.answer]
        command += ["--read-rate", workload.read_rate] if workload.read_rate else []
        if buffer := workload.receive_buffer_used:
            command += ["--receive-buffer", buffer]
    command += ["--rate", workload.rate] if workload.rate else []
    return command + (["--spin"] if spin else [])


def server_command(build, contestant, workload, hooked=False):
    """None for a server that runs already. Raises Failed when the program is missing."""
    if contestant.port:
        return None
    first, *words = contestant.command
    if first == SERVER and workload.load == "http":
        first, words = "http_server", [word for word in words if word != "--drain"]
    name = first + ("_hooked" if hooked else "")
    path = program(build, name)
    if path is None and not contestant.announces:
        path = name  # one that PATH finds
    if path is None:
        raise Failed(f"{name} is missing in {build}")
    if not contestant.announces:
        return [path, *words]
    for field in contestant.takes:
        if getattr(workload, field) != USUAL[field]:
            words += [SERVER_OPTIONS[field], getattr(workload, field)]
    if first == SERVER:
        words += _serving(workload) + (["--stats"] if hooked else [])
    return [path, *words, "--host", HOST, "--port", 0]


def counts_itself(contestant, workload):
    """http_server has no twin that counts."""
    return contestant.counts and workload.load != "http"


def counts_when_traced(contestant, workload):
    """Of several loops, what each has counted is not read at one moment."""
    return counts_itself(contestant, workload) and workload.loops == 1


def _serving(workload):
    if workload.load == "upload":
        return ["--serve", "discard"]
    if workload.load == "download":
        return ["--serve", "answer", "--request", workload.size, "--answer", workload.answer]
    return []


def _memory(tree, workload):
    """Worth the while of looking where there are enough connections to show."""
    return tree.memory_kib() if tree and workload.connections >= CONNECTIONS_THAT_SHOW else None


def amount(workload, load):
    """What figures are counted per; see Workload.unit."""
    return load["bytes"] / MIB if workload.unit == "MiB" else load["requests"]


def timed_values(workload, load, cpu_ns=None, switches=None, empty=None, full=None):
    """A figure that is not known is left out."""
    seconds, count = load["seconds"], amount(workload, load)
    if not count:
        raise Failed("nothing was answered while it was measured")
    latency = load["latency_ns"]
    values = {
        "seconds": seconds,
        "requests": load["requests"],
        "bytes": load["bytes"],
        "client_busy": load["client_busy"],
        "latency_ns": latency,
        "rate": count / seconds,
        "p50": latency["p50"] / 1000,
        "p99": latency["p99"] / 1000,
        "p999": latency["p99.9"] / 1000,
    }
    for key in ("histogram", "limited_by_client", "rate_asked", "rate_kept", "late", "unanswered",
                "errors"):
        if key in load:
            values[key] = load[key]
    if cpu_ns is not None:
        values["server_cpu_ns"] = cpu_ns
        values["server_busy"] = cpu_ns / 1e9 / seconds
        # Nanoseconds per KiB, or microseconds per request.
        values["cpu"] = cpu_ns / (load["bytes"] / KIB) if workload.unit == "MiB" else (
            cpu_ns / 1000 / count)
    if switches is not None:
        values["waited"], values["preempted"] = (each / count for each in switches)
    if None not in (empty, full):
        values["memory"] = (full - empty) / workload.connections
    return values


def counted_values(workload, load, counters):
    if not any(key.startswith("calls.") for key in counters):
        raise Failed("the server reports no calls: is it linked with pollux_hooked?")
    count = amount(workload, load)
    if not count:
        raise Failed("nothing was answered while it was counted")
    values = {"requests": load["requests"], "bytes": load["bytes"], "counters": counters}
    for kind, names in STATISTIC_CALLS.items():
        values[kind] = sum(counters.get(f"calls.{name}", 0) for name in names) / count
    values["blocked"] = (
        sum(counters.get(f"blocked.{name}", 0) for name in STATISTIC_CALLS["read"]) / count
    )
    values["calls"] = sum(value for key, value in counters.items()
                          if key.startswith("calls.")) / count
    return values


def knee_values(steps, knee):
    """Where the client was the limit, `knee_at_least` is in the place of `knee`."""
    curve = [{key: step[key] for key in ("rate_asked", "rate_kept", "limited_by_client")}
             | {"p50": step["latency_ns"]["p50"] / 1000, "p99": step["latency_ns"]["p99"] / 1000}
             for step in steps]
    values = {"because": knee["because"], "steps": curve,
              "limited_by_client": knee["because"] == "client"}
    if knee["knee"] is not None:
        return values | {"knee": knee["knee"]}
    return values | ({"knee_at_least": knee["kept"]} if knee["kept"] else {})


# Our names of what kernel_calls counts.
KERNEL_FIGURES = {
    "wait": "waits", "events": "events_per_wait", "change": "changes", "read": "reads",
    "blocked": "reads_blocked", "write": "writes", "accept": "accepts",
    "spurious": "spurious", "wake_up": "wake_ups", "bytes_per_wake": "bytes_per_wake_up",
    "calls": "calls",
}


def kernel_values(workload, load, counts, differences):
    count = amount(workload, load)
    if not count:
        raise Failed("nothing was answered while it was counted")
    figures = counts.per(count)
    if not figures["waits"]:  # nobody waits for several: nothing can be said about waits
        figures["events_per_wait"] = figures["bytes_per_wake_up"] = None
    values = {key: figures[name] for key, name in KERNEL_FIGURES.items()
              if figures[name] is not None}
    return values | {"requests": load["requests"], "bytes": load["bytes"],
                     "differences": differences, "counters": dict(counts.calls)}


def default_build(project):
    return Path(project) / "build" / "release"
