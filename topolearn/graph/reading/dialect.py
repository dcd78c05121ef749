"""Find the separator of the columns in a text: a tab, a comma, whitespace, ..."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from topolearn.graph.reading.content import Options

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|\.\d+)([eE][+-]?\d+)?")
_NAMES = {
    "\t": "tabs",
    ",": "commas",
    ";": "semicolons",
    "|": "vertical bars",
    "::": "double colons",
    None: "whitespace",
}

Rows = list[tuple[int, list[str]]]  # each with its line number


@dataclass(frozen=True)
class Dialect:
    """A separator, None for any whitespace, and the first rows split at it."""

    sep: str | None
    rows: Rows
    width: int

    @property
    def name(self) -> str:
        """The separator in words."""
        return _NAMES.get(self.sep, repr(self.sep))


def is_number(text: str) -> bool:
    """Return whether a text is a number as files write it."""
    return _NUMBER.fullmatch(text) is not None


def split(line: str, sep: str | None) -> list[str]:
    """Return the columns of a line, without spaces around separators and quotes around names.

    Examples
    --------
    >>> split('"Smith, J" , 3', ",")
    ['Smith, J', '3']
    """
    if sep is None:
        line, sep = line.replace("\t", " ").strip(), " "
    elif len(sep) > 1:
        line, sep = line.replace(sep, "\x1f"), "\x1f"
    return [word.strip() for word in next(csv.reader([line], delimiter=sep, skipinitialspace=True), [])]


def find_dialect(lines: Sequence[tuple[int, str]], options: Options) -> Dialect:
    """Return the dialect of the first lines of a text.

    Numbers are split at whitespace if possible. Otherwise the separator is the first of tab, semicolon, comma, vertical
    bar and double colon that every line has equally often; if there is none, it is whitespace.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When commas and whitespace both give two columns, or a line has one column, or more or fewer than the others.
    """
    try:
        sep = _separator([line for _, line in lines], options) if options.sep is None else _asked(options.sep)
        rows = [(number, split(line, sep)) for number, line in lines]
    except csv.Error as error:
        options.reject(f"is not a text file of lines and columns ({error})")
    width = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    if width > 1 and len(rows) > 1 and len(rows[0][1]) == width - 1:  # R omits the top-left corner
        rows[0] = (rows[0][0], ["", *rows[0][1]])
    for (number, row), (_, line) in zip(rows, lines, strict=True):
        if width == 1 or len(row) != width:
            reject_line(number, line, len(row), width, sep, options)
    return Dialect(sep, rows, width)


def reject_line(number: int, line: str, n: int, width: int, sep: str | None, options: Options) -> None:
    """Reject a file because of one line, which has another number of columns than the rest."""
    shown = line if len(line) <= 60 else line[:57] + "..."
    if width == 1 or n < 2:
        cure = (
            "each line must have two names, separated by whitespace, a comma, a semicolon or one that you pass, "
            "such as sep='~'"
        )
    else:
        what = f"{n} columns separated by {_NAMES.get(sep, repr(sep))}"
        cure = (
            f"it has {what}, but other lines have {width}: quote names that contain the separator, or pass another, "
            "such as sep=';'"
        )
    options.reject(f"cannot be read: line {number} is {shown!r}; {cure}")


def _asked(sep: str) -> str | None:
    return None if not sep.strip(" ") or sep == r"\s+" else sep


def _separator(lines: Sequence[str], options: Options) -> str | None:
    def widths(sep: str | None) -> list[int]:
        counts = [len(split(line, sep)) for line in lines]
        return counts[1:] if len(counts) > 2 and counts[0] == counts[1] - 1 else counts

    def is_even(counts: list[int]) -> bool:
        return counts[0] > 1 and len(set(counts)) == 1

    blanks = widths(None)
    rest = [word for line in lines[1:] or lines for word in split(line, None)]
    if is_even(blanks) and all(map(is_number, rest)):
        return None
    for sep in ("\t", ";", ",", "|", "::"):
        if is_even(widths(sep)):
            beside = any(re.search(r",\s|\s,", line) for line in lines)
            if sep == "," and not beside and is_even(blanks) and blanks[0] == widths(sep)[0] == 2:
                options.ask(
                    f"has lines such as {lines[0]!r}, which can be split at the comma or at whitespace: pass sep=',' "
                    "or sep=' '"
                )
            return sep
    if is_even(blanks):
        return None
    best = {sep: sum(n > 1 for n in widths(sep)) for sep in ("\t", ";", ",", "|", "::")}
    most = max(best, key=lambda sep: best[sep])
    return most if best[most] * 2 >= len(lines) else None
