"""Programs that stand by are visited in turn, so that whatever drifts meets all alike.

Each prints "ready", and then for each line "go COUNT" what doing that much took, as a JSON object
with at least "count" and "cpu_ns"; it ends when its input does.
"""

import json
import random
import time

from comparison.processes import Child, Failed

STARTS = 5  # where a process happens to lie in memory is worth some per cent: several of each
MOST = 10**9
PATIENCE = 30.0  # seconds


def rounds(programs, arguments, rounds, seed, core, show=lambda text: None, milliseconds=10.0,
           count=None):
    """One sample for each program (name: command, to which the arguments are added) in each round,
    as a list; see `visits`."""
    return list(visits(programs, arguments, rounds, seed, core, show, milliseconds, count))


def visits(programs, arguments, rounds, seed, core, show=lambda text: None, milliseconds=10.0,
           count=None):
    """The samples as they come: what the program said, with "name" and "round". The order is random
    in each round. A visit is `count` long or, without it, such that it takes about so many
    milliseconds. Every program is started several times in the course of the rounds. One that
    fails gives a sample with "reason" and no figures, and is not visited again."""
    chance = random.Random(seed)
    left = dict(programs)
    counts = dict.fromkeys(programs, count)
    starts = min(STARTS, rounds)
    done = 0
    for start in range(starts):
        share = (rounds + start) // starts
        with _Standing(left, arguments, core) as standing:
            for failure in standing.failures(counts, milliseconds):
                del left[failure["name"]]
                yield failure | {"round": done + 1}
            for number in range(done + 1, done + share + 1):
                show(f"round {number} of {rounds}")
                order = list(left)
                chance.shuffle(order)
                for name in order:
                    sample = standing.visit(name, counts[name])
                    if "reason" in sample:
                        del left[name]
                    yield sample | {"round": number}
        done += share


class _Standing:
    """All programs, started."""

    def __init__(self, programs, arguments, core):
        self._programs, self._arguments, self._core = dict(programs), arguments, core
        self._children = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self._children.values():
            child.stop()

    def failures(self, counts, milliseconds):
        """Starts them, finds out how long a visit has to be where that is not known, and warms
        them up. A sample for each that fails."""
        for name, command in self._programs.items():
            try:
                child = Child([*map(str, [*command, *self._arguments])], self._core)
                self._children[name] = child
                line = child.read_line(seconds=PATIENCE)
                if line != "ready":
                    raise Failed(f"{child.name} said {line[:100]!r} and not that it is ready")
                if counts[name] is None:
                    counts[name] = self._length(name, milliseconds * 1e6)
                else:
                    self._go(name, max(1, counts[name] // 10))
            except Failed as problem:
                yield {"name": name, "reason": str(problem)}

    def visit(self, name, count):
        try:
            return {"name": name} | self._go(name, count)
        except Failed as problem:
            return {"name": name, "reason": str(problem)}

    def _length(self, name, wanted):
        count, deadline = 1, time.monotonic() + PATIENCE
        while True:
            taken = self._time(self._go(name, count))
            if taken >= wanted / 4 or count >= MOST:
                return max(1, min(MOST, round(count * wanted / max(1, taken))))
            if time.monotonic() > deadline:
                raise Failed("takes no time, however much there is to do")
            count = min(MOST, count * 4)

    @staticmethod
    def _time(sample):
        return sample.get("wall_ns", sample["cpu_ns"])

    def _go(self, name, count):
        child = self._children[name]
        child.write_line(f"go {count}")
        line = child.read_line(seconds=PATIENCE)
        try:
            sample = json.loads(line)
            if sample["count"] >= count and sample["cpu_ns"] >= 0:
                return sample
        except (ValueError, KeyError, TypeError):
            pass
        raise Failed(f"{child.name} said {line[:100]!r} when told to do {count}")
