"""Argument parsers with one-line errors that suggest what was meant."""

import argparse
import difflib
import re
from functools import partial
from shlex import quote
from typing import Any, NoReturn

from topolearn.registry import suggest
from topolearn.terminal import visible


def in_flags(message: str) -> str:
    """Return an error message with command-line flags in place of Python arguments.

    Examples
    --------
    >>> in_flags("continue it by topolearn.resume('runs/my net'), or replace it by overwrite=True")
    "continue it by topolearn train --resume 'runs/my net', or replace it by --overwrite"
    >>> in_flags("name their folder by data_dir=..., or choose another run_dir")
    'name their folder by --data-dir, or choose another --run-dir'
    """
    message = re.sub(r"topolearn\.resume\('(.*?)'\)", lambda run: f"topolearn train --resume {quote(run[1])}", message)
    message = re.sub(r"\b(accept_changes|overwrite)=True\b", lambda name: _flag(name[1]), message)
    message = re.sub(r"\b(data_dir|density)=\.\.\.", lambda name: _flag(name[1]), message)
    return message.replace("another run_dir", "another --run-dir")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Wrap descriptions, which are one paragraph, and leave the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text if "\n" in text else partial(argparse.HelpFormatter._fill_text, self)
        return fill(text, width, indent)


class OneLineParser(argparse.ArgumentParser):
    """A parser with one-line errors that suggest the nearest command, option or value."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": HelpFormatter, **options})

    def error(self, message: str) -> NoReturn:
        """Print the error and how to get help, and exit with status 2."""
        self.exit(2, f"topolearn: error: {visible(message)} (see '{self.prog} --help')\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments, and report unknown options from the parser of the command that they follow."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unknown argument {unknown[0]!r}{self._nearest_option(unknown[0])}")
        return parsed, unknown

    def _nearest_option(self, word: str) -> str:
        near = difflib.get_close_matches(word.partition("=")[0], self._option_string_actions, n=1)
        return f": did you mean {near[0]}?" if near else ""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices: list[str] | None = list(action.choices) if action.choices is not None else None
        if choices is not None and value not in choices:
            is_command = isinstance(action, argparse._SubParsersAction)
            what = "unknown command" if is_command else "invalid choice"
            raise argparse.ArgumentError(
                None if is_command else action, f"{what} {value!r}: {suggest(str(value), choices)}"
            )
