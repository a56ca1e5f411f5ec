"""Which cells a run visits, how often, and what was refused beforehand."""

from dataclasses import dataclass, field

from comparison import contestants, grid, machine
from comparison.refusal import refusal
from comparison.results import COUNTED, KERNEL, KNEE, TIMED, Cell

CONNECTIONS, QUICK_CONNECTIONS = [1, 50, 500, 5000], [1, 50]
PEER_CONNECTIONS = 500  # with more, they say nothing further about a library
# Seconds of measuring, full and quick.
BUDGETS = {"servers": (230.0, 18.0), "models": (210.0, 7.0)}


@dataclass
class Part:
    """Cells that are visited in the same rounds. What is `refused` has its reasons."""

    name: str
    cells: list = field(default_factory=list)
    refused: list = field(default_factory=list)  # (cell, reason)
    rounds: dict = field(default_factory=dict)  # of each kind of run
    budget: float = 0.0  # seconds

    def contestants_of(self):
        """Of each workload, those that were refused too, in their order."""
        found = {}
        for workload, contestant in [*self.cells, *(cell for cell, _ in self.refused)]:
            found.setdefault(workload, []).append(contestant)
        order = {"modes": 0, "models": 0, "peers": 1, "own": 2}
        return {workload: sorted(each, key=lambda one: order[one.group])
                for workload, each in found.items()}

    def bases(self):
        """Of each workload: the usual one, or the first that can run."""
        found = {}
        for workload, contestant in self.cells:
            if contestant.name in (contestants.BASE, contestants.MODEL_BASE):
                found[workload.name] = contestant.name
        for workload, contestant in self.cells:
            found.setdefault(workload.name, contestant.name)
        return found


def parts_of(options):
    parts = []
    if set(options.only) & {"modes", "peers"} or options.own:
        parts.append(_checked("servers", _server_cells(options), _server_rounds(options), options))
    if "models" in options.only:
        parts.append(_checked("models", _model_cells(options), {TIMED: options.model_rounds},
                              options))
    usual = sum(part.budget for part in parts)
    for part in parts:
        part.budget *= options.budget / usual if options.budget else 1.0
    return parts


def _server_cells(options):
    connections = QUICK_CONNECTIONS if options.quick else CONNECTIONS
    chosen = options.chosen_modes if "modes" in options.only else []
    others = list(options.own)
    if "peers" in options.only:
        others += [each for each in options.available_peers if each.name in options.chosen_peers]
    alone = not chosen
    if alone:  # somebody must be there to be held against
        chosen = [each for each in contestants.MODES if each.name == contestants.BASE]
    loads = ["echo"] if grid.given(options) else ["echo", "upload"]
    asked = grid.given(options) or options.connections
    cells = []
    for workload in grid.workloads(options, loads, connections):
        beside = [each for each in others if asked or each.group != "peers"
                  or workload.load != "upload" and workload.connections <= PEER_CONNECTIONS]
        if beside or not alone:
            cells += [Cell(workload, each) for each in [*chosen, *beside]]
    return cells


def _server_rounds(options):
    if options.ramp:
        return {KNEE: options.rounds}
    return {COUNTED: 1 if options.quick else 3, KERNEL: 1, TIMED: options.rounds}


def _model_cells(options):
    connections = QUICK_CONNECTIONS if options.quick else CONNECTIONS
    chosen = [each for each in contestants.models(len(machine.cores_beside(machine.core_pair()[1])))
              if each.name in options.chosen_models]
    return [Cell(workload, each) for workload in grid.model_workloads(options, connections)
            for each in chosen]


def _checked(name, cells, rounds, options):
    part = Part(name, rounds=rounds, budget=BUDGETS[name][options.quick])
    limit = machine.hard_descriptor_limit()
    for cell in cells:
        reason = refusal(*cell, limit)
        part.refused.append((cell, reason)) if reason else part.cells.append(cell)
    return part


def refused_lines(parts):
    """What was refused, and why: a line for each reason."""
    found = {}
    for part in parts:
        for (workload, contestant), reason in part.refused:
            names, workloads = found.setdefault(reason, ({}, {}))
            names[contestant.name] = workloads[workload.name] = None
    return [f"{_some(names)} under {_some(workloads)}: {reason}"
            for reason, (names, workloads) in found.items()]


def _some(names, most=4):
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
