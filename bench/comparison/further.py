"""What is no load on a server: one big file, datagrams, the loops of libraries, and memory."""

import sys
from dataclasses import asdict

from comparison import datagrams, peers_memory, peers_micro, transfer
from comparison.processes import Failed

MIB = 1024 * 1024
ROUNDS = 5  # of file and datagrams: what they show is plain with few
# Seconds that each takes, full and quick.
SECONDS = {"modes": (30.0, 4.0), "peers": (75.0, 14.0)}
LOOPS_SHARE = 0.6  # of the seconds of the peers; the rest is for memory


def sections_of(options):
    """For which sections of the command line there is more; nothing where the user has chosen what
    to measure."""
    return [name for name in SECONDS if options.is_usual and name in options.only
            and not getattr(options, name)]


def seconds_of(options):
    return sum(SECONDS[name][options.quick] for name in sections_of(options))


def measure(options, cores, show):
    """Sections as they come, each with title, header, rows, notes and samples, and perhaps with
    sentences of what was found."""
    parts = {"modes": _of_modes, "peers": _of_peers}
    for name in sections_of(options):
        try:
            yield from parts[name](options, cores, show)
        except Failed as problem:
            print(f"bench/run: {problem}", file=sys.stderr)


def _of_modes(options, cores, show):
    size = (64 if options.quick else 256) * MIB
    rounds = min(ROUNDS, options.rounds)
    yield transfer.section(
        transfer.measure(options.build, *cores, size, rounds, options.seed, show), size)
    show("datagrams")
    yield datagrams.section(
        datagrams.measure(options.build, cores[0], 0.02 if options.quick else 0.2, rounds))


def _of_peers(options, cores, show):
    samples = []
    try:
        for sample in peers_micro.measure(options.build, cores, options.rounds, options.seed,
                                          LOOPS_SHARE * SECONDS["peers"][options.quick], show,
                                          options.quick):
            samples.append(sample)
    except KeyboardInterrupt:
        yield from _peers(options.build, samples)
        raise
    yield from _peers(options.build, samples)
    yield from _of_memory(options, cores, show)


def _of_memory(options, cores, show):
    samples = []
    rounds, connections = (1, 500) if options.quick else (3, 1000)
    names = {peers_memory.BASE, *options.chosen_peers}
    for sample in peers_memory.measure(options.build, cores, rounds, options.seed, show,
                                       connections, names):
        samples.append(sample)
    yield asdict(peers_memory.section(samples)) | {"samples": samples}


def _peers(build, samples):
    """The first has the samples of all, and what they say."""
    found = [asdict(each) for each in peers_micro.sections(samples)]
    if found:
        found[0] |= {"samples": samples, "versions": peers_micro.versions(build),
                     "finding": peers_micro.where_a_peer_wins(samples)
                     + peers_micro.where_pollux_wins(samples)}
    return found
