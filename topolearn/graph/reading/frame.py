"""Read pandas DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topolearn.graph.reading.columns import find_places
from topolearn.graph.reading.content import Column, Content, Declared, Options, distinct
from topolearn.graph.reading.matrices import from_matrix

if TYPE_CHECKING:
    import pandas as pd


def read_frame(frame: pd.DataFrame, options: Options) -> Content:
    """Return the links in two columns of a DataFrame, or its matrix if its index has the names of its columns."""
    import pandas as pd

    if not len(frame) or frame.shape[1] < 2:
        options.reject(f"has shape {frame.shape}: a table of links needs at least one row and two columns")
    names = [str(name) for name in frame.columns]
    row_names = [str(name) for name in frame.index]
    is_permuted = sorted(row_names) == sorted(names) and not any(map(str.isdigit, names))  # else rows may be numbered
    if (row_names == names or is_permuted) and all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        matrix = frame.to_numpy(dtype=np.float64)
        rows, columns = np.nonzero(matrix)
        return from_matrix(
            rows, columns, matrix[rows, columns], (len(names), len(names)), options, format="matrix",
            row_names=row_names, column_names=names,
        )  # fmt: skip
    sample = [["" if pd.isna(x) else str(x) for x in row] for row in frame.head(100).itertuples(index=False)]
    places = find_places(names, sample, Declared(), options)
    ends = [_column(frame.iloc[:, i], names[i], options) for i in (places.source, places.target)]
    weights = None
    if places.weight is not None:
        weights = pd.to_numeric(frame.iloc[:, places.weight], errors="coerce").to_numpy(dtype=np.float64)
        if not np.isfinite(weights).all():
            row = int(np.flatnonzero(~np.isfinite(weights))[0])
            options.ask(f"has a weight that is not a finite number in row {row}: {frame.iloc[row, places.weight]!r}")
    said = f"columns {', '.join(map(repr, names))}"
    return Content(
        format="links", source=ends[0], target=ends[1], declared=Declared(text=said), weights=weights,
        ignored=places.ignored, decided=places.decided,
    )  # fmt: skip


def _column(column: Any, name: str, options: Options) -> Column:
    import pandas as pd

    missing = column.isna().to_numpy()
    if missing.any():
        options.ask(f"has a missing name in column {name!r}, row {int(missing.argmax())}: use frame.dropna()")
    if pd.api.types.is_integer_dtype(column.dtype) and column.max() < 2**63:  # larger ids are names
        return distinct(column.to_numpy(dtype=np.int64))
    _reject_alike(column, name, options)
    codes, values = pd.factorize(column.astype(str))
    return Column(codes.astype(np.int64), list(map(str, values)))


def _reject_alike(column: Any, name: str, options: Options) -> None:
    """Ask about different values that are written alike, such as 1 and "1": they would become one node."""
    if column.map(type).nunique() == 1:
        return
    first: dict[str, Any] = {}
    for value in column:
        if first.setdefault(str(value), value) != value:
            options.ask(
                f"has {first[str(value)]!r} and {value!r} in column {name!r}, which are written alike: if they are the "
                "same node, use frame.astype(str)"
            )
