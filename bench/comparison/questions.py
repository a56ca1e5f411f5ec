"""Programs of bench/kernel stand by and answer questions; here they are asked in rounds."""

import random

from comparison.standing import Answerer

# A few processes over the rounds: where one happens to lie in memory is worth some per cent.
PROCESSES = 5


def ask_in_rounds(lab, command, questions, cores=None, processes=PROCESSES):
    """Every round asks each question once, in random order. `questions` are the words of each cell
    (a tuple). Gives the samples: the cell, its round, and what was answered."""
    cores = lab.server_core if cores is None else cores
    chance, samples, number = random.Random(lab.seed), [], 0
    processes = min(processes, lab.rounds)
    for process in range(processes):
        with Answerer([lab.program(command[0]), *command[1:]], cores) as answerer:
            for _ in range((lab.rounds + process) // processes):
                number += 1
                lab.show(f"round {number} of {lab.rounds}")
                for cell in chance.sample(list(questions), len(questions)):
                    answer = answerer.ask(*questions[cell])
                    samples.append({"round": number, "cell": list(cell), **answer})
    return samples


def by_round(samples, cell, value):
    """`value` of the answers of one cell, by round. A name, or a function of the sample."""
    read = value if callable(value) else lambda sample: sample[value]
    return {sample["round"]: read(sample) for sample in samples if sample["cell"] == list(cell)}


def together(combine, *figures):
    """Figures of the same rounds, combined: differences, sums."""
    rounds = set(figures[0]).intersection(*figures[1:])
    return {number: combine(*(each[number] for each in figures)) for number in sorted(rounds)}
