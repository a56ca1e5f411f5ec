"""Pages of docs/ whose figures a program puts in: all between two marks is its own."""

END = "<!-- end of figures -->"


def begin(program):
    return f"<!-- figures: {program} --page -->"


def with_figures(page, figures, program):
    """The text of a page with these between the two marks. Raises ValueError without them."""
    head, _, rest = page.partition(begin(program))
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError(f"it has no line {begin(program)}, or no {END} behind it")
    return f"{head}{begin(program)}\n\n{figures}\n{END}{tail}"


def machine(facts):
    """Where figures come from, in a line."""
    kind = "virtual machine" if facts["hypervisor"] else "machine"
    return (f"{facts['cpu']}, {facts['cores']} cores, {kind}, {facts['memory']}; "
            f"{facts['kernel']}; {facts['compiler']}")


def row(cells):
    """Of a table; a line in a cell would end it."""
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
