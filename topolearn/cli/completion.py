"""`topolearn completion`: what a shell needs to complete commands and options."""

import argparse
from typing import Any

from topolearn.terminal import say_content

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """examples:
  eval "$(topolearn completion bash)"                      in ~/.bashrc
  topolearn completion zsh > ~/.zfunc/_topolearn           in a folder of zsh's fpath
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn completion``."""
    parser = commands.add_parser(
        "completion",
        help="print what lets a shell complete commands and options",
        description="Print a script that lets a shell complete the commands of topolearn, their options and files.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(command=_complete)


def _complete(args: argparse.Namespace) -> None:
    import shtab

    from topolearn.cli import parser

    say_content(shtab.complete(parser(), args.shell))
