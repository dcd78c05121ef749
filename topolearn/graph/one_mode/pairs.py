"""Pairs of nodes of a one-mode graph: their numbering as cells, and the validation of edges."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.checks import integer, integers, quote

Integers = NDArray[np.int64]


def n_nodes_of(given: int) -> int:
    """Return the number of nodes as a plain integer, at least 2 and less than 2**31."""
    try:
        n = integer(given)
    except TypeError:
        raise InvalidTypeError(f"n_nodes={given!r}: pass an integer of at least 2") from None
    if not 2 <= n < 2**31:
        raise InvalidValueError(f"n_nodes={n}: a graph needs at least 2 nodes and fewer than 2**31")
    return n


def starts(n: int) -> Integers:
    """Return the offset of each node in the numbering of cells: the pair (i, j), i < j, is cell ``starts[i] + j``.

    Examples
    --------
    >>> starts(4)
    array([-1,  1,  2,  2])
    """
    i = np.arange(n, dtype=np.int64)
    return i * (2 * n - i - 1) // 2 - i - 1


def pairs_of_cells(cells: Integers, n: int) -> Integers:
    """Return the pairs of cells as rows (i, j) with i < j.

    Examples
    --------
    >>> pairs_of_cells(np.arange(3), 3).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    before = starts(n)
    first_cells = before + np.arange(1, n + 1)
    nodes = np.searchsorted(first_cells[:-1], cells, side="right") - 1
    return np.column_stack([nodes, cells - before[nodes]])


def rows_of(edges: ArrayLike) -> NDArray[Any]:
    """Return edges as (k, 2) integers of their own type; other shapes and types raise an error."""
    rows = integers(edges, "edges")
    rows = rows.reshape(0, 2) if rows.shape == (0,) else rows
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise InvalidValueError(f"edges has shape {rows.shape}: pass (k, 2) rows (node, other)")
    return rows


def cells_of_edges(edges: ArrayLike, n: int, names: tuple[str, ...] | None) -> Integers:
    """Return the sorted cells of rows (node, other), which must be in range, unique and without self-loops."""
    rows = rows_of(edges)
    outside = (rows < 0) | (rows >= n)
    if outside.any():
        row = int(outside.any(axis=1).argmax())
        node = rows[row][outside[row]][0]
        raise InvalidValueError(f"{quote(rows, 'edges', row)} has the node {node}: nodes are 0..{n - 1}")
    rows = rows.astype(np.int64)  # only now, as larger ones would wrap
    loops = np.flatnonzero(rows[:, 0] == rows[:, 1])
    if loops.size:
        node = rows[loops[0], 0]
        label = repr(names[node]) if names else node
        raise InvalidValueError(
            f"{quote(rows, 'edges', loops[0])}: node {label} is linked to itself; remove "
            + ("this self-loop" if loops.size == 1 else f"all {loops.size:,} self-loops")
        )
    ordered = np.sort(rows, axis=1)
    cells = starts(n)[ordered[:, 0]] + ordered[:, 1]
    more = f"only {np.unique(cells).size:,} of {len(rows):,} rows are distinct links"
    _reject_repeated(cells, rows, "edges", more, names)
    return np.sort(cells)


def sorted_cells(cells: ArrayLike, n: int) -> Integers:
    """Return 1-D integer cells in order; they must be unique and in range."""
    values = integers(cells, "cells")
    if values.ndim != 1:
        raise InvalidValueError(f"cells has shape {values.shape}: pass a 1-D array")
    outside = (values < 0) | (values >= n * (n - 1) // 2)
    if outside.any():
        raise InvalidValueError(
            f"{quote(values, 'cells', int(outside.argmax()))} is out of range: "
            f"pairs of {n} nodes are cells 0..{n * (n - 1) // 2 - 1}"
        )
    values = values.astype(np.int64)
    _reject_repeated(values, values, "cells", "use numpy.unique(cells)")
    return np.sort(values)


def symmetrised(edges: ArrayLike) -> Integers:
    """Return directed rows with each pair once, whatever the direction of its links; repeated rows stay repeated.

    Examples
    --------
    >>> symmetrised([(0, 1), (1, 0), (2, 1)]).tolist()
    [[0, 1], [1, 2]]
    """
    rows = rows_of(edges)
    if len(np.unique(rows, axis=0)) < len(rows):
        return rows  # the graph raises an error that quotes one
    return np.unique(np.sort(rows, axis=1), axis=0)


def reject_repeated(edges: Sequence[tuple[int, int]], labels: Sequence[Any], cure: str, *, directed: bool) -> None:
    """Raise an error that names a link that appears several times, in one direction or, unless directed, in either.

    Raises
    ------
    InvalidValueError
    """
    ends = edges if directed else [(a, b) if a < b else (b, a) for a, b in edges]
    if len(set(ends)) < len(ends):
        link, n = Counter(ends).most_common(1)[0]
        raise InvalidValueError(f"the link {_link(link, labels)} appears {n} times: {cure}")


def _link(ends: Iterable[int], labels: Sequence[Any]) -> str:
    return " - ".join(repr(labels[end]) for end in ends)


def _reject_repeated(
    cells: Integers, given: Integers, what: str, more: str, names: Sequence[str] | None = None
) -> None:
    ordered = np.sort(cells)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if repeated.size:
        first, second = np.flatnonzero(cells == repeated[0])[:2]
        named = f" ({_link(given[second], names)})" if names else ""
        raise InvalidValueError(
            f"{quote(given, what, second)}{named} repeats {quote(given, what, first)}: each link "
            f"must appear once, in one direction; {more}"
        )
