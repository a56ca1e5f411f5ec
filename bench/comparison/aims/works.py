"""Visits of the programs in bench/peers, one for each library."""

from comparison import standing


def program_of(lab, contestant):
    return lab.build / "bench" / "peers" / f"peer_{contestant.library}"


def visited(lab, workload, more=()):
    """Samples of all contestants that were built, in interleaved rounds."""
    programs = {each.name: [program_of(lab, each), *workload.arguments, *each.options, *more]
                for each in workload.contestants if program_of(lab, each).exists()}
    return standing.rounds(programs, [], lab.rounds, lab.seed, lab.server_core, lab.show, 8.0,
                           workload.count)


def by_round(samples, name, key):
    """Nanoseconds per operation."""
    return {each["round"]: each[key] / each["count"] for each in samples
            if each["name"] == name and key in each}
