"""The files of a history: packed columns of numbers, written atomically."""

import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from topolearn.files import written_aside
from topolearn.graph.stored_arrays import Shapes, read_some
from topolearn.read_errors import reading
from topolearn.recording.documents import CURE

Cells = NDArray[np.int64]
Columns = dict[str, NDArray]
WHAT = "a readable topology history file"


def write_columns(file: Path, columns: Mapping[str, NDArray], *, level: int = 6) -> None:
    """Write columns to an .npz file atomically, compressed by zlib at a level from 0 to 9."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        written_aside(file) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive,
    ):
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(column), allow_pickle=False)


def read_columns(file: Path, names: Collection[str] | None = None) -> tuple[Columns, Shapes]:
    """Return some or all columns of a file, and the shapes of all its columns, which need no reading of the data.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, or it is cut off or altered.
    """
    with reading(file, WHAT, CURE):
        return read_some(file, names)


def pack(lists: Sequence[Cells], shapes: Sequence[tuple[int, int]]) -> dict[str, NDArray]:
    """Return lists of links as columns: the length and first link of each list, and the steps between its links.

    In a file, a link is stored as the number ``input * n_out + output``.

    Parameters
    ----------
    lists : sequence of arrays of int64, shape (k,)
        Sorted cells, ``output * n_in + input``.
    shapes : sequence of (int, int)
        Numbers of output and input neurons of each list's layer.

    Examples
    --------
    >>> columns = pack([np.array([2, 3, 9])], [(4, 3)])
    >>> {name: column.tolist() for name, column in columns.items()}
    {'count': [3], 'first': [1], 'steps': [2, 5]}
    >>> unpack(columns, [(4, 3)])[0].tolist()
    [2, 3, 9]
    """
    numbers = [_transposed(cells, n_in, n_out) for cells, (n_out, n_in) in zip(lists, shapes, strict=True)]
    steps = np.concatenate([np.empty(0, np.int64), *(np.diff(each) for each in numbers)])
    return {
        "count": np.array([each.size for each in numbers], dtype=np.int64),
        "first": np.array([each[0] if each.size else 0 for each in numbers], dtype=np.int64),
        "steps": steps.astype(np.min_scalar_type(int(steps.max(initial=0)))),
    }


def unpack(columns: Mapping[str, NDArray], shapes: Sequence[tuple[int, int]]) -> list[Cells]:
    """Return packed lists of links as sorted cells.

    Raises
    ------
    ValueError
        When a list goes beyond the last cell of its layer.

    Examples
    --------
    >>> unpack({"count": np.array([2]), "first": np.array([9]), "steps": np.array([3])}, [(4, 3)])
    Traceback (most recent call last):
    ValueError: a list contains link 12, but the links of its layer are 0..11
    """
    lists, start = [], 0
    for count, first, (n_out, n_in) in zip(columns["count"].tolist(), columns["first"].tolist(), shapes, strict=True):
        stop = start + max(count - 1, 0)
        numbers = np.cumsum(np.concatenate([[first], columns["steps"][start:stop]]), dtype=np.int64)[:count]
        if count and not 0 <= (last := int(numbers[-1])) < n_out * n_in:
            raise ValueError(f"a list contains link {last}, but the links of its layer are 0..{n_out * n_in - 1}")
        lists.append(_transposed(numbers, n_out, n_in))
        start = stop
    return lists


def _transposed(places: Cells, width: int, height: int) -> Cells:
    """Convert sorted flat positions in a matrix to sorted flat positions in its transpose."""
    rows, columns = np.divmod(places, width)
    # numpy uses a radix sort for small unsigned integers, in a quarter of the time.
    order = np.argsort(columns.astype(np.min_scalar_type(max(width - 1, 0))), kind="stable")
    return (columns * height + rows)[order]
