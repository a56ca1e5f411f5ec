"""What the figures were measured on."""

import os
import platform
import resource
import subprocess
from pathlib import Path


# What the kernel is told about connections: it bears on accepting, buffers and churn.
NETWORK = ["core/somaxconn", "core/rmem_max", "core/wmem_max", "core/busy_poll",
           "ipv4/ip_local_port_range", "ipv4/tcp_max_syn_backlog", "ipv4/tcp_syncookies",
           "ipv4/tcp_rmem", "ipv4/tcp_wmem", "ipv4/tcp_tw_reuse", "ipv4/tcp_congestion_control"]


def facts(project, build):
    return {
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "cpu": _field("/proc/cpuinfo", "model name", ":"),
        "cores": len(os.sched_getaffinity(0)),
        "hypervisor": "hypervisor" in _field("/proc/cpuinfo", "flags", ":").split(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "unknown",
        "mitigations": _mitigations(),
        "descriptors_soft_hard": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "clocksource": _read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "transparent_hugepages": _chosen(_read("/sys/kernel/mm/transparent_hugepage/enabled")),
        "memory": _field("/proc/meminfo", "MemTotal", ":"),
        "network": {name.rpartition("/")[2]: " ".join(_read(f"/proc/sys/net/{name}").split())
                    for name in NETWORK},
        "load_average": os.getloadavg(),
        "compiler": _compiler(build),
        "flags": flags(build),
        "commit": _commit(project),
    }


def core_pair():
    """A core for the server and one for the clients: two that share no hardware where there are
    two, else the same."""
    cores = sorted(os.sched_getaffinity(0))
    siblings = _siblings(cores[0])
    strangers = [core for core in cores[1:] if core not in siblings]
    return cores[0], (strangers + cores[1:] + cores)[0]


def cores_beside(core):
    """All others; the same where there is only one."""
    return os.sched_getaffinity(0) - {core} or {core}


def hard_descriptor_limit():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return float("inf") if limit == resource.RLIM_INFINITY else limit


def _siblings(core):
    text = _read(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    found = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _mitigations():
    folder = Path("/sys/devices/system/cpu/vulnerabilities")
    if not folder.is_dir():
        return {}
    texts = {file.name: _read(file) for file in sorted(folder.iterdir())}
    return {name: text for name, text in texts.items() if text != "Not affected"}


def _compiler(build):
    cache = build / "CMakeCache.txt"
    path = _field(cache, "CMAKE_CXX_COMPILER:FILEPATH", "=") or _field(
        cache, "CMAKE_CXX_COMPILER:STRING", "="
    )
    first = _output([path or "g++", "--version"]).splitlines()
    kind = _field(cache, "CMAKE_BUILD_TYPE:STRING", "=")
    return f"{first[0] if first else 'unknown'}, {kind or 'unknown build type'}"


def flags(build):
    cache = build / "CMakeCache.txt"
    kind = _field(cache, "CMAKE_BUILD_TYPE:STRING", "=")
    flags = [_field(cache, "CMAKE_CXX_FLAGS:STRING", "="),
             _field(cache, f"CMAKE_CXX_FLAGS_{kind.upper()}:STRING", "=")]
    return " ".join(filter(None, flags))


def _chosen(text):
    """Of “always [madvise] never” the one in brackets."""
    return text.partition("[")[2].partition("]")[0]


def _commit(project):
    commit = _output(["git", "-C", str(project), "rev-parse", "--short=12", "HEAD"]).strip()
    if not commit:
        return "unknown"
    changed = _output(["git", "-C", str(project), "status", "--porcelain", "-uno"]).strip()
    return commit + (" and uncommitted changes" if changed else "")


def _field(path, name, separator):
    for line in _read(path).splitlines():
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return ""


def _read(path):
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _output(command):
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def largest_send_buffer():
    """Bytes that the kernel takes for a TCP connection whose reader is slow."""
    try:
        return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, ValueError, IndexError):
        return 4 << 20
