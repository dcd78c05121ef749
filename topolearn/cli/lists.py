"""`topolearn methods` and `topolearn datasets`: the available methods and data sets."""

import argparse
from typing import Any

from topolearn.terminal import say


def add_parser(commands: Any) -> None:
    """Add ``topolearn methods`` and ``topolearn datasets``."""
    for name, command, text in (
        ("methods", _methods, "list the methods and their components"),
        ("datasets", _datasets, "list the data sets"),
    ):
        commands.add_parser(name, help=text, description=f"{text.capitalize()}.").set_defaults(command=command)


def _methods(args: argparse.Namespace) -> None:
    from topolearn.evolution import methods

    say(methods())


def _datasets(args: argparse.Namespace) -> None:
    from topolearn.training import DATASETS
    from topolearn.training.data import VALIDATION

    for name, source in DATASETS.items():
        say(f"{name:17}{source.description}{'; bundled' if source.bundled else ''}")
    say(f"{'FILE.npz':17}your own arrays: train_x, train_y, test_x, test_y")
    say(f"{'...' + VALIDATION:17}any of these, with held-out training examples in place of the test examples")
