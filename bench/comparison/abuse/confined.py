"""What a server gets less of than it wants: descriptors, memory, ports to connect from, a disk."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

# The target listens before what it is the target of begins: 1B58 is 7000.
NETWORK = """ip link set lo up
echo 40000 {last} >/proc/sys/net/ipv4/ip_local_port_range
{target} --port 7000 >/dev/null &
until grep -q ':1B58 .* 0A' /proc/net/tcp; do sleep 0.01; done
exec "$0" "$@"
"""


@dataclass(frozen=True)
class Confined:
    """Zero: as much as there is. Where a namespace of its own is needed, the kernel may refuse it."""

    descriptors: int = 0
    memory: int = 0  # MiB of address space (RLIMIT_AS)
    ports: int = 0  # to connect from, of a network of its own;
    target: str = ""  # and another server that is there too, at port 7000
    disk: int = 0  # MiB of a file system of its own

    def refusal(self):
        """Why it cannot be done here; empty: it can."""
        for wanted, kind in ((self.ports, "-n"), (self.disk, "-m")):
            done = wanted and subprocess.run([*_unshare(kind), "true"], capture_output=True,
                                             text=True, check=False)
            if done and done.returncode:
                return done.stderr.strip().splitlines()[-1]
        return ""

    def command(self, words, folder):
        """Those words confined so; the disk is at that folder. It stays one process. The target is
        a program beside the first of the words."""
        limits = [*([f"--nofile={self.descriptors}"] if self.descriptors else []),
                  *([f"--as={self.memory << 20}"] if self.memory else [])]
        if limits:
            words = ["prlimit", *limits, *words]
        if self.disk:
            words = [*_unshare("-m"), "sh", "-c",
                     f'mount -t tmpfs -o size={self.disk}m tmpfs "$0" && exec "$@"', folder, *words]
        if self.ports:
            target = Path(words[0]).with_name(self.target)
            words = [*_unshare("-n"), "sh", "-c",
                     NETWORK.format(last=39_999 + self.ports, target=shlex.quote(str(target))),
                     *words]
        return words

    def beside(self, pid):
        """What goes before a client's command for it to reach a server with that process."""
        if not self.ports:
            return []
        user = [] if os.getuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", pid, "-n", *user, "--"]

    def folder_of(self, pid, folder):
        """A folder of the server, as it can be read from here."""
        return Path(f"/proc/{pid}/root{folder}") if self.disk else Path(folder)


def _unshare(kind):
    return ["unshare", *([] if os.getuid() == 0 else ["-r"]), kind]
