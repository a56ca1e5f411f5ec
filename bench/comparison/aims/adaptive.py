"""Whether the adaptive backend is as good as the better of poll and epoll, whatever is ready."""

from comparison import statistics
from comparison.aims import aim
from comparison.aims.case import Case, Limit
from comparison.micro_pairs import PROCESSES, lines_of

WATCHED = (100, 200, 500, 1000, 2000)
REPORTED = 9000
SHARES = (0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1)  # that are ready, but one at least
OWN, EITHER = "adaptive", ("epoll", "poll")
MILLISECONDS, FEW_ROUNDS = 4, 5


@aim("adaptive", "`adaptive` backend",
     "time to the better of poll and epoll at every cell of 100…2 000 × 1…all (9 000 reported); "
     "after a change of activity back within it after at most 100 waits", "≤ 1.05")
def to_the_better(lab):
    """A cell follows on another one, in random order, and is timed from the hundredth wait on."""
    cases = []
    for watched in (*(WATCHED[:1] if lab.quick else WATCHED), *(() if lab.quick else (REPORTED,))):
        lab.show(f"{watched} watched")
        limit = Limit(1.05) if watched != REPORTED else None
        times = _times(lab, watched, lab.rounds if limit else FEW_ROUNDS)
        cases += [_cell(f"{watched}, {active} ready", limit, by_name)
                  for active, by_name in times.items()]
    return cases


def _times(lab, watched, rounds):
    """CPU time of a turn by activity, contestant and round."""
    active = [max(1, round(watched * share)) for share in SHARES]
    times = {each: {name: {} for name in (OWN, *EITHER)} for each in active}
    processes = min(PROCESSES, rounds)
    for process in range(processes):
        for sample in lines_of([
                "taskset", "-c", lab.server_core, lab.program("micro_adaptive"), watched,
                ",".join(map(str, active)), (rounds + process) // processes, MILLISECONDS,
                lab.seed % 1000 + process]):
            found = times[sample["active"]][sample["contestant"]]
            found[len(found)] = sample["cpu_ns"] / sample["turns"]
    return times


def _cell(name, limit, times):
    better = min(EITHER, key=lambda each: statistics.median(times[each].values()))
    other = next(each for each in EITHER if each != better)

    def ratio(who):
        return statistics.ratio(times[who], times[better])

    return Case(f"{name}, to {better}", limit, ratio(OWN), beside={other: ratio(other)})
