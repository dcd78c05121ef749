"""Arrays in files are checked before compiled code sees them: any content is rejected or read correctly."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from topolearn.errors import CorruptFileError
from topolearn.generators import make
from topolearn.graph import BipartiteGraph
from topolearn.graph.stored_arrays import read_npz, sparse_array

NUMBERS = st.integers(-(2**33), 2**33) | st.integers(-2, 5)


def row(values, dtype):
    return np.array(values, dtype=np.int64).astype(dtype)


@given(
    st.sampled_from(["csr", "csc", "coo", "dia", "\0"]),
    st.lists(NUMBERS, min_size=2, max_size=2) | st.just([3, 4]),
    st.lists(NUMBERS, max_size=6),
    st.lists(NUMBERS, max_size=6),
    st.lists(NUMBERS, max_size=6),
    st.sampled_from([np.int64, np.int32, np.uint64, np.float64, np.int8]),
)
def test_any_arrays_are_rejected_or_a_valid_matrix(name, shape, first, second, data, dtype):
    arrays = {"format": np.array(name.encode()), "shape": np.array(shape), "data": np.array(data, dtype=float)}
    arrays |= {"indptr": row(first, dtype), "indices": row(second, dtype)}
    arrays |= {"row": row(first, dtype), "col": row(second, dtype)}
    try:
        matrix = sparse_array(arrays)
    except ValueError:
        return
    dense = matrix.toarray() if shape[0] * shape[1] < 1000 else None
    if name != "coo":
        matrix.check_format(full_check=True)
    assert dense is None or dense.sum() == pytest.approx(np.sum(data))


@pytest.mark.parametrize("name", ["csr", "csc", "coo"])
def test_what_scipy_saves_is_read(name, tmp_path):
    graph = make("er", 7, 5, 0.3, seed=0)
    sparse.save_npz(tmp_path / "x.npz", graph.to_scipy().asformat(name))
    assert BipartiteGraph.load(tmp_path / "x.npz") == graph
    assert (sparse_array(read_npz(tmp_path / "x.npz")) != graph.to_scipy()).nnz == 0


CHANGES = {
    "indptr": (np.array([0, 2, 10**9, 2, 2, 2]), "indptr must increase from 0 and have 6 numbers"),
    "indices": (np.array([0, 10**12]), "indices range from 0 to 1000000000000, but must be in 0..6"),
    "shape": (np.array([5, 2**40]), "shape .* is not the shape of an adjacency"),
    "data": (np.ones(2, dtype="U3"), "data have dtype <U3, not numbers"),
    "format": (np.array(b"dia"), "has the format 'dia': save it with"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_array_is_named(name, tmp_path):
    value, said = CHANGES[name]
    stored = {"format": np.array(b"csr"), "shape": np.array([5, 7]), "data": np.ones(2, dtype=bool)}
    stored |= {"indices": np.array([0, 6]), "indptr": np.array([0, 1, 2, 2, 2, 2])}
    np.savez(tmp_path / "graph.npz", **(stored | {name: value}))
    with pytest.raises(CorruptFileError, match=said):
        BipartiteGraph.load(tmp_path / "graph.npz")


def test_a_header_that_asks_for_more_than_there_is_takes_no_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "graph.npz", "w") as packed:
        packed.writestr("indices.npy", header.getvalue() + bytes(80))
    with pytest.raises(CorruptFileError, match=r"indices.npy declares 8,000,000,000,000 bytes but has 80"):
        BipartiteGraph.load(tmp_path / "graph.npz")
