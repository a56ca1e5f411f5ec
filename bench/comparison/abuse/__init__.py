"""Abuse: what clients can do to a server that they cannot bring down otherwise, and what the others
have of it.

`list` names what is done to whom, `trial` does it, `crowd` are those who do it and `others` those
who suffer; `confined` takes from a server what it needs, `page` is what came of it."""

from dataclasses import dataclass, field

from comparison.abuse.confined import Confined
from comparison.abuse.crowd import Crowd


@dataclass(frozen=True)
class Load:
    """Others that the load generator stands for: its options."""

    options: tuple
    connections: int = 16
    rate: int = 1000


@dataclass(frozen=True)
class Abuse:
    """`server` is a program of demos/ with its options; {folder} in them is a folder of its own.
    `others` is a Load, or is called and gives visitors (see `others`)."""

    name: str
    text: str  # what the crowd does, as one sentence
    server: tuple
    crowds: tuple  # of Crowd; or "idle N": connections held by the load generator
    others: object
    growth: int  # MiB that the server may grow by at most, and why:
    because: str
    # At least so often, as the server counts: {"closed.deadline": 200}; as the crowd does.
    counted: dict = field(default_factory=dict)
    suffered: dict = field(default_factory=dict)
    confined: Confined = Confined()
    may_refuse: bool = False  # the others too, as long as the abuse goes on
    prepare: object = None  # called with the folder before the server starts
    seconds: float = 1.0  # of one phase
    # What else must hold at the end: called with the folder as it can be read from here; gives what
    # is wrong, or nothing.
    check: object = None
