"""Argument parsers with one-line errors that suggest what was meant."""

import argparse
import difflib
from functools import partial
from typing import Any, NoReturn

from topolearn.registry import suggest
from topolearn.terminal import visible


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
        choices: list[Any] | None = list(action.choices) if action.choices is not None else None
        if choices is not None and value not in choices:
            is_command = isinstance(action, argparse._SubParsersAction)
            what = "unknown command" if is_command else "invalid choice"
            are_names = all(isinstance(choice, str) for choice in choices)
            words = suggest(value, choices) if are_names else f"choose {' or '.join(map(str, choices))}"
            raise argparse.ArgumentError(None if is_command else action, f"{what} {value!r}: {words}")
