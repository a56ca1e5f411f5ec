"""The models of serving: one protocol, upper_server, with another --model each time."""

from comparison.measure import load_command
from comparison.process_tree import switches_between
from comparison.processes import Failed
from comparison.under_load import UnderLoad

PROGRAM = "upper_server"
POOL_THREADS = 64
# With fewer connections, what they take is lost in what else changes: pages shared with others.
CONNECTIONS_THAT_SHOW = 20


class ModelBench:
    """Makes one run of one model. The server may use all of `server_cores`, but not the clients'
    core: where the kernel chooses, one run has both on one core and the next one has not, and that
    changes the figures many times more than the model does."""

    def __init__(self, build, server_cores, client_core, spin, patience):
        self.load_generator = build / "bench" / "load_generator"
        self.server = build / "demos" / PROGRAM
        self.server_cores = server_cores
        self.loops = max(2, len(server_cores))  # of multi, which is the reactor with one
        self.client_core = client_core
        self.spin = spin
        self.patience = patience  # seconds without any answer, after which a server is full

    def check_programs(self):
        """Raises Failed before anything is measured when the program is missing."""
        if not self.server.exists():
            raise Failed(f"{PROGRAM} is missing in {self.server.parent}")

    def timed_run(self, workload, model, seconds):
        load = load_command(self.load_generator, "upper", workload, seconds, self.spin)
        load += ["--patience", self.patience]
        with UnderLoad(self._command(model), self.server_cores, load, self.client_core) as run:
            tree = run.tree
            empty = tree.memory_kib()
            run.connect()
            full = tree.memory_kib()
            switches, cpu = tree.switches(), tree.cpu_ns()
            result = run.measure(seconds)
            cpu = tree.cpu_ns() - cpu
            switches = switches_between(switches, tree.switches())
        return sample(workload, result, cpu, switches, empty, full)

    def _command(self, model):
        command = [self.server, "--host", "127.0.0.1", "--port", 0, "--model", model.name,
                   "--backend", "epoll", "--trigger", "level"]
        threads = {"pool": POOL_THREADS, "multi": self.loops}.get(model.name)
        return command + (["--threads", threads] if threads else [])


def sample(workload, result, cpu_ns, switches, empty, full):
    requests, seconds = result["requests"], result["seconds"]
    values = {
        "seconds": seconds,
        "requests": requests,
        "server_busy": cpu_ns / 1e9 / seconds,
        "client_busy": result["client_cpu_seconds"] / seconds,
        "latency_ns": result["latency_ns"],
        "rate": requests / seconds,
        "p50": result["latency_ns"]["p50"] / 1000,
        "p99": result["latency_ns"]["p99"] / 1000,
        "cpu": cpu_ns / 1000 / requests,
    }
    if switches is not None:
        values["waited"], values["preempted"] = (count / requests for count in switches)
    if None not in (empty, full) and workload.connections >= CONNECTIONS_THAT_SHOW:
        values["memory"] = (full - empty) / workload.connections
    return values
