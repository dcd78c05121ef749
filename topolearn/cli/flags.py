"""Error messages with the flags of a command in place of Python arguments."""

import argparse
import re
from collections.abc import Iterable
from shlex import quote

CALL = re.compile(r"(\w\([^()]*\))")  # in which names are those of Python
VALUE = r"('[^']*'|\.\.\.|-?\w+(?:[.-]\w+)*)"


def in_flags(message: str, actions: Iterable[argparse.Action], *, has_file: bool = False) -> str:
    """Return an error message with command-line flags in place of Python arguments.

    Parameters
    ----------
    message : str
    actions : iterable of argparse.Action
        The arguments of the command. Names that are not among its flags stay as they are.
    has_file : bool
        Whether a file sets values, so that ``name='value'`` stays as it is written there; switches become flags.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> actions = [parser.add_argument(f"--{name}") for name in ("data-dir", "run-dir", "sides")]
    >>> in_flags("name their folder by data_dir=..., or choose another run_dir", actions)
    'name their folder by --data-dir, or choose another --run-dir'
    >>> in_flags("pass sides=1 or duplicates='merge'", actions)
    "pass --sides 1 or duplicates='merge'"
    >>> in_flags("sides=1, as in read_graph(file, sides=1)", actions)
    '--sides 1, as in read_graph(file, sides=1)'
    >>> in_flags("continue it by topolearn.resume('runs/my net')", actions)
    "continue it by topolearn train --resume 'runs/my net'"
    """
    message = re.sub(r"topolearn\.resume\('(.*?)'\)", lambda run: f"topolearn train --resume {quote(run[1])}", message)
    pieces = CALL.split(message)
    for action in actions:
        if action.option_strings:
            pieces[::2] = [_with_flag(each, action, has_file) for each in pieces[::2]]
    return "".join(pieces)


def _with_flag(message: str, action: argparse.Action, has_file: bool) -> str:
    """Return a message in which one argument is written as its flag."""
    name = re.escape(action.dest)
    flag = next(each for each in action.option_strings if each.startswith("--"))
    start = rf"(?<![.\w]){name}="
    if isinstance(action, argparse.BooleanOptionalAction):
        message = re.sub(rf"{start}True\b", flag, message)
        return re.sub(rf"{start}False\b", action.option_strings[-1], message)
    if action.nargs == 0:
        return re.sub(rf"{start}True\b", flag, message) if action.const is True else message
    if not has_file:
        message = re.sub(start + VALUE, lambda match: _with_value(flag, match[1]), message)
    if flag != f"--{action.dest.replace('_', '-')}":  # a name that only Python has
        message = re.sub(rf"(?<![.\w]){name} must\b", f"{flag} must", message)
    return re.sub(rf"\banother {name}\b", f"another {flag}", message) if "_" in name else message


def _with_value(flag: str, value: str) -> str:
    if value == "...":
        return flag
    text = value.strip("'")
    return f"{flag} {text}" if re.fullmatch(r"[\w.:-]+", text) else f"{flag} {value}"
