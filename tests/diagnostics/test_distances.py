"""Distances: exact ones, samples with their errors, and any number of threads."""

import networkx as nx
import numpy as np
import pytest

from tests.diagnostics.graphs import LAYERS, ODD
from topolearn import diagnostics as dg
from topolearn.diagnostics.distances import distances
from topolearn.errors import InvalidValueError
from topolearn.generators import make

BIG = make("bsw", 500, 400, 0.02, beta=0.1, seed=0)  # more than three batches of sources


def by_search(graph):
    return {node: list(found.values()) for node, found in nx.all_pairs_shortest_path_length(graph)}


@pytest.mark.parametrize("layer", [*LAYERS.values(), BIG], ids=[*LAYERS, "big"])
def test_all_distances_are_found(layer):
    expected = by_search(layer.to_networkx())
    found = distances(layer)
    assert found.is_exact
    counts = np.bincount(np.concatenate([d for each in expected.values() for d in [np.array(each)]]))
    np.testing.assert_array_equal(found.counts[1:], counts[1:])
    for i, each in enumerate(expected.values()):
        reached = np.array([d for d in each if d])
        row = reached.size, reached.sum(), (1 / reached).sum(), reached.max(initial=0)
        assert (found.reached[i], found.total[i], found.inverse[i], found.farthest[i]) == pytest.approx(row)


@pytest.mark.parametrize("graph", ODD.values(), ids=ODD)
def test_odd_graphs(graph):
    found = distances(graph)
    assert found.counts[0] == 0
    assert found.reached.sum() == found.counts.sum()


@pytest.mark.parametrize("measure", [dg.path_length, dg.efficiency, dg.closeness, dg.betweenness])
def test_a_sample_is_as_accurate_as_its_error_says(measure):
    exact = measure(BIG)
    assert exact.error == 0
    samples = [measure(BIG, sample=60, seed=seed) for seed in range(200)]
    z = np.array([(found - exact) / found.error for found in samples])
    assert abs(z.mean()) < 0.25
    assert 0.85 < z.std() < 1.15
    assert all(measure(BIG, sample=10_000) == exact for _ in range(2))


def test_a_sample_of_finite_pairs_is_accurate():
    layer = make("er", 600, 600, 0.0012, seed=0)  # with many components
    exact = dg.path_length(layer, pairs="finite")
    z = [
        (found - exact) / found.error
        for found in (dg.path_length(layer, pairs="finite", sample=200, seed=s) for s in range(50))
    ]
    assert abs(np.mean(z)) < 0.5


def test_results_do_not_depend_on_threads(n_threads):
    found = []
    for threads in (1, 2, 5):
        n_threads(threads)
        found.append(distances(BIG))
    for other in found[1:]:
        for name in ("counts", "reached", "total", "inverse", "farthest"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name))


def test_same_seed_same_sample():
    assert dg.path_length(BIG, sample=20, seed=3) == dg.path_length(BIG, sample=20, seed=3)
    assert dg.path_length(BIG, sample=20, seed=3) != dg.path_length(BIG, sample=20, seed=4)


def test_bad_input_is_rejected():
    with pytest.raises(InvalidValueError, match=r"pairs='all' must be one of 'component', 'finite'"):
        dg.path_length(BIG, pairs="all")
    with pytest.raises(InvalidValueError, match=r"sample=1 must be at least 2"):
        dg.efficiency(BIG, sample=1)
    with pytest.raises(InvalidValueError, match=r"within='some'"):
        distances(BIG, within="some")


def test_a_large_graph_is_not_measured_node_by_node():
    layer = make("er", 11_000, 11_000, 0.0005, seed=0)
    found = dg.path_length(layer)
    assert 0 < found.error < 0.05
    with pytest.raises(InvalidValueError, match=r"22000 nodes is too large for the betweenness of each node"):
        dg.betweenness_centrality(layer)
