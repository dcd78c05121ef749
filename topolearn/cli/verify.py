"""`topolearn verify`: check that a run, a study or a file is intact."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from topolearn.terminal import say, visible

MOST_WHOLE = 5  # a folder with more whole files gets one line for all of them

EXAMPLES = """examples:
  topolearn verify runs/A                                  check its files against its manifest, and read them
  topolearn verify runs/table1                             check all runs of a study
  topolearn verify layer.npz                               read one file from end to end
  topolearn verify runs/A --accept-changes                 accept what was edited by hand
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn verify``."""
    parser = commands.add_parser(
        "verify",
        help="check which files of a run or study are whole, changed, cut, missing, corrupt or unchecked",
        description="Compare the files of a run, or of all runs of a study, with their manifest, and read each; "
        "or read one file. Nothing is written without --accept-changes. The exit status is 1 if a file is changed, "
        "cut, missing or corrupt.",
        epilog=EXAMPLES,
    )
    parser.add_argument("path", type=Path, metavar="RUN|STUDY|FILE")
    words = "update the manifest to the files as they are now; the run records what changed"
    parser.add_argument("--accept-changes", action="store_true", help=words)
    parser.set_defaults(command=_verify)


def _verify(args: argparse.Namespace) -> int:
    from topolearn.recording.integrity.listed import UNCHECKED, WHOLE
    from topolearn.verification import verify

    table = verify(args.path, accept_changes=args.accept_changes)
    for line in _lines(list(table.itertuples(index=False, name=None))):
        say(line)
    counts = Counter(table["state"])
    say(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 0 if counts.keys() <= {WHOLE, UNCHECKED} else 1


def _lines(rows: list[tuple[str, str, int, str]]) -> list[str]:
    """Return a line for each file; the whole files of a folder share one line if there are many.

    Examples
    --------
    >>> _lines([("config.toml", "whole", 10, ""), ("metrics.csv", "cut", 5, "has 5 bytes instead of 9")])
    ['whole      config.toml', 'cut        metrics.csv: has 5 bytes instead of 9']
    """
    folders = Counter(str(Path(file).parent) for file, state, *_ in rows if state == "whole")
    many = {folder for folder, count in folders.items() if count > MOST_WHOLE and folder != "."}
    lines = []
    for file, state, _, detail in rows:
        folder = str(Path(file).parent)
        if state == "whole" and folder in many:
            many.discard(folder)
            lines.append(f"{state:<10} {visible(folder)}/ ({folders[folder]} files)")
        elif state != "whole" or folders[folder] <= MOST_WHOLE or folder == ".":
            lines.append(f"{state:<10} {visible(file)}" + (f": {visible(detail)}" if detail else ""))
    return lines
