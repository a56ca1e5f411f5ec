"""Waking a loop from another thread: K23."""

from comparison.claims import HOLDS, Finding, by_rule, claim
from comparison.claims.words import compared, told_from_none
from comparison.questions import ask_in_rounds, by_round, together
from comparison.shown import time
from comparison.statistics import estimate, ratio

# What the other project's code risks is told with the figure, for it outweighs the figure.
RISK = ("libuv took it back (#4584), Asio lost wake-ups with its like (boostorg/asio #320)")


@claim("K23", "An edge-triggered eventfd that is never read saves a read per wake-up",
       "libevent 6074d558",
       "Holds if a wake-up (write, wait, read) in one thread costs at least a tenth less CPU time "
       "without the read (whole interval of the ratio); does not hold if it saves less than a "
       "twentieth. Between two threads that sleep, the same is given as a round trip.", seconds=1)
def edge_eventfd(lab):
    counts = {"alone": 3000 if lab.quick else 20000, "pair": 100 if lab.quick else 600}
    questions = {(trigger, threads): (count, trigger, threads)
                 for trigger in ("level", "edge") for threads, count in counts.items()}
    return judged_edge(ask_in_rounds(lab, ["kernel_wakeup", lab.client_core], questions))


def judged_edge(samples):
    def cost(trigger, threads, key):
        return by_round(samples, (trigger, threads), lambda each: each[key] / each["count"])

    alone = {trigger: cost(trigger, "alone", "cpu_ns") for trigger in ("level", "edge")}
    pair = {trigger: cost(trigger, "pair", "elapsed_ns") for trigger in ("level", "edge")}
    saved = estimate(together(lambda level, edge: level - edge, *alone.values()).values())
    share = ratio(alone["edge"], alone["level"])
    trip = ratio(pair["edge"], pair["level"])
    verdict = by_rule(share.high <= 0.9, share.low > 0.95, share)
    figure = (f"CPU time of a wake-up without the read against one with it: {compared(share)}, a "
              f"saving of {told_from_none(saved, time)}; a round trip between two threads takes "
              f"{time(estimate(pair['level'].values()))} with the reads, without them "
              f"{compared(trip)}")
    negative = ""
    if verdict == HOLDS:
        negative = (f"Leaving an eventfd unread saves {time(saved)} per wake-up and no more, and "
                    f"has cost others wake-ups: {RISK}.")
    rows = [[f"{trigger}-triggered", time(estimate(alone[trigger].values())),
             time(estimate(pair[trigger].values()))] for trigger in ("level", "edge")]
    return Finding(verdict, figure, samples, {
        "header": ["eventfd", "CPU of a wake-up in one thread", "round trip of two threads"],
        "rows": rows}, negative)
