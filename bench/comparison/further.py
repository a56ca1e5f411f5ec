"""What is no load on a server: one big file, datagrams, the loops of libraries, and memory."""

from dataclasses import asdict, dataclass, field

from comparison import datagrams, peers_memory, peers_micro, transfer
from comparison.processes import Failed

MIB = 1024 * 1024
ROUNDS = 5  # of file and datagrams: what they show is plain with few
# Seconds that each takes, full and quick.
SECONDS = {"modes": (30.0, 4.0), "peers": (95.0, 14.0)}
LOOPS_SHARE = 0.7  # of the seconds of the peers; the rest is for memory


def sections_of(options):
    """For which sections of the command line there is more; nothing where the user has chosen what
    to measure."""
    return [name for name in SECONDS if options.is_usual and name in options.only
            and not getattr(options, name)]


def seconds_of(options):
    return sum(SECONDS[name][options.quick] for name in sections_of(options))


@dataclass
class Further:
    sections: list = field(default_factory=list)  # each with title, header, rows, notes, samples
    loops: list = field(default_factory=list)  # samples of peers_micro, which have a file of theirs

    def tables(self):
        """All, for the terminal."""
        return self.sections + [asdict(each) for each in peers_micro.sections(self.loops)]

    def sentences(self):
        return (peers_micro.where_a_peer_wins(self.loops)
                + peers_micro.where_pollux_wins(self.loops))


def measure(options, cores, show, found):
    """Adds to `found` as it comes, so that Ctrl-C keeps it."""
    parts = {"modes": [_file, _datagrams], "peers": [_loops, _memory]}
    for part in [part for name in sections_of(options) for part in parts[name]]:
        part(options, cores, show, found)


def _file(options, cores, show, found):
    size = (64 if options.quick else 256) * MIB
    visits = transfer.measure(options.build, *cores, size, min(ROUNDS, options.rounds),
                              options.seed, show)
    _keep(visits, lambda samples: transfer.section(samples, size), found)


def _datagrams(options, cores, show, found):
    show("datagrams")
    reasons = []
    try:
        samples = datagrams.measure(options.build, cores[0], 0.02 if options.quick else 0.2,
                                    min(ROUNDS, options.rounds))
    except Failed as problem:
        samples, reasons = [], [str(problem)]
    section = datagrams.section(samples)
    found.sections.append(section | {"notes": section["notes"] + reasons})


def _keep(visits, section, found):
    """The section of all samples, or of those before Ctrl-C."""
    samples = []
    try:
        for sample in visits:
            samples.append(sample)
    finally:
        if samples:
            found.sections.append(section(samples))


def _loops(options, cores, show, found):
    seconds = LOOPS_SHARE * SECONDS["peers"][options.quick]
    for sample in peers_micro.measure(options.build, cores, options.rounds, options.seed, seconds,
                                      show, options.quick):
        found.loops.append(sample)


def _memory(options, cores, show, found):
    rounds, connections = (1, 500) if options.quick else (3, 1000)
    visits = peers_memory.measure(options.build, cores, rounds, options.seed, show, connections,
                                  {peers_memory.BASE, *options.chosen_peers})
    _keep(visits, lambda samples: asdict(peers_memory.section(samples)) | {"samples": samples},
          found)
