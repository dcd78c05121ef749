"""`topolearn report`: the page of a run."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.terminal import say


def add_parser(commands: Any) -> None:
    """Add ``topolearn report``."""
    parser = commands.add_parser(
        "report",
        help="write a run's report.html: tables and pictures on one page",
        description="Write report.html into a run directory: one page that opens from disk, without a network.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run directory")
    parser.add_argument("--compare", type=Path, nargs="+", default=[], metavar="RUN", help="runs to show beside it")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write [RUN/report.html]")
    parser.set_defaults(command=_report)


def _report(args: argparse.Namespace) -> None:
    from topolearn.recording import Run

    say(Run(args.run).report(compare=[Run(path) for path in args.compare], path=args.output))
