"""Aims: what the engine may cost, each measured beside bare loops and other libraries.

Modules of this folder measure the rows of one topic each. `case` is what a row is made of, `run`
measures rows, `page` is what came of them."""

import importlib
from dataclasses import dataclass

TOPICS = ("dispatch", "adaptive", "echo", "busy", "churn", "upload", "fairness", "memory", "timers",
          "posts", "spinning", "allocations")  # in the order of the table


@dataclass(frozen=True)
class Row:
    name: str  # for --only
    work: str
    measure: str
    aim: str  # with the stretch in brackets
    attempt: object  # called with the Laboratory; gives Cases, or raises Failed


ROWS = {}


def aim(name, work, measure, text):
    """Decorates the function that measures a row."""

    def register(attempt):
        ROWS[name] = Row(name, work, measure, text, attempt)
        return attempt

    return register


def load_all():
    """The rows of all topics, in the order of the table, by their names."""
    modules = [importlib.import_module(f"{__name__}.{topic}").__name__ for topic in TOPICS]
    rows = sorted(ROWS.values(), key=lambda row: modules.index(row.attempt.__module__))
    return {row.name: row for row in rows}
