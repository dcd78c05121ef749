"""The links of a graph both ways: what scipy's formats hold, of the types that kernels are compiled for."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.two_way_csr import TwoWayCsr


@st.composite
def adjacencies(draw):
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    density = draw(st.sampled_from([0, 0.1, 0.5, 1]))
    return np.random.default_rng(draw(st.integers(0, 10**6))).random(shape) < density


@examples(50)
@given(adjacencies())
@example(np.eye(3, 5, dtype=bool))
def test_both_ways_are_those_of_scipy(adjacency):
    graph = BipartiteGraph(adjacency)
    links, by_output, by_input = TwoWayCsr.of(graph), graph.to_scipy(), graph.to_scipy().tocsc()
    expected = by_output.indptr, by_output.indices, by_input.indptr, by_input.indices
    for mine, scipys in zip(links.arrays, expected, strict=True):
        np.testing.assert_array_equal(mine, scipys)
    assert (links.n_out, links.n_in) == adjacency.shape
    np.testing.assert_array_equal(links.fan_in, adjacency.sum(axis=1))
    np.testing.assert_array_equal(links.fan_out, adjacency.sum(axis=0))
    for mine, scipys in zip(links.transposed.arrays, TwoWayCsr.of(BipartiteGraph(adjacency.T)).arrays, strict=True):
        np.testing.assert_array_equal(mine, scipys)


@given(adjacencies())
@examples(50)
def test_walks_are_counted_as_powers_of_the_adjacency(adjacency):
    links, matrix = TwoWayCsr.of(BipartiteGraph(adjacency)), adjacency.astype(np.int64)
    np.testing.assert_array_equal(links.walks_of_two(), (matrix @ matrix.T).sum(axis=1))
    np.testing.assert_array_equal(links.walks_of_three(), (matrix @ matrix.T @ matrix).sum(axis=1))
    np.testing.assert_array_equal(links.transposed.walks_of_two(), (matrix.T @ matrix).sum(axis=1))
    np.testing.assert_array_equal(links.transposed.walks_of_three(), (matrix.T @ matrix @ matrix.T).sum(axis=1))


@pytest.mark.parametrize("adjacency", [np.zeros((2, 3)), np.ones((4, 2)), np.eye(300)])
def test_kernels_get_the_same_types_for_every_graph(adjacency):
    arrays = TwoWayCsr.of(BipartiteGraph(adjacency)).arrays
    assert [array.dtype for array in arrays] == [np.int64, np.int32, np.int64, np.int32]
    assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays)


def test_a_side_that_32_bits_cannot_number_is_rejected():
    with pytest.raises(InvalidValueError, match="a side of 2147483648 neurons is too large"):
        TwoWayCsr.of(SimpleNamespace(shape=(1, 2**31)))
