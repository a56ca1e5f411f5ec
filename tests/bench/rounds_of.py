"""Samples made up for tests: cells with figures that vary a little from round to round."""

import random

from comparison.contest import Figures

WOBBLE = (0.995, 1.005, 1.0, 0.998, 1.002)


def figures(cells, rounds=20):
    """`cells`: name of the cell and its figures, the same in every round but for half a per cent.
    Whole numbers do not vary: counters."""
    return Figures([
        {"cell": name, "round": number,
         "values": {key: _varied(value, number) for key, value in values.items()}}
        for number in range(1, rounds + 1) for name, values in cells.items()])


def _varied(value, number):
    return value * WOBBLE[number % len(WOBBLE)] if isinstance(value, float) else value


def noisy(cells, key, rounds=20):
    """The same, but nothing can be told from `key`."""
    chance = random.Random(1)
    made = figures(cells, rounds)
    for sample in made.samples:
        if key in sample["values"]:
            sample["values"][key] *= chance.uniform(0.5, 2)
    return made
