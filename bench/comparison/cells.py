"""What is compared: modes of dispatch or models of serving, under workloads; one of each: a cell."""

from dataclasses import dataclass

# Descriptors of a server or client that are no connections: standard streams, listener, epoll …
OTHER_DESCRIPTORS = 16
# select(2) takes numbers below this; glibc fixes it when the program is compiled.
FD_SETSIZE = 1024


@dataclass(frozen=True)
class Mode:
    backend: str
    trigger: str

    @property
    def name(self):
        return f"{self.backend}-{self.trigger}"


@dataclass(frozen=True)
class Model:
    name: str


MODES = [
    Mode("select", "level"),
    Mode("poll", "level"),
    Mode("epoll", "level"),
    Mode("epoll", "edge"),
    Mode("epoll", "one-shot"),
]
MODELS = [
    Model("iterative"),
    Model("threads"),
    Model("pool"),
    Model("fork"),
    Model("reactor"),
    Model("multi"),
    Model("coroutine"),
]
BASE = "epoll-level"  # what the other modes are held against
MODEL_BASE = "reactor"


@dataclass(frozen=True)
class Workload:
    kind: str  # "echo", "models": small messages there and back; "upload": bytes one way
    connections: int
    size: int  # of a message, or of one write of an upload

    @property
    def name(self):
        return f"{self.kind}-{self.connections}"

    @property
    def title(self):
        connections = f"{self.connections} connection" + ("s" if self.connections > 1 else "")
        if self.kind == "echo":
            return f"Echo of {self.size}-byte messages, {connections}"
        if self.kind == "models":
            return f"Models, {self.size}-byte messages in upper case, {connections}"
        return f"Bulk upload, {connections}"

    @property
    def unit(self):
        """What calls are counted per."""
        return "MiB" if self.kind == "upload" else "request"

    @property
    def base(self):
        """Name of the mode or model that the others are held against."""
        return MODEL_BASE if self.kind == "models" else BASE


@dataclass(frozen=True)
class Part:
    """Workloads that are measured with the same modes or models, and how."""

    workloads: list
    modes: list
    bench: object
    rounds: int
    counting_rounds: int
    budget: float  # seconds


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    unit: str
    digits: int
    compared: bool = True  # with a column of ratios


def timed_metrics(kind):
    if kind == "echo":
        return [
            Metric("rate", "requests/s", "1/s", 0),
            Metric("p50", "latency p50", "µs", 1),
            Metric("p99", "latency p99", "µs", 1),
            Metric("cpu", "server CPU per request", "µs", 2),
        ]
    if kind == "models":
        return [
            Metric("rate", "requests/s", "1/s", 0, compared=False),
            Metric("p50", "latency p50", "µs", 1, compared=False),
            Metric("p99", "latency p99", "µs", 1, compared=False),
            Metric("cpu", "server CPU per request", "µs", 2),
            Metric("waited", "voluntary switches", "per request", 3, compared=False),
            Metric("preempted", "involuntary switches", "per request", 3, compared=False),
            Metric("memory", "memory per connection", "KiB", 1, compared=False),
        ]
    return [
        Metric("rate", "throughput", "MiB/s", 0),
        Metric("cpu", "server CPU per KiB", "ns", 1),
    ]


def counted_metrics(kind):
    if kind == "models":
        return []
    per = "per request" if kind == "echo" else "per MiB"
    return [
        Metric("wait", "waits", per, 3),
        Metric("change", "re-registrations", per, 3),
        Metric("read", "reads", per, 3),
        Metric("blocked", "would-block", per, 3),
        Metric("write", "writes", per, 3),
    ]


def refusal(workload, mode, hard_limit):
    """Why this cell cannot be measured here; None when it can."""
    needed = workload.connections + OTHER_DESCRIPTORS
    if isinstance(mode, Mode) and mode.backend == "select" and needed > FD_SETSIZE:
        return f"select(2) takes descriptors below {FD_SETSIZE} (FD_SETSIZE)"
    if needed > hard_limit:
        return f"needs {needed} descriptors, the hard limit is {hard_limit} (ulimit -Hn)"
    return None
