"""Compiled components, matchings and degree correlations, against scipy and numpy on random layers of every shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csgraph

import topolearn as tl
from tests.profiles import examples
from topolearn import diagnostics
from topolearn.diagnostics.components import component_labels
from topolearn.diagnostics.reading import neighbours
from topolearn.errors import UndefinedMeasureError


@st.composite
def layers(draw):
    n_in, n_out = draw(st.integers(1, 25)), draw(st.integers(1, 25))
    density = draw(st.sampled_from([0, 0.03, 0.1, 0.3, 0.7, 1]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return tl.BipartiteGraph(rng.random((n_out, n_in)) < density)


@given(layers())
@examples(150)
def test_a_matching_is_valid_and_as_large_as_scipys(g):
    found = diagnostics.maximum_matching(g)
    assert all(np.unique(side).size == len(found) for side in found.T)
    assert set(map(tuple, found.tolist())) <= set(map(tuple, g.edges().tolist()))
    assert len(found) == (csgraph.maximum_bipartite_matching(g.to_scipy()) >= 0).sum()


@given(layers())
@examples(150)
def test_components_are_scipys_for_layers_networks_and_one_mode_graphs(g):
    expected = csgraph.connected_components(neighbours(g).to_scipy(), directed=False)[1]
    for graph in (g, tl.LayeredNetwork({"layer": g})):
        found = component_labels(graph)
        assert (found == expected).all()
        assert diagnostics.n_components(graph) == expected.max() + 1
        assert diagnostics.largest_component(graph) == np.bincount(expected).max() / expected.size


@given(layers())
@examples(150)
def test_correlations_of_degrees_are_numpys(g):
    inputs, outputs = g.edges().T
    a, b = g.fan_out[inputs], g.fan_in[outputs]
    both = np.concatenate([a, b]), np.concatenate([b, a])
    for measure, ends in ((diagnostics.degree_correlation, (a, b)), (diagnostics.assortativity, both)):
        if not g.n_links or np.ptp(ends[0]) == 0 or np.ptp(ends[1]) == 0:
            with pytest.raises(UndefinedMeasureError):
                measure(g)
        else:
            assert measure(g) == pytest.approx(np.corrcoef(*ends)[0, 1], abs=1e-9)


def test_no_digits_are_lost_next_to_a_hub():
    """One output with thousands of links, and one with a single link."""
    g = tl.BipartiteGraph(np.vstack([np.ones((1, 3000), bool), np.eye(1, 3000, dtype=bool)]))
    inputs, outputs = g.edges().T
    expected = np.corrcoef(g.fan_out[inputs], g.fan_in[outputs])[0, 1]
    assert diagnostics.degree_correlation(g) == pytest.approx(expected, rel=1e-9)


def test_a_long_chain_of_neurons_is_one_component():
    n = 20_000
    g = tl.BipartiteGraph.from_edges([(i, i) for i in range(n)] + [(i + 1, i) for i in range(n - 1)], n_in=n, n_out=n)
    assert diagnostics.n_components(g) == 1
    assert diagnostics.structural_rank(g) == n
