"""User-space instructions, counted by callgrind."""

import re
import subprocess


def collected(command, told=""):
    """How many a program executes from its start to its end; `told` is its standard input."""
    text = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, command)],
        check=True, capture_output=True, text=True, timeout=120, input=told,
    ).stderr
    return int(re.search(r"Collected : (\d+)", text)[1])


def for_each(command, few, many, count=collected):
    """Of one more repetition: the difference of two lengths, so that set-up and end fall out. The
    number of repetitions is the last argument of the program. What is counted may be another thing
    (see `allocations`)."""
    return (count([*command, many]) - count([*command, few])) / (many - few)


def for_each_told(command, few, many, count=collected):
    """The same of a program that stands by to be told the number."""
    return (count(command, f"go {many}\n") - count(command, f"go {few}\n")) / (many - few)
