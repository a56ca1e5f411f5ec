"""Programs that do one thing again and again, visited in turn, so that whatever drifts meets all
alike.

Each prints "ready", and then for each line "go COUNT" what doing that much took, as a JSON object
with at least "count" and "cpu_ns"; it ends when its input does. Every visit is of a new process:
where one happens to lie in memory is worth as much as all else that varies, so that several visits
of one process would be no samples of their own.
"""

import json
import random
import time
from math import ceil

from comparison.processes import Child, Failed

MOST = 10**9
PATIENCE = 30.0  # seconds
NEARLY = 0.9  # of the length that was asked for: long enough


def rounds(programs, arguments, rounds, seed, core, show=lambda text: None, milliseconds=10.0,
           count=None):
    """One sample for each program (name: command, to which the arguments are added) in each round,
    as a list; see `visits`."""
    return list(visits(programs, arguments, rounds, seed, core, show, milliseconds, count))


def visits(programs, arguments, rounds, seed, core, show=lambda text: None, milliseconds=10.0,
           count=None):
    """The samples as they come: what the program said, with "name" and "round". The order is random
    in each round. A visit is `count` long or, without it, such that it takes about so many
    milliseconds; a tenth of that comes before it, to warm up. A program that fails gives a sample
    with "reason" and no figures, and is not visited again."""
    chance = random.Random(seed)
    left = {name: [*map(str, [*command, *arguments])] for name, command in programs.items()}
    counts = dict.fromkeys(programs, count)
    for number in range(1, rounds + 1):
        show(f"round {number} of {rounds}")
        order = list(left)
        chance.shuffle(order)
        for name in order:
            sample = {"name": name, "round": number}
            try:
                if counts[name] is None:
                    with _Standing(left[name], core) as rehearsal:
                        counts[name] = rehearsal.length(milliseconds * 1e6)
                with _Standing(left[name], core) as standing:
                    standing.go(max(1, counts[name] // 10))
                    sample |= standing.go(counts[name])
            except Failed as problem:
                del left[name]
                sample["reason"] = str(problem)
            yield sample


class Answerer:
    """A program that is ready, for the length of a `with` statement."""

    def __init__(self, command, cores):
        self._child = Child([str(word) for word in command], cores)

    def __enter__(self):
        try:
            line = self._child.read_line(seconds=PATIENCE)
            if line != "ready":
                raise Failed(f"{self._child.name} said {line[:100]!r} and not that it is ready")
            return self
        except BaseException:
            self._child.stop()
            raise

    def __exit__(self, *_):
        self._child.stop()

    @property
    def pid(self):
        return self._child.pid

    def ask(self, count, *words, seconds=60):
        """What it says to `go COUNT WORD…`."""
        self._child.write_line(" ".join(map(str, ("go", count, *words))))
        return json.loads(self._child.read_line(seconds=seconds))


class _Standing(Answerer):
    """One that is asked for a count, and must say that it did as much."""

    def length(self, wanted):
        """The count that takes so many nanoseconds. What was found is tried: what takes its time
        only once, such as what a library puts off to its first turn, is no measure of the rest."""
        self.go(1)
        count, deadline = 1, time.monotonic() + PATIENCE
        while True:
            taken = min(self._time(self.go(count)) for _ in range(2))
            if taken >= NEARLY * wanted or count >= MOST:
                return count
            if time.monotonic() > deadline:
                raise Failed("takes no time, however much there is to do")
            count = min(MOST, ceil(count * min(4, wanted / max(1, taken))))

    @staticmethod
    def _time(sample):
        return sample.get("wall_ns", sample["cpu_ns"])

    def go(self, count):
        child = self._child
        child.write_line(f"go {count}")
        line = child.read_line(seconds=PATIENCE)
        try:
            sample = json.loads(line)
            if sample["count"] >= count and sample["cpu_ns"] >= 0:
                return sample
        except (ValueError, KeyError, TypeError):
            pass
        raise Failed(f"{child.name} said {line[:100]!r} when told to do {count}")
