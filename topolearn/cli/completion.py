"""`topolearn completion`: shell completion of commands and options."""

import argparse
from typing import Any

from topolearn.terminal import say_content

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """examples:
  eval "$(topolearn completion bash)"                      in ~/.bashrc
  topolearn completion zsh > ~/.zfunc/_topolearn           in a folder on zsh's fpath
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn completion``."""
    parser = commands.add_parser(
        "completion",
        help="print a shell completion script",
        description="Print a script for shell completion of topolearn's commands, their options and file names.",
        epilog=EXAMPLES,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(command=_complete)


def _complete(args: argparse.Namespace) -> None:
    import shtab

    from topolearn.cli import parser

    say_content(shtab.complete(parser(), args.shell))
