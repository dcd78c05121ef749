"""The files of a history: columns of numbers, packed, each file complete or not there."""

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
WHAT = "a readable part of a topology history"


def write_columns(file: Path, columns: Mapping[str, NDArray], *, level: int = 6) -> None:
    """Write columns to an .npz file, aside first, compressed by zlib at a level from 0 to 9."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        written_aside(file) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive,
    ):
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(column), allow_pickle=False)


def read_columns(file: Path, names: Collection[str] | None = None) -> tuple[Columns, Shapes]:
    """Return some columns of a file, or all, and the shapes of all, which are checked without reading the rest.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, or it is cut off or altered.
    """
    with reading(file, WHAT, CURE):
        return read_some(file, names)


def pack(lists: Sequence[Cells], shapes: Sequence[tuple[int, int]]) -> dict[str, NDArray]:
    """Return lists of links as columns: how many each has, its first link, and the steps from one to the next.

    In a file a link is the number ``input * n_out + output``.

    Parameters
    ----------
    lists : sequence of arrays of int64, shape (k,)
        Cells, ``output * n_in + input``, sorted.
    shapes : sequence of (int, int)
        Numbers of output and input neurons of the layer of each list.

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
    """Return the lists of links that were packed, as sorted cells.

    Raises
    ------
    ValueError
        When one leads beyond the last cell of its layer.

    Examples
    --------
    >>> unpack({"count": np.array([2]), "first": np.array([9]), "steps": np.array([3])}, [(4, 3)])
    Traceback (most recent call last):
    ValueError: a list leads to link 12 of a layer that has the links 0..11
    """
    lists, start = [], 0
    for count, first, (n_out, n_in) in zip(columns["count"].tolist(), columns["first"].tolist(), shapes, strict=True):
        stop = start + max(count - 1, 0)
        numbers = np.cumsum(np.concatenate([[first], columns["steps"][start:stop]]), dtype=np.int64)[:count]
        if count and not 0 <= (last := int(numbers[-1])) < n_out * n_in:
            raise ValueError(f"a list leads to link {last} of a layer that has the links 0..{n_out * n_in - 1}")
        lists.append(_transposed(numbers, n_out, n_in))
        start = stop
    return lists


def _transposed(places: Cells, width: int, height: int) -> Cells:
    """Return sorted flat positions in a matrix of a width as sorted ones in its transpose."""
    rows, columns = np.divmod(places, width)
    # Small unsigned numbers are sorted by their digits, in a quarter of the time.
    order = np.argsort(columns.astype(np.min_scalar_type(max(width - 1, 0))), kind="stable")
    return (columns * height + rows)[order]
