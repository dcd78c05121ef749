"""`topolearn report`: the HTML page of a run."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolearn.confined import check_confined
from topolearn.errors import InvalidValueError
from topolearn.terminal import say

if TYPE_CHECKING:
    from topolearn.recording import Run


def add_parser(commands: Any) -> None:
    """Add ``topolearn report``."""
    parser = commands.add_parser(
        "report",
        help="write report.html for a run: tables and figures on one page",
        description="Write report.html into a run directory: one self-contained page that opens from disk, offline.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run directory")
    parser.add_argument(
        "--compare", type=Path, nargs="+", default=[], metavar="RUN", help="other runs to show next to it"
    )
    words = "write explorer.html instead: individual neurons and links, with a slider over the updates"
    parser.add_argument("--interactive", action="store_true", help=words)
    words = "with --interactive: layers to show [all]"
    parser.add_argument("--layers", nargs="+", metavar="NAME", help=words)
    words = "file to write [RUN/report.html or RUN/explorer.html]"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=words)
    parser.set_defaults(command=_report)


def _report(args: argparse.Namespace) -> None:
    from topolearn.recording import Run

    if args.interactive:
        say(_explorer(Run(args.run), args))
        return
    if args.layers:
        raise InvalidValueError("--layers needs --interactive: pass both, or neither")
    say(Run(args.run).report(compare=[Run(path) for path in args.compare], path=args.output))


def _explorer(run: "Run", args: argparse.Namespace) -> Path:
    if args.compare:
        raise InvalidValueError("--compare cannot be combined with --interactive: omit one of them")
    check_confined(run.path)
    path: Path = args.output or run.path / "explorer.html"
    run.explore(path, layers=args.layers)
    return path
