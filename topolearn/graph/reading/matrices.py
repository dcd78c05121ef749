"""Turn an adjacency matrix into content, with one kind of node or two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from topolearn.graph.reading.content import MOST_UNLINKED, Column, Content, Declared, Options, numbers

ASK_KIND = (
    "is a square matrix, which may have one kind of node or two: pass sides=1 for a Graph, or sides=2 for a "
    "BipartiteGraph with columns as inputs and rows as outputs"
)


def from_matrix(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[np.float64] | None,
    shape: tuple[int, int],
    options: Options,
    *,
    format: str,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    symmetric: bool = False,
    sides: int | None = None,
    header: str | None = None,
    ignored: Sequence[str] = (),
) -> Content:
    """Return the content of a matrix of shape (n_out, n_in), given its entries.

    A matrix that is not square has two kinds of nodes. One that has the same names on both sides, is declared
    symmetric, or is symmetric with an empty diagonal has one kind; it holds each link twice, and each is read once. Its
    rows may be in another order than its columns, which is that of the nodes.

    Raises
    ------
    InvalidValueError
        When it has one kind of node but is not square, or the names of its rows are not those of its columns.
    CorruptFileError
        When an entry is not a finite number, or the shape can only be a mistake.
    """
    if values is not None and not np.isfinite(values).all():
        i = int(np.flatnonzero(~np.isfinite(values))[0])
        options.reject(
            f"is a matrix whose entry in row {rows[i] + 1}, column {columns[i] + 1} is {values[i]}, not a finite "
            "number: put 0 where there is no link"
        )
    if max(shape) - rows.size > MOST_UNLINKED:
        options.reject(f"declares a shape of {shape[0]:,} x {shape[1]:,} for {rows.size:,} entries: correct the shape")
    square = shape[0] == shape[1]
    same_names = row_names is not None and _are_the_same(row_names, column_names or ())
    if same_names and row_names is not None and column_names is not None and options.sides != 2:
        place = {name: i for i, name in enumerate(column_names)}
        rows = np.array([place[name] for name in row_names], dtype=np.int64)[rows]  # each row at the place of its node
    if options.sides == 1 and not square:
        options.ask(f"is {shape[0]} x {shape[1]}, not square: sides=1 needs a row and a column for each node")
    mirrored = square and (symmetric or _is_symmetric(rows, columns, values if options.weight else None, shape[0]))
    other_names = row_names is not None and not set(row_names) & set(column_names or ())
    if sides is None and (not square or other_names):
        sides = 2
    elif sides is None and (same_names or symmetric or (mirrored and rows.size and not (rows == columns).any())):
        sides = 1
    one = (options.sides or sides) == 1
    if one and row_names is not None and column_names is not None and not same_names:
        _ask_about_names(row_names, column_names, options)
    if one and mirrored:
        upper = rows <= columns
        rows, columns = rows[upper], columns[upper]
        values = None if values is None else values[upper]
    names = column_names if column_names is not None else row_names
    source = Column(columns, list(names) if names is not None and (one or column_names) else numbers(shape[1]))
    target = source if one else Column(rows, list(row_names) if row_names is not None else numbers(shape[0]))
    if one:
        target = Column(rows, source.values)
    weights = values if options.weight is not None else None
    dropped = [] if values is None or options.weight is not None or _all_ones(values) else ["entry values"]
    return Content(
        format=f"{format}, {shape[0]:,} x {shape[1]:,}",
        source=source,
        target=target,
        complete=True,
        same_nodes=one,
        declared=Declared(directed=None if not one else not mirrored, text=header),
        sides=sides,
        question=ASK_KIND,
        weights=weights,
        ignored=[*ignored, *dropped],
        decided=[] if one else ["rows are outputs"],
    )


def _are_the_same(row_names: Sequence[str], column_names: Sequence[str]) -> bool:
    """Return whether rows and columns have the same distinct names, in any order."""
    return len(row_names) == len(column_names) == len(set(row_names)) and set(row_names) == set(column_names)


def _ask_about_names(row_names: Sequence[str], column_names: Sequence[str], options: Options) -> None:
    """Ask about a square matrix of one kind of node whose rows are not the nodes of its columns."""
    for names, others, side, other in (
        (row_names, column_names, "row", "column"),
        (column_names, row_names, "column", "row"),
    ):
        alone = next((name for name in names if name not in others), None)
        if alone is not None:
            options.ask(
                f"has a {side} {alone!r} but no such {other}: one kind of node needs the same names on both sides; "
                "correct the names, or pass sides=2"
            )
    repeated = next(name for name in row_names if list(row_names).count(name) > 1)
    options.ask(f"has several rows named {repeated!r}: make the names unique, or pass sides=2")


def _is_symmetric(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[np.float64] | None, n: int
) -> bool:
    cells, mirrored = rows * n + columns, columns * n + rows
    order, other = np.argsort(cells, kind="stable"), np.argsort(mirrored, kind="stable")
    if not np.array_equal(cells[order], mirrored[other]):
        return False
    return values is None or np.array_equal(values[order], values[other])


def _all_ones(values: NDArray[np.float64]) -> bool:
    return bool((values == 1).all())
