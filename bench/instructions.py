"""User-space instructions, counted by callgrind."""

import re
import subprocess


def collected(command):
    """How many a program executes from its start to its end."""
    text = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, command)],
        check=True, capture_output=True, text=True, timeout=120,
    ).stderr
    return int(re.search(r"Collected : (\d+)", text)[1])


def for_each(command, few, many):
    """Of one more repetition: the difference of two lengths, so that set-up and end fall out. The
    number of repetitions is the last argument of the program."""
    return (collected([*command, many]) - collected([*command, few])) / (many - few)
