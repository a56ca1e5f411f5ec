#!/usr/bin/python3
"""Who may include whom, and who may say which word: the picture of docs/architecture.md as data.

    tests/check_includes.py [ROOT]

Prints one line for each broken rule, `file:line: rule`, and fails if there is any.
"""

import pathlib
import re
import sys

# The parts of the engine. A public header is in exactly one; a private file of engine/src belongs
# with the public header that it mirrors (net/socket.cpp with net/socket.hpp) unless it is placed
# here itself. "a/" is a folder, "a." a header with its source. A file in no part fails: place it.
PARTS = {
    "ground": [
        "pollux/fd.hpp",
        "pollux/error.hpp",
        "pollux/bytes.hpp",
        "pollux/clock.hpp",
        "pollux/function.hpp",
        "src/cache_line.hpp",
        "src/process_mark.",
        "src/rest.hpp",
        "src/slab.hpp",
        "src/sorted_chain.hpp",
        "src/thread_mark.hpp",
        "src/timespec.hpp",
        "src/without_pipe_signal.hpp",
    ],
    "reactor": ["pollux/reactor.hpp"],
    "backend": ["pollux/backend.hpp", "backends/"],
    "loop": [
        "pollux/busy_poll.hpp",
        "pollux/event_loop.hpp",
        "pollux/loop_observer.hpp",
        "pollux/loop_options.hpp",
        "pollux/timer.hpp",
        "pollux/watch.hpp",
        "src/cpu_affinity.",
        "src/deadline_wheel.hpp",
        "src/last_call.hpp",
        "src/loop_core.",
        "src/loop_turn.cpp",
        "src/loop_watches.cpp",
        "src/pool_failure.hpp",
        "src/post_place.",
        "src/posted_tasks.",
        "src/wake_up.",
        "src/watch_slot.hpp",
        "src/thread_group.hpp",
        "src/timer_queue.",
        "src/timer_slots.hpp",
        "pollux/signals.hpp",
        "pollux/loop_pool.hpp",
        "pollux/worker_pool.hpp",
    ],
    "net": ["pollux/net/"],
    "stream": ["pollux/stream/"],
    "coro": ["pollux/coro/", "src/coro/"],
    "service": ["pollux/service/", "src/service/"],
    "instruments": ["pollux/instruments/", "src/instruments/", "src/sys_hooked.cpp", "src/sys_kernel."],
    "kernel": ["src/sys.hpp", "src/sys_calls.inc", "src/sys_io_uring.hpp"],
}

# What each part may include besides itself and the system's headers.
MAY_INCLUDE = {
    "ground": {"kernel"},
    "reactor": {"ground"},
    "backend": {"ground", "reactor", "kernel"},
    "loop": {"ground", "reactor", "backend", "kernel"},
    "net": {"ground", "kernel"},
    "stream": {"ground", "reactor", "loop", "net", "kernel"},
    "coro": {"ground", "reactor", "loop", "net", "stream"},
    "service": {"ground", "reactor", "backend", "loop", "net", "stream", "coro", "kernel"},
    "instruments": {"ground", "reactor", "backend", "loop", "net", "kernel"},
    "kernel": set(),
}

# Users of the engine: the public headers, and files of these folders.
USERS = {"demos": ["demos"], "bench": ["bench", "demos"], "tests": ["tests", "demos", "bench"]}

# Tests of private parts by themselves, and the parts they may include.
TESTS_OF_PARTS = {
    "tests/seam/sample.cpp": ["engine/src/sys.hpp", "engine/src/sys_calls.inc"],
    "tests/unit/deadline_wheel_test.cpp": ["engine/src/deadline_wheel.hpp"],
    "tests/unit/own_post_test.cpp": ["engine/src/loop_core.hpp"],
    "tests/unit/timer_slots_test.cpp": ["engine/src/timer_slots.hpp"],
    "tests/unit/timer_queue_test.cpp": ["engine/src/timer_queue.hpp"],
    "tests/unit/timer_rounds_test.cpp": ["engine/src/timer_queue.hpp"],
    "tests/simulation/bare_calls.cpp": ["engine/src/sys.hpp"],
    "tests/simulation/kernel_rules_test.cpp": ["engine/src/sys.hpp"],
    "tests/simulation/readiness_test.cpp": ["engine/src/sys.hpp"],
    "tests/simulation/scripted_side.cpp": ["engine/src/sys.hpp"],
}

# Words, and the only places that may say them.
WORDS = [
    (
        r"EPOLL(IN|OUT|PRI|ERR|HUP|RDHUP|ET|ONESHOT|EXCLUSIVE)",
        # What measures, what we are measured against, and what is said of the kernel stand on the
        # kernel alone.
        [
            "backends/epoll_reactor.cpp",
            "engine/src/instruments/",
            "engine/src/sys",
            "bench/load/",
            "bench/contestants.",
            "bench/micro_echo.",
            "bench/kernel/",
            "bench/peers/",
            "tests/claims/",
            "tests/simulation/kernel_rules_test.cpp",
        ],
        "only the epoll backend speaks epoll's vocabulary",
    ),
    (
        r"POLLUX_HOOKED",
        ["engine/src/sys.hpp"],
        "only sys.hpp knows which of the two libraries it is in",
    ),
    (
        r"syscall",
        ["engine/src/sys", "demos/", "bench/", "tests/"],
        "system calls go through sys.hpp, those without a function of libc too",
    ),
    (r"atomic_thread_fence", [], "ThreadSanitizer does not see fences"),
] + [
    (
        f"make_{name}_reactor|{name.title().replace('_', '')}Reactor",
        [f"backends/{file}" for file in ["backends.hpp", "make_reactor.cpp", *own]],
        "only backends/make_reactor.cpp names the concrete backends: use pollux::make_reactor",
    )
    for name, own in {
        "select": ["select_reactor.cpp"],
        "poll": ["poll_reactor.cpp", "further/adaptive_reactor.cpp"],
        "epoll": ["epoll_reactor.cpp", "further/adaptive_reactor.cpp"],
        "adaptive": ["further/adaptive_reactor.cpp"],
        "io_uring": ["further/io_uring_"],
    }.items()
]

