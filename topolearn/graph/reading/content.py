"""The intermediate form between a file and a graph: the reader's options, and the links as the file has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import CorruptFileError, InvalidValueError


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `read_graph`, which documents them, and the name of the file for messages."""

    path: str
    sides: int | None = None
    format: str | None = None
    sep: str | None = None
    header: bool | None = None
    source: str | int | None = None
    target: str | int | None = None
    weight: str | int | bool | None = None
    index_base: int | None = None
    directed: bool = False
    duplicates: str = "error"
    self_loops: str = "error"
    comments: str = "#%"
    counts: str = "believe"
    encoding: str | None = None
    progress: bool = False

    def ask(self, question: str) -> NoReturn:
        """Raise an error about an ambiguity: the question names the options that settle it."""
        raise InvalidValueError(f"{self.path!r} {question}")

    def reject(self, reason: str) -> NoReturn:
        """Raise an error about a file that is damaged or not a network."""
        raise CorruptFileError(f"{self.path!r} {reason}")


@dataclass(frozen=True)
class Column:
    """One end of every link, named ``values[codes]``.

    Names are integers, or strings in order of first appearance.
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
    """What a file declares in its comments: numbers of nodes and links, the first id, sides, and direction."""

    n_nodes: tuple[int, ...] | None = None
    n_links: int | None = None
    first_id: int | None = None
    sides: int | None = None
    directed: bool | None = None
    multiple: bool = False  # a line may stand for several links, so the declared count is not the number of lines
    names: tuple[str, ...] = ()  # of the columns, which have no header
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """The links of a file, before anything is merged, dropped or decided.

    With ``complete``, the values of the columns are all nodes in order, linked or not; with ``same_nodes``, both
    columns have the same nodes.
    """

    format: str
    source: Column
    target: Column
    complete: bool = False
    same_nodes: bool = False
    declared: Declared = field(default_factory=Declared)
    sides: int | None = None
    question: str | None = None  # for the user, if the content leaves the kinds of nodes open
    weights: NDArray[np.float64] | None = None
    ignored: Sequence[str] = ()
    decided: Sequence[str] = ()


MOST_UNLINKED = 50_000_000


def check_size(n: int, n_linked: int, what: str, cure: str, options: Options) -> None:
    """Reject a number of nodes that can only be a mistake, such as 10**14, before it takes memory."""
    if n - n_linked > MOST_UNLINKED:
        options.reject(f"has {what}, {n - n_linked:,} of them without a link: {cure}")


def distinct(ids: NDArray[np.int64]) -> Column:
    """Return integers as a column: their sorted distinct values, and the place of each among these.

    Examples
    --------
    >>> distinct(np.array([7, 2, 7])).codes.tolist()
    [1, 0, 1]
    """
    if ids.size and ids.min() >= 0 and ids.max() < 4 * ids.size + 1024:  # no need to sort
        is_there = np.zeros(int(ids.max()) + 1, dtype=bool)
        is_there[ids] = True
        return Column((np.cumsum(is_there) - 1)[ids], np.flatnonzero(is_there))
    values, codes = np.unique(ids, return_inverse=True)
    return Column(codes.astype(np.int64), values)


def numbers(n: int) -> NDArray[np.int64]:
    """Return 0..n-1, the names of nodes that have none."""
    return np.arange(n, dtype=np.int64)


def counted(n: int, one: str, more: str | None = None) -> list[str]:
    """Return a count in words, as a list that is empty for 0.

    Examples
    --------
    >>> counted(1, "self-loop"), counted(1200, "self-loop"), counted(0, "self-loop")
    (['1 self-loop'], ['1,200 self-loops'], [])
    """
    return [f"{n:,} {one if n == 1 else more or one + 's'}"] if n else []


def joined(words: Sequence[Any], most: int = 4) -> str:
    """Return the first few words for a message, and the number of the others."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(str(word) for word in words[:most]) + more
