"""A thread for each connection against one event loop."""

from comparison import contest
from comparison.claims import Finding, claim
from comparison.claims.busy import HOW
from comparison.claims.words import compared
from comparison.contest import Cell, Figures
from comparison.contestants import models
from comparison.judging import above, verdict
from comparison.shown import factor, with_interval
from comparison.workloads import Workload

COUNTS = (1, 50, 500)
SECONDS = 0.06


@claim("K25", "An event-driven server beats a thread per connection, by about 18 %",
       "Pariag, Brecht, Harji, Buhr, Shukla, Cheriton 2007",
       f"One handler (64 bytes in upper case), once with a thread for each connection and once on "
       f"an event loop, {', '.join(map(str, COUNTS))} busy connections; {HOW}. Holds if threads "
       f"take at least 1.1 times the server CPU per request with 50 and with 500 connections, the "
       f"whole intervals of the paired ratios; does not hold if one takes less. Judged is the kind, not "
       f"the 18 %: theirs were web servers, and threads of a library (Knot), not of the kernel.",
       seconds=17,
       left_out="the 18 % (another server, threads of user level); 10,000 threads")
def events_beat_threads(lab):
    cells = [Cell(f"{model.name}, {count}", model, Workload("upper", count))
             for model in models(cores=1) if model.name in ("threads", "reactor")
             for count in COUNTS]
    return judge_models(Figures(contest.timed(lab, cells, SECONDS)))


def judge_models(figures):
    ratios = {count: figures.ratio(f"threads, {count}", f"reactor, {count}", "cpu")
              for count in COUNTS}
    return Finding(
        verdict(*(above(ratios[count], 1.1) for count in COUNTS if count > 1)),
        "server CPU per request of a thread per connection against one event loop: " + "; ".join(
            f"{compared(ratio)} with {count} connection{'s' if count > 1 else ''}"
            for count, ratio in ratios.items()) + figures.trouble(),
        samples=figures.samples,
        table={"header": ["connections", "threads, µs", "loop, µs", "threads to loop"],
               "rows": [[count, *(with_interval(figures.estimate(f"{model}, {count}", "cpu"))
                                  for model in ("threads", "reactor")), factor(ratios[count])]
                        for count in COUNTS]})
