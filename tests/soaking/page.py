"""The result of a soak as a table, and as a page."""

import datetime
import os
import platform
import subprocess

BEGIN, END = "<!-- result -->", "<!-- /result -->"
TITLES = ("server", "backend, trigger", "seed", "served", "cut short", "connections", "faults",
          "descriptors before / most / after", "memory, MiB: early, grown by", "books")


class Row:
    def __init__(self, server, counted, grown, verdict):
        early = server.resident[len(server.resident) // 5][1] if server.resident else 0
        self.numbers = (server.well, server.short, counted.get("accepted", 0),
                        counted.get("faults", 0))
        self.cells = (
            server.kind.name, " ".join(server.mode), str(server.seed),
            *map(str, self.numbers),
            f"{server.descriptors_before} / {server.descriptors_most} / {server.descriptors_after}",
            f"{early / 2**20:.1f}, {grown / 2**20:+.1f}", verdict)


def table(rows):
    sums = [sum(each) for each in zip(*(row.numbers for row in rows))]
    cells = [TITLES, *(row.cells for row in rows),
             ("all", "", "", *map(str, sums), "", "", "")]
    lines = ["| " + " | ".join(each) + " |" for each in cells]
    return "\n".join([lines[0], "|---|---|---" + "|---:" * 4 + "|---" * 3 + "|", *lines[1:]])


def write(path, options, rows):
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True,
                            text=True, cwd=path.resolve().parent).stdout.strip()
    said = (f"{datetime.date.today()}, commit {commit}, Linux {platform.release().split('-')[0]}, "
            f"{len(os.sched_getaffinity(0))} cores shared with other work: `tests/soak --minutes "
            f"{options.seconds / 60:g} --seed {options.seed} --faults '{options.faults}'`.")
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{said}\n\n{table(rows)}\n{END}{after}")
