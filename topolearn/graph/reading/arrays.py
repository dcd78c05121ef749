"""NumPy and SciPy arrays: .npz and .npy."""

from __future__ import annotations

import io

import numpy as np
from numpy.lib import format as npy

from topolearn.graph.reading.content import Content, Options
from topolearn.graph.reading.matrices import from_matrix
from topolearn.graph.stored_arrays import read_npz, sparse_array


def read_arrays(data: bytes, options: Options) -> Content:
    """Return the content of one dense array, or of a sparse array written by SciPy or `BipartiteGraph.save`.

    Raises
    ------
    CorruptFileError
        When the file holds no array or several, or the array is not a matrix of finite numbers.
    """
    if data.startswith(npy.MAGIC_PREFIX):
        return _dense(npy.read_array(io.BytesIO(data), allow_pickle=False), options, "NumPy array")
    stored = read_npz(io.BytesIO(data))
    names = {side: stored[side].tolist() for side in ("input_names", "output_names") if side in stored}
    if "format" not in stored:
        if len(stored) != 1:
            options.reject(
                f"holds {len(stored)} arrays ({', '.join(stored) or 'none'}): save a single matrix with numpy.savez, "
                "or a sparse array with scipy.sparse.save_npz"
            )
        return _dense(next(iter(stored.values())), options, "NumPy array")
    is_own_graph = "n_nodes" in stored  # written by Graph.save
    called = stored["names"].tolist() if is_own_graph and "names" in stored else None
    is_own = "_is_array" not in stored and stored["data"].dtype == bool  # written by BipartiteGraph.save
    matrix = sparse_array(stored)
    coo = matrix.tocoo()
    magnitudes = np.abs(coo.data) if np.iscomplexobj(coo.data) else coo.data
    values = None if coo.dtype == bool else magnitudes.astype(np.float64)
    return from_matrix(
        coo.row.astype(np.int64), coo.col.astype(np.int64), values, matrix.shape, options,
        format="SciPy sparse array", row_names=names.get("output_names", called),
        column_names=names.get("input_names"),
        sides=1 if is_own_graph else 2 if is_own else None,
    )  # fmt: skip


def _dense(array: np.ndarray, options: Options, format: str) -> Content:
    if array.ndim != 2 or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        options.reject(
            f"holds an array of shape {array.shape} and dtype {array.dtype}: an adjacency must be two-dimensional, "
            "with finite numbers"
        )
    rows, columns = np.nonzero(array)
    values = None if array.dtype == bool else array[rows, columns].astype(np.float64)
    return from_matrix(rows, columns, values, (array.shape[0], array.shape[1]), options, format=format)