PUBLIC = "engine/include/pollux/"
PRIVATE = "engine/src/"
TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | R"(?P<raw>\w*)\(.*?\)(?P=raw)" |
        "(?:\\.|[^"\\\n])*" | (?<!\w)'(?:\\.|[^'\\\n])+' """,
    re.DOTALL | re.VERBOSE,
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    return TOKEN.sub(lambda m: blank(m) if m.group().startswith("/") else m.group(), text)


def without_comments_and_strings(text):
    return TOKEN.sub(blank, text)


def part_of(path):
    """The part that a file of the engine is in, or None."""
    name = path.removeprefix("engine/include/").removeprefix("engine/")
    mirrored = re.sub(r"^src/(.*)\.\w+$", r"pollux/\1.hpp", name)
    for known in [name, mirrored]:
        for part, members in PARTS.items():
            if any(known == m or m.endswith(("/", ".")) and known.startswith(m) for m in members):
                return part
    return None


def is_engine(path):
    return path.startswith(("engine/", "backends/"))


class Check:
    def __init__(self, root):
        self.root = root
        self.complaints = []
        folders = ["engine", "backends", *USERS]
        self.files = sorted(
            path.relative_to(root).as_posix()
            for folder in folders
            for path in (root / folder).rglob("*")
            if path.suffix in {".hpp", ".cpp", ".inc", ".h"}
        )

    def complain(self, path, text, offset, rule):
        line = text.count("\n", 0, offset) + 1
        self.complaints.append(f"{path}:{line}: {rule}")

    def run(self):
        for path in self.files:
            text = (self.root / path).read_text()
            self.check_place(path)
            self.check_words(path, without_comments_and_strings(text))
            code = without_comments(text)
            for match in INCLUDE.finditer(code):
                rule = self.broken_by(path, match[1] == "<", match[2])
                if rule:
                    self.complain(path, code, match.start(1), rule)

    def check_place(self, path):
        if is_engine(path) and part_of(path) is None:
            self.complain(path, "", 0, "stands in no part: place it in PARTS of check_includes.py")

    def check_words(self, path, code):
        for words, places, rule in WORDS:
            if not path.startswith(tuple(places)):
                for match in re.finditer(rf"\b(?:{words})\b", code):
                    self.complain(path, code, match.start(), f"says {match[0]}: {rule}")

    def broken_by(self, path, is_angled, name):
        """The rule that this include breaks, or None."""
        if is_angled:
            if not name.startswith("pollux/"):
                return None
            target = "engine/include/" + name
            if target not in self.files:
                return f"<{name}> is no header of ours"
        else:
            target = self.resolve(path, name)
            if target is None:
                return f'"{name}" names nothing that may be included here'
            if target.startswith(PUBLIC):
                return f'"{name}": public headers are included as <pollux/…>'
        return self.broken_between(path, target)

    def resolve(self, path, name):
        tops = [PRIVATE] if is_engine(path) else USERS[path.split("/")[0]]
        if path in TESTS_OF_PARTS:
            tops = [PRIVATE, *tops]
        for place in [(self.root / path).parent, *(self.root / top for top in tops)]:
            found = (place / name).resolve()
            if found.is_relative_to(self.root):
                relative = found.relative_to(self.root).as_posix()
                if relative in self.files:
                    return relative
        return None

    def broken_between(self, path, target):
        if not is_engine(path):
            top = path.split("/")[0]
            if target in TESTS_OF_PARTS.get(path, []):
                return None
            if target.startswith(PUBLIC) or target.split("/")[0] in USERS[top]:
                return None
            return f"{top}/ may include only <pollux/…> and files of {', '.join(USERS[top])}, not {target}"
        if not is_engine(target):
            return f"the engine may not include {target}"
        if path.startswith(PUBLIC) and not target.startswith(PUBLIC):
            return f"a public header may not include the private {target}"
        if target.startswith("backends/") and not path.startswith("backends/"):
            return "backends/ is private: use <pollux/backend.hpp>"
        source, wanted = part_of(path), part_of(target)
        if None in (source, wanted) or source == wanted or wanted in MAY_INCLUDE[source]:
            return None
        allowed = ", ".join(sorted(MAY_INCLUDE[source])) or "nothing"
        return f"{source} may not include {wanted} ({target}): it knows {allowed}"


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    check = Check(root)
    check.run()
    for complaint in check.complaints:
        print(complaint)
    if not check.files:
        sys.exit(f"no sources under {root}")
    if check.complaints:
        sys.exit(f"{len(check.complaints)} rules broken")
    print(f"{len(check.files)} files keep the rules")


if __name__ == "__main__":
    main()
