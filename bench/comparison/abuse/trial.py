"""One abuse, several times over: the others alone, then the others with the crowd beside them, in
turn, on one server, which must come back each time to the descriptors that it had."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from comparison.abuse import Load
from comparison.abuse.crowd import Crowd
from comparison.abuse.others import Harmed, Phase
from comparison.processes import Child, Failed, settle
from comparison.servers import Server
from comparison.under_load import UnderLoad

CROWD = Path(__file__).with_name("crowd.py")
PATIENCE = 15.0  # with a server that has to get rid of a crowd
MIB = 1024


@dataclass
class Outcome:
    """Memory in KiB (RSS), shares of a core, voluntary context switches a second."""

    alone: list = field(default_factory=list)  # of Phase
    beside: list = field(default_factory=list)
    memory: dict = field(default_factory=dict)  # before, peak, after
    descriptors: dict = field(default_factory=dict)  # the same
    cpu: dict = field(default_factory=dict)  # alone, beside
    wakeups: dict = field(default_factory=dict)
    crowd: dict = field(default_factory=dict)  # what it says it did
    counted: dict = field(default_factory=dict)  # what the server says it did
    broken: list = field(default_factory=list)  # what should hold and did not
    refusal: str = ""  # why it was not tried


class Trial:
    def __init__(self, abuse, build, cores, pairs, seconds):
        self._abuse, self._build, self._pairs, self._seconds = abuse, build, pairs, seconds
        self._server_core, self._client_core = cores
        self.outcome = Outcome(refusal=abuse.confined.refusal())

    def run(self):
        if self.outcome.refusal:
            return self.outcome
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._run_in(Path(folder))
            except (Failed, Harmed) as problem:
                self.outcome.broken.append(str(problem))
        return self.outcome

    def _run_in(self, folder):
        abuse = self._abuse
        if abuse.prepare:
            abuse.prepare(folder, self._build / "demos")
        name, *options = [word.format(folder=folder) for word in abuse.server]
        words = abuse.confined.command(
            [self._build / "demos" / name, *options, "--stats"], folder)
        server = Server(name, words, self._server_core)
        server.name = server.child.name = name
        self._child, self._tree = server.child, server.tree
        self._beside = abuse.confined.beside(server.child.pid)
        self._folder = abuse.confined.folder_of(server.child.pid, folder)
        with UnderLoad(server, self._load_command(), self._client_core) as run:
            self._port = server.port
            with self._joined(run) as measure:
                self._abuse_it(measure)
        if status := server.child.stop():  # it has ended already
            self.outcome.broken.append(f"ended with status {status}")

    def _load_command(self):
        others = self._abuse.others
        if not isinstance(others, Load):
            return []
        return [*self._beside, self._build / "bench" / "load_generator", *others.options,
                "--connections", others.connections, "--rate", others.rate,
                "--seconds", self._phase_seconds()]

    def _phase_seconds(self):
        return self._seconds * self._abuse.seconds

    @contextlib.contextmanager
    def _joined(self, run):
        """The others are there; gives what measures them."""
        seconds = self._phase_seconds()
        if isinstance(self._abuse.others, Load):
            run.connect()
            yield lambda: Phase.of_load(run.measure(seconds))
            return
        visitors = self._abuse.others()
        visitors.join(self._port, self._folder)
        settle(self._tree.cpu_ns)
        try:
            yield lambda: visitors.measure(seconds)
        finally:
            visitors.leave()

    def _abuse_it(self, measure):
        outcome = self.outcome
        said_before = self._statistics()
        outcome.memory["before"] = self._memory("VmRSS")
        at_rest = outcome.descriptors["before"] = self._descriptors()
        costs = {"alone": Costs(), "beside": Costs()}
        for _ in range(self._pairs):
            with costs["alone"].of(self._tree):
                outcome.alone.append(measure())
            crowds = self._gather()
            with costs["beside"].of(self._tree):
                outcome.beside.append(measure())
            most = outcome.descriptors.get("peak", 0)
            outcome.descriptors["peak"] = max(most, self._descriptors())
            self._wait_for_counts(said_before)
            self._send_home(crowds)
            self._wait_for_descriptors(at_rest)
        outcome.memory["peak"] = self._memory("VmHWM")
        outcome.memory["after"] = self._memory("VmRSS")
        for name, cost in costs.items():
            outcome.cpu[name], outcome.wakeups[name] = cost.shares()
        outcome.counted = self._counted_since(said_before)
        afterwards = measure()
        self._judge(afterwards)

    def _gather(self):
        crowds = []
        for crowd in self._abuse.crowds:
            if isinstance(crowd, Crowd):
                words = [sys.executable, CROWD, self._port, crowd.to_json()]
            else:
                words = [self._build / "bench" / "load_generator", "--mode", "idle",
                         "--connections", crowd, "--port", self._port]
            child = Child([str(word) for word in [*self._beside, *words]], self._client_core)
            crowds.append((crowd, child))
        for _, child in crowds:
            if (line := child.read_line(seconds=70)) != "ready":
                raise Failed(f"{child.name} said “{line[:200]}”")
        return crowds

    def _wait_for_counts(self, before):
        """Until the crowd has had of the server what it is to have, however slow the machine is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            counted = self._counted_since(before)
            if all(counted.get(key, 0) >= least for key, least in self._abuse.counted.items()):
                return
            time.sleep(0.05)

    def _counted_since(self, before):
        now = self._statistics()
        return {key: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}

    def _send_home(self, crowds):
        for crowd, child in crowds:
            if isinstance(crowd, Crowd):
                child.write_line("end")
                self._add(json.loads(child.read_line(seconds=30)))
            else:
                self._add({"connected": crowd, "answers": {}})
        for _, child in crowds:
            child.stop()

    def _add(self, said):
        total = self.outcome.crowd
        for status, count in said.pop("answers").items():
            said[f"answered {status}"] = count
        for what, count in said.items():
            total[what] = total.get(what, 0) + count

    def _wait_for_descriptors(self, at_rest):
        deadline = time.monotonic() + PATIENCE
        while self._descriptors() > at_rest + 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        settle(self._tree.cpu_ns)
        self.outcome.descriptors["after"] = self._descriptors()

    def _descriptors(self):
        return len(os.listdir(f"/proc/{self._child.pid}/fd"))

    def _memory(self, which):
        for line in Path(f"/proc/{self._child.pid}/status").read_text().splitlines():
            if line.startswith(which + ":"):
                return int(line.split()[1])
        raise Failed(f"{self._child.name} ended")

    def _statistics(self):
        self._child.send_signal(signal.SIGUSR1)
        line = self._child.read_line("stderr", seconds=PATIENCE)
        word, *pairs = line.split()
        if word != "stats":
            raise Failed(f"{self._child.name} said “{line}”")
        return {key: int(value) for key, value in (pair.split("=") for pair in pairs)}

    def _judge(self, afterwards):
        abuse, outcome = self._abuse, self.outcome
        grown = (outcome.memory["peak"] - outcome.memory["before"]) / MIB
        if grown > abuse.growth:
            outcome.broken.append(f"grew by {grown:.1f} MiB, more than {abuse.growth}")
        if outcome.descriptors["after"] > outcome.descriptors["before"] + 1:
            outcome.broken.append(f"{outcome.descriptors['after']} descriptors are left of "
                                  f"{outcome.descriptors['peak']}; it had "
                                  f"{outcome.descriptors['before']}")
        for counts, wanted in ((outcome.counted, abuse.counted), (outcome.crowd, abuse.suffered)):
            outcome.broken += [f"{key}: {counts.get(key, 0)}, not {least} or more"
                               for key, least in wanted.items() if counts.get(key, 0) < least]
        for when, phases in (("alone", outcome.alone), ("beside the crowd", outcome.beside),
                             ("afterwards", [afterwards])):
            problems = sum((phase.problems for phase in phases), Counter())
            if problems:
                outcome.broken.append(f"others, {when}: {dict(problems)}")
            refused = sum(phase.refused for phase in phases)
            if refused and not (abuse.may_refuse and phases is outcome.beside):
                outcome.broken.append(f"others, {when}: {refused} were refused")
        if abuse.check and (problem := abuse.check(self._folder)):
            outcome.broken.append(problem)


class Costs:
    """What the server cost over some phases."""

    def __init__(self):
        self._cpu = self._sleeps = self._seconds = 0

    @contextlib.contextmanager
    def of(self, tree):
        cpu, sleeps, began = tree.cpu_ns(), _sleeps(tree), time.monotonic()
        yield
        self._seconds += time.monotonic() - began
        self._cpu += tree.cpu_ns() - cpu
        self._sleeps += _sleeps(tree) - sleeps

    def shares(self):
        """Of one core; how often a second it went to sleep, and so was woken."""
        return self._cpu / 1e9 / self._seconds, self._sleeps / self._seconds


def _sleeps(tree):
    return sum(voluntary for voluntary, _ in tree.switches().values())
