"""What lies between a file and a graph: the options of a reading, and the links as the file has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import CorruptFileError, InvalidValueError


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `read_graph`, which documents them, and the file's name for messages."""

    path: str
    sides: int | None = None
    format: str | None = None
    sep: str | None = None
    header: bool | None = None
    source: str | int | None = None
    target: str | int | None = None
    weight: str | int | Literal[True] | None = None
    index_base: int | None = None
    directed: bool = False
    duplicates: str = "error"
    self_loops: str = "error"
    comments: str = "#%"
    counts: str = "believe"
    encoding: str | None = None
    progress: bool = False

    def ask(self, question: str) -> NoReturn:
        """Refuse to guess."""
        raise InvalidValueError(f"{self.path!r} {question}")

    def refuse(self, reason: str) -> NoReturn:
        """Refuse a file that is broken or of another kind."""
        raise CorruptFileError(f"{self.path!r} {reason}")


@dataclass(frozen=True)
class Column:
    """One end of all links: the name of each is ``values[codes]``.

    Names are integers, or strings in the order in which they come first.
    """

    codes: NDArray[np.int64]
    values: NDArray[np.int64] | list[str]

    @property
    def is_numbers(self) -> bool:
        """Whether names are integers."""
        return isinstance(self.values, np.ndarray)

    def texts(self) -> list[str]:
        """Return the names as strings."""
        return [str(value) for value in self.values.tolist()] if isinstance(self.values, np.ndarray) else self.values


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a file says of itself in comments: nodes of each kind, links, the first id, sides, and direction."""

    n_nodes: tuple[int, ...] | None = None
    n_links: int | None = None
    first_id: int | None = None
    sides: int | None = None
    directed: bool | None = None
    multiple: bool = False  # a line may stand for several links, so that its count of links is not that of lines
    names: tuple[str, ...] = ()  # of columns that have no header
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """The links of a file, before anything is merged, dropped or decided.

    With ``complete`` the values of both columns are all nodes there are, in their order, linked or not; with
    ``same_nodes`` both columns are of the same nodes.
    """

    format: str
    source: Column
    target: Column
    complete: bool = False
    same_nodes: bool = False
    declared: Declared = field(default_factory=Declared)
    sides: int | None = None
    question: str | None = None  # why the content does not say whether there are one or two kinds of nodes
    weights: NDArray[np.float64] | None = None
    ignored: Sequence[str] = ()
    decided: Sequence[str] = ()


MOST_UNLINKED = 50_000_000


def check_size(n: int, n_linked: int, what: str, options: Options) -> None:
    """Refuse a file whose number of nodes, 10**14 for example, can only be a mistake, before it takes memory."""
    if n - n_linked > MOST_UNLINKED:
        options.refuse(f"has {what}, {n - n_linked:,} of them without a link: correct it, or pass counts='ignore'")


def distinct(ids: NDArray[np.int64]) -> Column:
    """Return integers as a column: their sorted distinct values, and which of these each is.

    Examples
    --------
    >>> distinct(np.array([7, 2, 7])).codes.tolist()
    [1, 0, 1]
    """
    if ids.size and ids.min() >= 0 and ids.max() < 4 * ids.size + 1024:  # without sorting
        is_there = np.zeros(int(ids.max()) + 1, dtype=bool)
        is_there[ids] = True
        return Column((np.cumsum(is_there) - 1)[ids], np.flatnonzero(is_there))
    values, codes = np.unique(ids, return_inverse=True)
    return Column(codes.astype(np.int64), values)


def numbers(n: int) -> NDArray[np.int64]:
    """Return the names of nodes that have none."""
    return np.arange(n, dtype=np.int64)


def counted(n: int, one: str, more: str | None = None) -> list[str]:
    """Return a number of things in words, in a list that is empty without any.

    Examples
    --------
    >>> counted(1, "self-loop"), counted(1200, "self-loop"), counted(0, "self-loop")
    (['1 self-loop'], ['1,200 self-loops'], [])
    """
    return [f"{n:,} {one if n == 1 else more or one + 's'}"] if n else []


def joined(words: Sequence[Any], most: int = 4) -> str:
    """Return the first of several words for a message, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(str(word) for word in words[:most]) + more
