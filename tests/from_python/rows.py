#!/usr/bin/python3
"""docs/from_python_sockets.md, read as data: its rows as C++ to be compiled, and its names against
those of Python.

    rows.py generate PAGE OUTPUT     writes a function for each row
    rows.py check PAGE               fails on a public name that has neither a row nor a reason
"""

import fnmatch
import re
import select
import selectors
import socket
import socketserver
import sys

# What is public in the modules, and the classes whose methods count too.
MODULES = [socket, select, selectors, socketserver]
CLASSES = {
    "socket.socket": socket.socket,
    "select.epoll": select.epoll,
    "select.poll": type(select.poll()),
    "selectors.BaseSelector": selectors.BaseSelector,
    "socketserver.BaseServer": socketserver.BaseServer,
    "socketserver.TCPServer": socketserver.TCPServer,
    "socketserver.StreamRequestHandler": socketserver.StreamRequestHandler,
    "socketserver.ThreadingMixIn": socketserver.ThreadingMixIn,
    "socketserver.ForkingMixIn": socketserver.ForkingMixIn,
}
# What a module merely imports is not its own.
BORROWED = {"ABCMeta", "BufferedIOBase", "IntEnum", "IntFlag", "Mapping", "abstractmethod",
            "array", "errno", "io", "math", "namedtuple", "os", "select", "selectors", "socket", "sys",
            "threading", "time"}


def public_names():
    names = set()
    for module in MODULES:
        for name in dir(module):
            own = name not in BORROWED or (module is socket and name == "socket")
            own = own or (module is select and name == "select")
            if not name.startswith("_") and own:
                names.add(f"{module.__name__}.{name}")
    for path, cls in CLASSES.items():
        names |= {f"{path}.{name}" for name in dir(cls) if not name.startswith("_")}
    return names


class Row:
    def __init__(self, line, cells):
        self.line = line
        self.names = re.findall(r"`([\w.*]+)[^`]*`", cells[0])
        self.snippets = re.findall(r"`([^`]+)`", cells[1])


def rows(page):
    """Rows of tables whose head begins with `Python`."""
    wanted = False
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.startswith("|"):
                wanted = False
                continue
            cells = [cell.strip().replace("\\|", "|") for cell in
                     re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if cells[0] == "Python":
                wanted, compiled = True, cells[1] == "Pollux"
            elif wanted and not set(cells[0]) <= set("-: "):
                row = Row(number, cells)
                if not compiled:
                    row.snippets = []
                elif not row.snippets:
                    sys.exit(f"{page}:{number}: a row without a snippet")
                yield row


def generate(page, output):
    parts = ['#include "given.hpp"\n']
    for row in rows(page):
        for place, snippet in enumerate(row.snippets):
            parts.append(
                f"void row_{row.line}_{place}(const Given& given) {{\n"
                "    GIVEN;\n"
                f'    {{\n#line {row.line} "{page}"\n'
                f"        {snippet}\n    }}\n}}\n")
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def check(page):
    patterns = [name for row in rows(page) for name in row.names]
    problems = [
        f"{name} has neither a row nor a reason" for name in sorted(public_names())
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]
    # A reason may be for what only some builds of Python have.
    problems += [
        f"{pattern} is no public name of Python"
        for row in rows(page) if row.snippets for pattern in row.names
        if not any(fnmatch.fnmatchcase(name, pattern) for name in public_names())
    ]
    for problem in problems:
        print(f"{page}: {problem}")
    print(f"{len(public_names())} names, {len(patterns)} rows and reasons, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    if sys.argv[1:2] == ["generate"] and len(sys.argv) == 4:
        sys.exit(generate(*sys.argv[2:]))
    if sys.argv[1:2] == ["check"] and len(sys.argv) == 3:
        sys.exit(check(sys.argv[2]))
    sys.exit(__doc__)
