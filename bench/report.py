"""Makes the report again from the result files of a folder.

Run it through bench/report.
"""

import argparse
import sys
from pathlib import Path

from comparison import report
from comparison.processes import Failed

PROJECT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(
        prog="bench/report",
        description="Makes report.html, plots/ (SVG and PNG, for slides) and tables/ (CSV) again "
        "from the result files of a folder. Nothing is measured.")
    parser.add_argument("folder", type=Path, nargs="?", default=PROJECT / "build" / "bench",
                        help="with results.json, claims.json, micro.json: one of them is enough "
                        "(build/bench)")
    folder = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder")
    try:
        print(report.write(folder))
    except Failed as problem:
        parser.exit(2, f"bench/report: {problem}\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    main()
