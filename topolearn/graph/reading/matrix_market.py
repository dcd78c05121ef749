"""Read Matrix Market files (.mtx) with pandas: scipy's compiled reader crashes the process on some damaged ones."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.errors import CorruptFileError
from topolearn.graph.own_comment import own_comment
from topolearn.graph.reading.content import Content, Options, counted
from topolearn.graph.reading.matrices import from_matrix
from topolearn.graph.reading.strict import strictly
from topolearn.graph.reading.text import Text

_FIELDS = {"real": 1, "double": 1, "integer": 1, "unsigned-integer": 1, "complex": 2, "pattern": 0}
_SYMMETRIES = ("general", "symmetric", "skew-symmetric", "hermitian")


def read_matrix_market(text: Text, options: Options) -> Content:
    """Return the content of a file: each stored entry is a link, even a zero; in an array, each non-zero is one."""
    rows, columns, values, shape, symmetry, comments = _entries(text.whole, options.path)
    own = next(filter(None, map(own_comment, comments)), None)
    header = own or {}
    sides = None if own is None else 1 if "n_nodes" in own else 2
    sizes = () if own is None else (own["n_nodes"],) * 2 if sides == 1 else (own["n_out"], own["n_in"])
    if own is not None and shape != sizes:
        options.reject(f"is not a valid file of a graph: its shape is {shape}, but its comment says {sizes}")
    n_zeros = 0 if values is None else int((values == 0).sum())
    if symmetry != "general":
        rows, columns, values = _both_triangles(rows, columns, values)
    content = from_matrix(
        rows, columns, values, shape, options, format="Matrix Market", symmetric=symmetry != "general",
        row_names=header.get("output_names", header.get("names")),
        column_names=header.get("input_names", header.get("names")), sides=sides,
        header=symmetry, ignored=[] if own else counted(len(comments), "comment"),
    )  # fmt: skip
    return (
        replace(content, decided=[*content.decided, f"{counted(n_zeros, 'stored zero')[0]} among the links"])
        if n_zeros
        else content
    )


def read_adjacency(data: bytes, path: str) -> sparse.coo_array:
    """Return the stored entries of a Matrix Market file in memory as a sparse array.

    Raises
    ------
    CorruptFileError
        When the file does not follow the format.

    Examples
    --------
    >>> read_adjacency(b"%%MatrixMarket matrix coordinate pattern general\\n2 3 1\\n1 3\\n", "x.mtx").coords[1].tolist()
    [2]
    """
    rows, columns, values, shape, symmetry, _ = _entries(data.replace(b"\r\n", b"\n"), path)
    if symmetry != "general":
        rows, columns, values = _both_triangles(rows, columns, values)
    return sparse.coo_array((np.ones(rows.size) if values is None else values, (rows, columns)), shape=shape)


def _entries(data: bytes, path: str) -> tuple[Any, Any, Any, tuple[int, int], str, list[str]]:
    def invalid(reason: str) -> CorruptFileError:
        return CorruptFileError(f"{path!r} is not a valid Matrix Market file: {reason}")

    banner, _, rest = data.partition(b"\n")
    words = banner.decode("utf-8", "replace").lower().split()
    if (
        len(words) != 5
        or words[0] != "%%matrixmarket"
        or words[1] != "matrix"
        or words[2] not in ("coordinate", "array")
    ):
        raise invalid(
            "its first line must be like '%%MatrixMarket matrix coordinate real general', not "
            f"{banner[:60].decode('utf-8', 'replace')!r}"
        )
    _, _, layout, field, symmetry = words
    for word, known in ((field, tuple(_FIELDS)), (symmetry, _SYMMETRIES)):
        if word not in known:
            raise invalid(f"its first line has {word!r} where one of {', '.join(known)} must be")
    head = re.match(rb"(?:[ \t]*(?:%[^\n]*)?\n)*", rest)
    assert head is not None
    comments = [line.strip().lstrip("%").strip() for line in head[0].decode("utf-8", "replace").split("\n")]
    sizes, _, body = rest[head.end() :].partition(b"\n")
    n = sizes.split()
    if len(n) != (3 if layout == "coordinate" else 2) or not all(re.fullmatch(rb"\d{1,18}", each) for each in n):
        raise invalid(
            f"its size line is {sizes[:60].decode('utf-8', 'replace')!r}, not "
            + ("'rows columns entries'" if layout == "coordinate" else "'rows columns'")
        )
    shape = (int(n[0]), int(n[1]))
    if min(shape) < 1 or (symmetry != "general" and shape[0] != shape[1]):
        raise invalid(f"a {symmetry} matrix cannot have the shape {shape}")
    if layout == "array":
        rows, columns, values = _array(body, shape, symmetry, field, invalid)
    else:
        rows, columns, values = _coordinates(body, int(n[2]), shape, field, invalid)
    if symmetry != "general" and (rows < columns).any():
        raise invalid(f"it is {symmetry}, but has an entry above the diagonal")
    return rows, columns, values, shape, symmetry, [line for line in comments if line]


def _coordinates(body: bytes, n: int, shape: tuple[int, int], field: str, invalid: Any) -> tuple[Any, Any, Any]:
    width = 2 + _FIELDS[field]
    table = _table(body, width, [np.int64, np.int64, *[np.float64] * _FIELDS[field]], invalid)
    if len(table) != n:
        raise invalid(f"its size line says {n} entries, but it has {len(table)}")
    rows, columns = table[0].to_numpy() - 1, table[1].to_numpy() - 1
    if n and (min(rows.min(), columns.min()) < 0 or rows.max() >= shape[0] or columns.max() >= shape[1]):
        raise invalid(f"an entry is outside the {shape[0]} x {shape[1]} matrix, whose indices begin at 1")
    return rows, columns, _magnitude(table, 2, field)


def _array(body: bytes, shape: tuple[int, int], symmetry: str, field: str, invalid: Any) -> tuple[Any, Any, Any]:
    if field == "pattern":
        raise invalid("the field 'pattern' needs the layout 'coordinate', not 'array'")
    table = _table(body, _FIELDS[field], [np.float64] * _FIELDS[field], invalid)
    values = _magnitude(table, 0, field)
    assert values is not None
    n = shape[0]
    expected = {"general": n * shape[1], "skew-symmetric": n * (n - 1) // 2}.get(symmetry, n * (n + 1) // 2)
    if values.size != expected:  # checked before a wrong shape takes memory
        raise invalid(f"a {symmetry} array of {shape[0]} x {shape[1]} has {expected} entries, not {values.size}")
    rows, columns = np.indices(shape).reshape(2, -1, order="F")  # column by column
    if symmetry != "general":
        lower = rows > columns if symmetry == "skew-symmetric" else rows >= columns
        rows, columns = rows[lower], columns[lower]
    links = values != 0
    return rows[links], columns[links], values[links]


def _table(body: bytes, width: int, dtypes: list[Any], invalid: Any) -> Any:
    import pandas as pd

    try:
        with strictly():
            frame = pd.read_csv(
                io.BytesIO(body), sep=r"\s+", header=None, names=list(range(width)), index_col=False, na_filter=False,
                dtype=dict(enumerate(dtypes)),
            )  # fmt: skip
    except (ValueError, OverflowError, UnicodeError) as error:
        raise invalid(" ".join(str(error).split())) from None
    return frame


def _magnitude(table: Any, first: int, field: str) -> NDArray[np.float64] | None:
    if _FIELDS[field] == 0:
        return None
    columns = table.iloc[:, first:].to_numpy(dtype=np.float64)
    return np.hypot(*columns.T) if field == "complex" else columns[:, 0]


def _both_triangles(rows: Any, columns: Any, values: Any) -> tuple[Any, Any, Any]:
    off = rows != columns
    return (
        np.concatenate([rows, columns[off]]),
        np.concatenate([columns, rows[off]]),
        None if values is None else np.concatenate([values, values[off]]),
    )
