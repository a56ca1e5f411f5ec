"""Which cells a run visits, how often, and what was refused beforehand."""

from dataclasses import dataclass, field, replace

from comparison import contestants, grid, machine
from comparison.measure import counts_itself
from comparison.progress import clock_time
from comparison.refusal import refusal
from comparison.results import COUNTED, KERNEL, KNEE, TIMED, Cell
from comparison.rounds import SHORTEST, Budget, plan

CONNECTIONS, QUICK_CONNECTIONS = [1, 50, 500, 5000], [1, 50]
PEER_CONNECTIONS = 50  # with more, they say nothing further about a library
USUAL_LOADS = [["echo", "upload", "churn"], ["echo", "upload"]]  # full and quick
CHURNING = 50
# Seconds of measuring, full and quick.
BUDGETS = {"servers": (250.0, 20.0), "models": (210.0, 7.0)}
OVERRUN = 1.5  # times the budget: worth a word


@dataclass
class Part:
    """Cells that are visited in the same rounds. What is `refused` has its reasons."""

    name: str
    cells: list = field(default_factory=list)
    refused: list = field(default_factory=list)  # (cell, reason)
    rounds: dict = field(default_factory=dict)  # of each kind of run
    budget: float = 0.0  # seconds
    quick: bool = False

    def runs(self, seed):
        """In their order."""
        return [run for run in plan(self.cells, self.rounds, seed) if self._is_made(run)]

    def _is_made(self, run):
        """The kernel counts slowly: a quick run has it count where that is exact. And to be traced
        interrupts the waits of a server: one that was not started here might end of it."""
        if run.kind == COUNTED:
            return counts_itself(run.contestant, run.workload)
        if run.kind == KERNEL:
            return not run.contestant.port and (not self.quick or run.workload.connections == 1)
        return True

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
    asked = grid.given(options)
    cells = []
    loads = ["echo"] if asked or options.own else USUAL_LOADS[options.quick]
    for workload in grid.workloads(options, loads, connections):
        before, beside = ([each for each in several if asked or _is_usual(workload, each, options)]
                          for several in (chosen, others))
        if beside or not alone:
            cells += [Cell(workload, each) for each in [*before, *beside]]
    return cells


def _is_usual(workload, contestant, options):
    """Whether it is measured when nobody has asked for a load: what shows something, in a few
    minutes. A server of one's own may do no more than echo."""
    if workload.load == "upload":
        return contestant.group == "modes"
    if workload.load == "churn":
        return workload.connections == CHURNING and (
            contestant.group == "peers" or contestant.name == contestants.BASE)
    return (contestant.group != "peers" or workload.connections <= PEER_CONNECTIONS
            or options.connections)


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
    part = Part(name, rounds=rounds, budget=BUDGETS[name][options.quick], quick=options.quick)
    limit = machine.hard_descriptor_limit()
    for cell in cells:
        reason = refusal(*cell, limit, KNEE in rounds)
        part.refused.append((cell, reason)) if reason else part.cells.append(cell)
    return part


def least_seconds(part):
    """What its rounds take even if each timed run is as short as can be."""
    known, once = Budget(0), replace(part, rounds=dict.fromkeys(part.rounds, 1))
    return sum(part.rounds[run.kind]
               * (known.time_left([run], SHORTEST) + _one_answer(run.workload))
               for run in once.runs(seed=0))


def _one_answer(workload):
    """Seconds that a slow reader takes for one."""
    return workload.answer / workload.read_rate if workload.read_rate else 0.0


def warnings(parts, cores):
    """What can be measured, but not for what it seems to be."""
    workloads = {workload for part in parts for workload, _ in part.cells}
    lines = [_crowded_loops(workloads, cores), _unfelt_readers(workloads), *map(_overrun, parts)]
    return list(filter(None, lines))


def _overrun(part):
    least = least_seconds(part)
    return (f"all rounds of the {part.name} are made, which takes {clock_time(least)} minutes at "
            f"least, not the {clock_time(part.budget)} of the budget: fewer --rounds take less"
            ) if least > OVERRUN * part.budget else ""


def _crowded_loops(workloads, cores):
    loops = sorted({each.loops for each in workloads if each.loops > cores})
    return (f"{', '.join(map(str, loops))} loops share {cores} core" + ("s" if cores > 1 else "")
            + ": what more cores would gain is not seen here") if loops else ""


def _unfelt_readers(workloads):
    """A server hands the kernel all it takes, and is done with it."""
    room = machine.largest_send_buffer()
    answers = sorted({each.answer for each in workloads if each.read_rate
                      and each.answer + each.receive_buffer_used <= room})
    return (f"answers of {', '.join(f'{each:,}' for each in answers)} bytes fit into the kernel's "
            f"send buffers ({room:,}, net.ipv4.tcp_wmem): servers may not feel slow readers, larger "
            "answers would show them") if answers else ""


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
