"""Read adjacency matrices from text, with or without row and column names."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from topolearn.graph.reading.content import Content, Options, counted
from topolearn.graph.reading.dialect import Dialect, is_number
from topolearn.graph.reading.header_row import usual_pair
from topolearn.graph.reading.matrices import from_matrix
from topolearn.graph.reading.strict import strictly
from topolearn.graph.reading.text import Text

_ASK = "may be a matrix or a list of weighted links: pass format='matrix' or format='links'"


def read_text_matrix(text: Text, dialect: Dialect, options: Options) -> Content | None:
    """Return the content of a text that is a matrix; None for a list of links.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When it could be either, or a matrix has text among its numbers.
    """
    rows = [row for _, row in dialect.rows]
    n_rows = text.rows.count(b"\n")
    wanted = options.format == "matrix"
    if options.format not in (None, "matrix") or (not wanted and (options.source, options.target) != (None, None)):
        return None
    labelled = _is_labelled(rows)
    corner = labelled or (wanted and not all(map(is_number, rows[0])))
    if not wanted:
        answer = _is_named_matrix(rows, n_rows) if labelled else _is_plain_matrix(rows, n_rows)
        if answer is None:
            options.ask(_ASK)
        if not answer:
            return None
    names = list(rows[0][1:]) if corner else None
    row_names, matrix = _numbers(text, dialect, bool(corner), options)
    if options.header is not None and options.header != (names is not None):
        options.ask(f"is a matrix {'with' if names else 'without'} column names: leave out header={options.header}")
    places = np.nonzero(matrix)
    return from_matrix(
        places[0].astype(np.int64),
        places[1].astype(np.int64),
        matrix[places],
        (matrix.shape[0], matrix.shape[1]),
        options,
        format=f"matrix separated by {dialect.name}",
        row_names=row_names,
        column_names=names,
        header=f"{len(names)} column names, {len(row_names or [])} row names" if names else None,
        ignored=counted(len(text.comments), "comment"),
    )


def _is_labelled(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row and column hold names, and everything else numbers."""
    if len(rows) < 2 or len(rows[0]) < 3:
        return False
    inside = all(is_number(word) for row in rows[1:] for word in row[1:])
    outside = rows[0][0] == "" or not all(map(is_number, rows[0][1:]))
    return inside and outside and (rows[0][0] == "" or not is_number(rows[0][0]))


def _is_named_matrix(rows: Sequence[Sequence[str]], n_rows: int) -> bool | None:
    names, beside = list(rows[0][1:]), [row[0] for row in rows[1:]]
    if n_rows - 1 == len(names) and names[: len(beside)] == beside:
        return True
    is_permuted = len(set(beside)) == len(beside) and set(beside) <= set(names)
    if n_rows - 1 == len(names) and is_permuted and not all(map(is_number, names)):  # else rows may be numbered
        return True
    if usual_pair(rows[0]) is not None or len(set(beside)) < len(beside):
        return False  # row names of a matrix are unique
    inner = {word for row in rows[1:] for word in row[1:]}
    counts_rows = any(beside == [str(i) for i in range(start, start + len(beside))] for start in (0, 1))
    if inner <= {"0", "1"} and len(names) > 2:
        return True
    return None if len(names) > 3 and not counts_rows else False


def _is_plain_matrix(rows: Sequence[Sequence[str]], n_rows: int) -> bool | None:
    width = len(rows[0])
    if width < 3 or not all(is_number(word) for row in rows for word in row):
        return False
    inner = {word for row in rows for word in row}
    if inner <= {"0", "1"} and n_rows > 1:
        return True  # as links, all would join the same two nodes
    if any(not word.isdigit() for row in rows for word in row[:2]):
        return True  # not ids
    if n_rows == width:
        values = np.array(rows, dtype=float) if len(rows) == n_rows else None
        if values is not None and np.array_equal(values, values.T) and not values.diagonal().any():
            return True
        return True if width > 4 else None
    return None if width > 4 else False


def _numbers(text: Text, dialect: Dialect, corner: bool, options: Options) -> tuple[list[str] | None, np.ndarray]:
    import pandas as pd

    sep = dialect.sep
    data = text.rows if sep is None or len(sep) == 1 else text.rows.replace(sep.encode(), b"\x1f")
    dtypes = {i: str if corner and i == 0 else np.float64 for i in range(dialect.width)}
    try:
        with strictly():
            frame = pd.read_csv(
                io.BytesIO(data), sep=r"\s+" if sep is None else sep if len(sep) == 1 else "\x1f", header=None,
                skiprows=1 if corner else 0, names=list(range(dialect.width)), dtype=dtypes, na_filter=False,
                index_col=False, skipinitialspace=True,
            )  # fmt: skip
    except (ValueError, OverflowError) as error:  # pandas' ParserError is a ValueError
        options.reject(f"is not a matrix of numbers ({error}): pass format='links' if it is a list of links")
    names = frame[0].str.strip().tolist() if corner else None
    matrix = frame.iloc[:, 1 if corner else 0 :].to_numpy(dtype=np.float64)
    if not np.isfinite(matrix).all():
        options.reject("is a matrix with an entry that is not a finite number: put 0 where there is no link")
    return names, matrix
