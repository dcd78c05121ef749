"""`topolearn count`: what a training run costs, before it starts."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.task_registry import imported, preset, task_of
from topolearn.terminal import say, say_json

EXAMPLES = """examples:
  topolearn count translation-wmt17                        a preset: its parameters, links, FLOPs and bytes
  topolearn count experiment.toml --json                   exact numbers, for scripts
  topolearn count runs/A/config.toml                       what an existing run cost
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn count``."""
    parser = commands.add_parser(
        "count",
        help="count the parameters, links, FLOPs and bytes of a training run before it starts",
        description="Print what training a configuration costs, compared with the dense network. Nothing is trained, "
        "and the model takes up no memory, whatever its size.",
        epilog=EXAMPLES,
    )
    words = "a TOML file of options, or the name of a preset"
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help=words)
    parser.add_argument("--json", action="store_true", help="print exact numbers as JSON instead of a table")
    parser.set_defaults(command=_count)


def _count(args: argparse.Namespace) -> None:
    from topolearn.counting import count_config

    file = preset(args.config)
    costs = count_config(imported(task_of(file).config).load(file))
    if args.json:
        say_json(costs.to_dict())
    else:
        say(costs)
