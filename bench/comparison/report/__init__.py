"""The report: a page, pictures for slides and tables, made from the result files of a folder."""


def write(folder):
    """Makes report.html, plots/ and tables/ in the folder again. Returns the page's path.
    Raises Failed, and writes nothing, when no result file there can be read."""
    from comparison.report.folder import write_all  # matplotlib takes a second to load

    return write_all(folder)
