"""Samples of micro_pairs: contestants on one facility, in short turns of each other."""

import json
import subprocess

from comparison.processes import Failed

WATCHED = 1000
PROCESSES = 5  # several, because where a process happens to lie in memory is worth some per cent


def sample_rounds(program, core, backend, active, rounds, milliseconds, seed=1):
    """A dictionary for each round: "turns", and CPU nanoseconds by contestant."""
    found = []
    for process in range(PROCESSES):
        if share := (rounds + process) // PROCESSES:
            command = ["taskset", "-c", core, program, "--backend", backend, "--watched", WATCHED,
                       "--active", active, "--rounds", share, "--milliseconds", milliseconds,
                       "--seed", seed + process]
            by_round = {}
            for sample in lines_of(command):
                turn = by_round.setdefault(sample["round"], {"turns": sample["turns"]})
                turn[sample["contestant"]] = sample["cpu_ns"]
            found += by_round.values()
    return found


def lines_of(command):
    """What a program says, a JSON object a line. Raises Failed with what it complains of."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=120, check=False)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines()]
