"""The command line of bench/run, checked before anything is measured."""

import argparse
import random
from pathlib import Path

from comparison import grid, result_file
from comparison.contestants import (BACKENDS, MODEL_NAMES, MODES, ON_DEMAND, TRIGGERS,
                                    impossible, own, peers)
from comparison.measure import default_build
from comparison.processes import Failed
from comparison.statistics import ENOUGH_ROUNDS

PROJECT = Path(__file__).resolve().parent.parent.parent
SECTIONS = ["modes", "models", "peers"]
USUAL_SECTIONS = ["modes", "peers"]


class Parser(argparse.ArgumentParser):
    """What is wrong is said in one line: the usage has many."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (bench/run --help lists all options)\n")


def _parser():
    parser = Parser(
        prog="bench/run",
        description="Compares select, poll and epoll, level- and edge-triggered, with each other, "
        "with other libraries and with a server of your own: servers on one core, clients on "
        "another, in rounds that visit all in random order. Installs missing Debian packages and "
        "builds a release first.",
        epilog="Ctrl-C stops and reports what was measured until then.",
    )
    parser.add_argument("--quick", action="store_true",
                        help="1 and 50 connections, 3 rounds: less than a minute")
    who = parser.add_argument_group("who is compared")
    who.add_argument("--only", type=_names, metavar="SECTION,…",
                     help="modes (of dispatch), peers (other libraries), models (of serving); "
                     "modes and peers if nothing is said")
    who.add_argument("--modes", type=_names, nargs="?", const=[], metavar="NAME,…",
                     help="only modes; these of " + ", ".join(each.name for each in MODES))
    who.add_argument("--peers", type=_names, nargs="?", const=[], metavar="NAME,…",
                     help="only peers; these")
    who.add_argument("--models", type=_names, nargs="?", const=[], metavar="NAME,…",
                     help="only models; these of " + ", ".join(MODEL_NAMES))
    who.add_argument("--backend", type=_names, metavar="NAME,…",
                     help="modes of these: " + ", ".join(BACKENDS))
    who.add_argument("--trigger", type=_names, metavar="NAME,…",
                     help="modes of these: " + ", ".join(TRIGGERS))
    who.add_argument("--server", action="append", default=[], metavar="NAME='COMMAND {port}'",
                     help="a server of your own beside the modes, started with a port in place of "
                     "{port}; or NAME=:PORT, one that runs already. May be given several times")
    grid.add_axes(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--ramp", action="store_true",
                     help="raises the rate until a server does not keep up: where its knee is")
    how.add_argument("--rounds", type=int,
                     help=f"timed rounds ({ENOUGH_ROUNDS}: with fewer no winner is named; "
                     "models: 5)")
    how.add_argument("--budget", type=float, metavar="SECONDS", help="how long the rounds "
                     "of servers take, about; all are made, even where that takes longer")
    how.add_argument("--seed", type=int, help="of the order of the contestants (random)")
    how.add_argument("--spin", action="store_true",
                     help="the clients never sleep: steadier, but they use their whole core")
    how.add_argument("--baseline", type=Path, metavar="RESULTS",
                     help="afterwards hold what was counted against these results: status 1 when "
                     "a count that is the same on every machine has become worse")
    how.add_argument("--save-baseline", type=Path, metavar="FILE",
                     help="keep those counts, for a later --baseline")
    how.add_argument("--output", type=Path, default=PROJECT / "build" / "bench",
                     help="folder of results.json, results.csv and report.html (build/bench)")
    how.add_argument("--build", type=Path, default=default_build(PROJECT), help=argparse.SUPPRESS)
    return parser


def arguments(words=None):
    parser = _parser()
    options = parser.parse_args(words)
    if any(value is not None and value <= 0 for value in (options.rounds, options.budget)):
        parser.error("rounds and budget must be positive")
    options.is_usual = not any((options.backend, options.trigger, options.server, options.ramp,
                                options.connections, grid.given(options)))
    options.only = _sections(parser, options)
    if options.ramp and "models" in options.only:
        parser.error("--ramp: the models are not ramped up, only modes, peers and servers of your "
                     "own")
    options.chosen_modes = _modes(parser, options)
    options.chosen_models = _chosen(parser, "--models", options.models, MODEL_NAMES)
    options.available_peers = peers(options.build) if "peers" in options.only else []
    options.chosen_peers = _peers(parser, options)
    try:
        options.own = [own(text) for text in options.server]
    except ValueError as problem:
        parser.error(f"--server: {problem}")
    _refuse_equal_names(parser, options)
    options.model_rounds = options.rounds or (1 if options.quick else 5)
    options.rounds = options.rounds or (3 if options.quick or options.ramp else ENOUGH_ROUNDS)
    options.seed = options.seed if options.seed is not None else random.randrange(2**32)
    try:
        options.baseline_run = result_file.read(options.baseline) if options.baseline else None
    except Failed as problem:
        parser.error(f"--baseline: {problem}")
    try:
        options.output.mkdir(parents=True, exist_ok=True)  # now, not after minutes of measuring
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror}")
    return options


def _refuse_equal_names(parser, options):
    """Figures are kept by name."""
    taken = {each.name for each in [*MODES, *options.available_peers]} | {*MODEL_NAMES}
    for each in options.own:
        if each.name in taken:
            parser.error(f"--server: {each.name} is taken, choose another name")
        taken.add(each.name)


def _sections(parser, options):
    """Naming what belongs to a section chooses the section."""
    found = list(options.only or [])
    for name in SECTIONS:
        if getattr(options, name) is not None:
            found.append(name)
    if options.backend or options.trigger:
        found.append("modes")
    unknown = [name for name in found if name not in SECTIONS]
    if unknown:
        parser.error(f"--only: no section {unknown[0]}; choose among {', '.join(SECTIONS)}")
    return list(dict.fromkeys(found)) or (["modes"] if options.server else USUAL_SECTIONS)


def _modes(parser, options):
    """Backends and triggers that do not go together are kept, to be refused with the reason."""
    for option, names, known in (("--backend", options.backend, BACKENDS),
                                 ("--trigger", options.trigger, TRIGGERS)):
        _chosen(parser, option, names, known)
    by_name = {each.name: each for each in MODES}
    names = _chosen(parser, "--modes", options.modes, list(by_name))
    if options.backend and options.trigger:
        asked = [f"{backend}-{trigger}" for backend in options.backend
                 for trigger in options.trigger]
        return [by_name.get(name) or impossible(name) for name in asked]
    return [by_name[name] for name in names
            if (not options.backend or name.partition("-")[0] in options.backend)
            and (not options.trigger or name.partition("-")[2] in options.trigger)]


def _peers(parser, options):
    known = [each.name for each in options.available_peers]
    if options.peers:
        return _chosen(parser, "--peers", options.peers, known)
    return [name for name in known if name not in ON_DEMAND]


def _chosen(parser, option, names, known):
    """All when none is named."""
    for name in names or []:
        if name not in known:
            parser.error(f"{option}: no {name}; there are {', '.join(known) or 'none here'}")
    return names or known


def _names(text):
    return [part.strip() for part in text.split(",")]
