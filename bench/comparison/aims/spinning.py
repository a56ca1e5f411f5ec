"""What a loop wins that looks for a while before it sleeps."""

from dataclasses import replace

from comparison import contest, peers_micro
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.aims.servers import OWN, cells, own, reasons
from comparison.aims.works import by_round, visited
from comparison.contest import Figures
from comparison.laboratory import Laboratory
from comparison.processes import Failed
from comparison.statistics import estimate
from comparison.workloads import Workload

TRIPS, QUICK = 1000, 30
LOOKS = "pollux, looks first"
SLEEPS = "pollux"
SECONDS = 0.1
BUDGET = 1000  # microseconds


@aim("post-spin", "`post` round trip with a spin budget", "ns", "< 1 000")
def round_trip(lab):
    if lab.server_core == lab.client_core:
        raise Failed("wants two cores")
    asleep = peers_micro.round_trip(QUICK if lab.quick else TRIPS)
    looking = replace(asleep, contestants=(
        peers_micro.Contestant(LOOKS, "pollux", ("--way", "look")), *asleep.contestants))
    samples = visited(lab, looking, ["--other-core", lab.client_core])
    names = sorted({each["name"] for each in samples})
    found = {name: estimate(by_round(samples, name, "wall_ns").values()) for name in names}
    return [Case("", Limit(1000), found.pop(LOOKS), digits=0, unit="ns",
                 beside={name: each for name, each in found.items() if each},
                 reason="; ".join(each["reason"] for each in samples
                                  if each["name"] == LOOKS and "reason" in each))]


@aim("echo-spin", "echo, 1 connection, with a spin budget", "p50 against blocking", "≤ 0.6")
def echo(lab):
    """The client is on another core. While it sleeps for the answer, to wake it takes as long as to
    wake the server, so half of the time stays; one that spins shows the server's part alone."""
    patient = Laboratory(lab.build, lab.rounds, lab.quick, lab.seed, spin=True, show=lab.show)
    return [_p50(each, name) for each, name in ((lab, "client that sleeps"),
                                                (patient, "client that spins"))]


def _p50(lab, name):
    modes = [own(), own("--spin", BUDGET, name=LOOKS)]
    figures = Figures(contest.timed(lab, cells(modes, Workload("echo", 1), contest.TWO_CORES),
                                    SECONDS))
    return Case(name, Limit(0.6), figures.ratio(LOOKS, OWN, "p50"),
                reason=reasons(figures, [LOOKS, OWN]))
