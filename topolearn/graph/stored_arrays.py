"""Arrays in .npz files, fully checked before compiled code sees them: a wrong ``indptr`` could crash the process."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from scipy import sparse

from topolearn.believable import usable_memory

Arrays = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]
MOST_DEFLATED = 1032  # bytes that zlib can expand one byte to
SMALL = 2**16  # bytes
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
COMPRESSED = {"csr": 0, "csc": 1}  # the axis of the shape that has pointers


def read_npz(source: Path | BinaryIO) -> Arrays:
    """Return the arrays in a .npz file by name; see `read_some`.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        When it is truncated, holds objects, or an array differs in size from its header or does not fit into memory.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez_compressed(file, a=np.arange(3))
    >>> read_npz(file)
    {'a': array([0, 1, 2])}
    """
    return read_some(source)[0]


def write_csr(path: Path, adjacency: sparse.csr_array, **also: Any) -> None:
    """Write a sparse array and further arrays to a .npz file, which `scipy.sparse.load_npz` can read, too."""
    with path.open("wb") as file:  # given a path instead, writers append a suffix
        np.savez_compressed(
            file,
            format=np.array(b"csr"),
            shape=np.array(adjacency.shape),
            data=adjacency.data,
            indices=adjacency.indices,
            indptr=adjacency.indptr,
            **also,
        )


def read_some(source: Path | BinaryIO, names: Collection[str] | None = None) -> tuple[Arrays, Shapes]:
    """Return some or all arrays in a .npz file, and the shapes of all; only the headers of the others are read.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        When the file is truncated, holds objects or the same array twice, or an array differs in size from its header
        or is larger than the file or the memory allows.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez_compressed(file, a=np.arange(3), b=np.ones((2, 2)))
    >>> read_some(file, ["a"])
    ({'a': array([0, 1, 2])}, {'a': (3,), 'b': (2, 2)})
    """
    with zipfile.ZipFile(source) as packed:
        members: dict[str, zipfile.ZipInfo] = {}
        for member in packed.infolist():
            if members.setdefault(member.filename.removesuffix(".npy"), member) is not member:
                raise ValueError(f"it has {member.filename} twice")
            if member.file_size > MOST_DEFLATED * member.compress_size + SMALL:
                raise ValueError(f"{member.filename} declares {member.file_size:,} bytes, more than the file can hold")
        wanted = {name: member for name, member in members.items() if names is None or name in names}
        total, memory = sum(member.file_size for member in wanted.values()), usable_memory()
        if total > memory:
            raise ValueError(f"its arrays need {total:,} bytes, but this machine has {memory:,}")
        arrays, shapes = {}, {}
        for name, member in members.items():
            with packed.open(member) as opened:
                shapes[name], is_fortran, dtype = _checked_header(opened, member)
                if name in wanted:
                    arrays[name] = _array(bytearray(opened.read()), shapes[name], is_fortran, dtype)
    return arrays, shapes


def sparse_array(arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the scipy array whose components are given, as `scipy.sparse.save_npz` or a graph wrote them.

    Raises
    ------
    ValueError
        When a component is missing or does not fit the others.

    Examples
    --------
    >>> stored = {"format": np.array(b"csr"), "shape": np.array([2, 3]), "data": np.ones(1, dtype=bool)}
    >>> sparse_array({**stored, "indices": np.array([2]), "indptr": np.array([0, 0, 1])}).toarray().astype(int)
    array([[0, 0, 0],
           [0, 0, 1]])
    >>> sparse_array({**stored, "indices": np.array([2]), "indptr": np.array([0, 0, 9])})
    Traceback (most recent call last):
    ValueError: indptr ends at 9, but the number of indices is 1
    """
    name = arrays["format"].item()
    name = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
    shape = _shape(arrays["shape"])
    data = _row(arrays, "data")
    if data.dtype.kind not in "biufc":
        raise ValueError(f"data have dtype {data.dtype}, not numbers")
    if name == "coo":
        places = [_within(arrays, side, n) for side, n in zip(("row", "col"), shape, strict=True)]
        _check_equal("row, col and data", *places, data)
        return sparse.coo_array((data, tuple(places)), shape=shape)
    if name not in COMPRESSED:
        raise ValueError(f"it has the format {name!r}: save it with scipy.sparse.save_npz(file, matrix.tocsr())")
    side = COMPRESSED[name]
    indices, indptr = _within(arrays, "indices", shape[1 - side]), _integers(arrays, "indptr")
    _check_equal("indices and data", indices, data)
    if indptr.size != shape[side] + 1 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError(f"indptr must increase from 0 and have {shape[side] + 1} numbers for the shape {shape}")
    if indptr[-1] != indices.size:
        raise ValueError(f"indptr ends at {indptr[-1]}, but the number of indices is {indices.size}")
    build = sparse.csr_array if name == "csr" else sparse.csc_array
    return build((data, indices, indptr), shape=shape)


def _array(content: bytearray, shape: tuple[int, ...], is_fortran: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not content:
        return np.empty(shape, dtype)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if is_fortran else "C")


def _checked_header(opened: Any, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(opened)
    if version not in HEADERS:
        raise ValueError(f"{member.filename} has version {version} of the .npy format, which is not supported")
    shape, is_fortran, dtype = HEADERS[version](opened)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds objects, which are never unpickled")
    n_bytes = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or n_bytes != member.file_size - opened.tell():
        raise ValueError(f"{member.filename} declares {n_bytes:,} bytes but has {member.file_size - opened.tell():,}")
    return tuple(shape), bool(is_fortran), dtype


def _shape(stored: NDArray[Any]) -> tuple[int, int]:
    if stored.shape != (2,) or stored.dtype.kind not in "iu" or not ((stored > 0) & (stored < 2**31)).all():
        raise ValueError(f"shape {stored.tolist()} is not the shape of an adjacency: two numbers from 1 to 2**31 - 1")
    return int(stored[0]), int(stored[1])


def _row(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if arrays[name].ndim != 1:
        raise ValueError(f"{name} has shape {arrays[name].shape}, not one dimension")
    return arrays[name]


def _integers(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.int64]:
    row = _row(arrays, name)
    if row.dtype.kind not in "iu" or (row.dtype.kind == "u" and row.size and row.max() >= 2**63):
        raise ValueError(f"{name} have dtype {row.dtype}, not integers")
    return row.astype(np.int64)


def _within(arrays: Mapping[str, NDArray[Any]], name: str, n: int) -> NDArray[np.int64]:
    places = _integers(arrays, name)
    if places.size and not (places.min() >= 0 and places.max() < n):
        raise ValueError(f"{name} range from {places.min()} to {places.max()}, but must be in 0..{n - 1}")
    return places


def _check_equal(names: str, *rows: NDArray[Any]) -> None:
    if len({row.size for row in rows}) > 1:
        raise ValueError(
            f"{names} must have the same number of entries, not {', '.join(str(row.size) for row in rows)}"
        )
