"""Closure against networkx, and by hand."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from tests.profiles import examples
from topolearn.diagnostics import closure


@examples(40)
@given(st.integers(3, 15), st.integers(3, 15), st.floats(0.1, 0.9), st.integers(0, 1000))
def test_agrees_with_networkx_in_either_orientation(n_in, n_out, density, seed):
    graph = tl.generators.erdos_renyi(n_in, n_out, density, seed=seed)
    expected = nx.bipartite.robins_alexander_clustering(graph.to_networkx())
    assert closure(graph) == pytest.approx(expected, abs=1e-12)
    assert closure(tl.BipartiteGraph(graph.to_scipy().T)) == pytest.approx(closure(graph), abs=1e-12)


@pytest.mark.parametrize(
    ("adjacency", "expected"),
    [
        (np.zeros((2, 3)), 0.0),
        (np.ones((1, 4)), 0.0),
        (np.ones((3, 4)), 1.0),
        # A 4-cycle with a pendant link: 4 closed paths, and 2 from the pendant that are open.
        (np.array([[1, 1, 0], [1, 1, 1]]), 4 / 6),
    ],
)
def test_by_hand(adjacency, expected):
    assert closure(tl.BipartiteGraph(adjacency)) == pytest.approx(expected)


def test_an_erdos_renyi_graph_closes_at_its_density():
    assert closure(tl.generators.erdos_renyi(500, 700, 0.05, seed=0)) == pytest.approx(0.05, rel=0.05)
