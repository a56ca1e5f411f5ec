"""What contestants are put under, and which figures tell about it."""

from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024
SLOW_BUFFER = 16 * KIB


@dataclass(frozen=True)
class Workload:
    """Fields that are not given are those of a plain closed loop of small messages."""

    load: str  # "echo", "upper": there and back; "upload", "download": bytes one way;
    # "churn": a connection per request; "http": GET
    connections: int  # that the server watches
    size: int = 64  # of a message or request; of one write of an upload
    active: float = 1.0  # share of the connections that is used; another process holds the rest
    idle: int = 0  # connections held besides
    depth: int = 1  # messages under way on a connection
    answer: int = MIB  # bytes of the answer to a request for a download
    read_rate: int = 0  # bytes per second that a client reads of a download; 0: all it can
    receive_buffer: int = 0  # bytes, of a client of a download; 0: see receive_buffer_used
    accepts: int = 0  # that the server makes in one visit of its listener; 0: its own default
    read_size: int = 0  # largest read of the server; 0: its own default
    work: int = 0  # microseconds of work of the server for each request
    loops: int = 1  # event loops, each in a thread of its own
    path: str = "/plain"  # of a GET
    rate: float = 0  # messages per second that fall due, answered or not; 0: a closed loop

    @property
    def users(self):
        """How many connections are used."""
        return round(self.connections * self.active)

    @property
    def one_at_a_time(self):
        """One client that waits for each answer: nothing else can be ready meanwhile, so that
        every run makes the same calls."""
        return (self.load in ("echo", "http") and self.users == 1 and self.depth == 1
                and not self.rate)

    @property
    def held(self):
        """How many connections another process holds, without a byte."""
        return self.connections - self.users + self.idle

    @property
    def receive_buffer_used(self):
        """0: as the kernel likes. It would grow that of a slow reader to MiB, and then the server
        does not notice him."""
        return self.receive_buffer or (SLOW_BUFFER if self.read_rate else 0)

    @property
    def name(self):
        """Different for different workloads: fields that are usual are left out."""
        words = [self.load, str(self.connections)]
        for field, (short, _) in AXES.items():
            value = getattr(self, field)
            if value == USUAL[field] or field == "size" and value == usual_size(self.load):
                continue
            if field == "active":
                value = f"{value * 100:g}%"
            words.append(short + (value if isinstance(value, str) else f"{value:.12g}"))
        return "-".join(words)

    @property
    def audience(self):
        """Its connections, with their noun."""
        return f"{self.connections:,} connection" + ("s" if self.connections != 1 else "")

    @property
    def title(self):
        subject = {
            "echo": f"Echo of {self.size:,}-byte messages",
            "upper": f"Models, {self.size:,}-byte messages in upper case",
            "upload": "Bulk upload",
            "download": f"Download, answers of {self.answer:,} bytes",
            "churn": "A connection for each request",
            "http": "HTTP GET",
        }[self.load]
        rest = [text.format(getattr(self, field) * (100 if field == "active" else 1))
                for field, (_, text) in AXES.items()
                if text and getattr(self, field) != USUAL[field]]
        return ", ".join([subject, self.audience, *rest])

    @property
    def unit(self):
        """What calls are counted per."""
        return UNITS[self.load]


UNITS = {"echo": "request", "upper": "request", "http": "request", "churn": "connection",
         "upload": "MiB", "download": "MiB"}
USUAL = {name: field.default for name, field in Workload.__dataclass_fields__.items()}
# Of every axis but load and connections: how it is called in a name, and what a title says.
AXES = {
    "size": ("size", ""),
    "active": ("active", "{:g} % of them active"),
    "idle": ("idle", "{:,} more idle"),
    "depth": ("depth", "{} messages under way on each"),
    "answer": ("answer", ""),
    "read_rate": ("slow", "clients read {:,} bytes/s each"),
    "receive_buffer": ("buffer", "receive buffers of {:,} bytes"),
    "accepts": ("accepts", "{} accepts a visit"),
    "read_size": ("read", "reads of {:,} bytes"),
    "work": ("work", "{:,} µs of work"),
    "loops": ("loops", "{} loops"),
    "path": ("", "of {}"),
    "rate": ("rate", "{:,.12g} messages/s due"),
}


def usual_size(load):
    """Of a message, or of one write of an upload."""
    return 65536 if load == "upload" else USUAL["size"]


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    unit: str
    digits: int
    compared: bool = True  # with a column of ratios


def counted_metrics(load):
    """What is counted, not timed: the same on every machine where one client waits for each answer;
    with several, it varies with how many are ready at once."""
    per = "per " + UNITS[load]
    metrics = [
        Metric("wait", "waits", per, 3),
        Metric("events", "events per wait", "", 2, compared=False),
        Metric("change", "re-registrations", per, 3),
        Metric("read", "reads", per, 3),
        Metric("blocked", "would-block", per, 3),
        Metric("write", "writes", per, 3),
        Metric("wake_up", "wake-ups", per, 3, compared=False),
        Metric("spurious", "spurious wake-ups", per, 3, compared=False),
        Metric("bytes_per_wake", "bytes per wake-up", "", 0, compared=False),
    ]
    if load == "churn":
        metrics.insert(3, Metric("accept", "accepts", per, 3))
    return [] if load == "upper" else metrics


KNEE_RESOLUTION = 1.1  # a ramp knows a knee to 10 %
KNEE_METRICS = [Metric("knee", "knee", "requests/s", 0)]


def timed_metrics(load):
    if load in ("upload", "download"):
        return [
            Metric("cpu", "server CPU per KiB", "ns", 1),
            Metric("rate", "throughput", "MiB/s", 0),
        ]
    one = UNITS[load]
    models = load == "upper"
    metrics = [
        Metric("cpu", f"server CPU per {one}", "µs", 2),
        Metric("rate", f"{one}s/s", "1/s", 0, compared=not models),
        Metric("p50", "latency p50", "µs", 1, compared=False),
        Metric("p99", "latency p99", "µs", 1, compared=not models),
    ]
    if models:
        metrics += [
            Metric("waited", "voluntary switches", "per request", 3, compared=False),
            Metric("preempted", "involuntary switches", "per request", 3, compared=False),
            Metric("memory", "memory per connection", "KiB", 1, compared=False),
        ]
    return metrics
