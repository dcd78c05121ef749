"""Closure against networkx, and by hand."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topolearn as tl
from topolearn.diagnostics import active_neuron_rate, closure


@settings(max_examples=40, deadline=None)
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


@pytest.mark.parametrize("seed", range(10))
def test_active_neurons_agree_with_counting_by_hand(seed):
    sizes = (6, 7, 5, 4)
    graphs = [tl.generators.erdos_renyi(a, b, 0.2, seed=seed + i) for i, (a, b) in enumerate(pairwise(sizes))]
    network = tl.LayeredNetwork(dict(zip("abc", graphs, strict=True)))
    matrices = [g.to_scipy().toarray() for g in graphs]
    active = 0
    for i, matrix in enumerate(matrices):
        for neuron in range(matrix.shape[0]):
            driven = matrix[neuron].any()
            read = i + 1 == len(matrices) or matrices[i + 1][:, neuron].any()
            active += bool(driven and read)
    assert active_neuron_rate(network) == pytest.approx(active / sum(sizes[1:]))
    sending = sum(int(m.any(axis=0).sum()) for m in matrices) + int(matrices[-1].any(axis=1).sum())
    assert active_neuron_rate(network, "authors") == pytest.approx(sending / sum(sizes))


def test_an_unknown_definition_is_refused():
    network = tl.LayeredNetwork({"a": tl.BipartiteGraph(np.eye(2))})
    with pytest.raises(ValueError, match="definition='hiden' is unknown: did you mean 'hidden'"):
        active_neuron_rate(network, "hiden")
