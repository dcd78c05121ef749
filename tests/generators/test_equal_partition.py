"""Equal partition: fan-ins as before, fan-outs equal, everything else random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_scale_free, equal_partition, erdos_renyi
from topolearn.graph import BipartiteGraph


def assert_partitioned(graph, equal):
    assert equal.shape == graph.shape
    np.testing.assert_array_equal(equal.fan_in, graph.fan_in)
    assert np.unique(equal.cells).size == equal.n_links == graph.n_links
    assert np.ptp(equal.fan_out) <= 1


@examples(80)
@given(data=st.data(), n_in=st.integers(1, 25), n_out=st.integers(1, 25), seed=st.integers(0, 99))
def test_any_layer_is_partitioned(data, n_in, n_out, seed):
    """Any fan-ins are possible, from none to full."""
    fan_in = data.draw(st.lists(st.integers(0, n_in), min_size=n_out, max_size=n_out))
    graph = BipartiteGraph(np.arange(n_in) < np.array(fan_in)[:, None])
    equal = equal_partition(graph, seed=seed)
    assert_partitioned(graph, equal)
    assert equal_partition(graph, seed=seed) == equal
    assert equal_partition(graph, seed=np.random.default_rng(seed)) == equal


@pytest.mark.parametrize(
    ("n_in", "n_out", "density"),
    [(784, 1568, 0.01), (1568, 784, 0.01), (784, 1568, 0.3), (300, 300, 0.8), (5000, 10, 0.3), (30_000, 60_000, 1e-4)],
)
def test_scale_free_layers(n_in, n_out, density):
    graph = bipartite_scale_free(n_in, n_out, density, seed=0)
    equal = equal_partition(graph, seed=1)
    assert_partitioned(graph, equal)
    assert graph.fan_out.max() > graph.fan_out.mean() + 1


def test_a_whole_mean_is_exact():
    graph = bipartite_scale_free(200, 300, 0.05, seed=0)
    assert set(equal_partition(graph, seed=0).fan_out.tolist()) == {15}


def test_full_and_empty_outputs_in_a_large_sparse_layer():
    edges = np.stack((np.arange(20_000), np.full(20_000, 7)), axis=1)
    more = erdos_renyi(20_000, 5000, 2e-4, seed=0).edges()
    graph = BipartiteGraph.from_edges(np.unique(np.concatenate((edges, more)), axis=0), 20_000, 5000)
    assert_partitioned(graph, equal_partition(graph, seed=0))


def test_no_links_and_all_links():
    nothing = BipartiteGraph(np.zeros((3, 4)))
    assert equal_partition(nothing, seed=0) == nothing
    everything = BipartiteGraph(np.ones((3, 4)))
    assert equal_partition(everything, seed=0) == everything


def test_names_are_kept():
    graph = BipartiteGraph(np.array([[1, 1, 0], [1, 0, 0]]), input_names=["a", "b", "c"], output_names=["x", "y"])
    equal = equal_partition(graph, seed=0)
    assert (equal.input_names, equal.output_names) == (("a", "b", "c"), ("x", "y"))


@pytest.mark.parametrize("shape", [(12, 18), (18, 12)])
def test_every_cell_of_a_row_is_equally_likely(shape):
    n_out, n_in = shape
    fan_in = np.arange(n_out) % 6
    graph = BipartiteGraph(np.arange(n_in) < fan_in[:, None])
    n_graphs = 1500
    counts = sum(equal_partition(graph, seed=seed).to_scipy().toarray().astype(int) for seed in range(n_graphs))
    for row, k in zip(counts, fan_in, strict=True):
        if k:
            variance = n_graphs * k / n_in * (1 - k / n_in)
            statistic = ((row - n_graphs * k / n_in) ** 2).sum() / variance * (n_in - 1) / n_in
            assert stats.chi2.sf(statistic, n_in - 1) > 1e-4


def test_seeds_differ():
    graph = bipartite_scale_free(50, 40, 0.1, seed=0)
    assert len({equal_partition(graph, seed=seed) for seed in (*range(8), None, None)}) == 10


@pytest.mark.parametrize("graph", [np.ones((3, 4)), None, "bsf", bipartite_scale_free])
def test_other_things_are_rejected(graph):
    with pytest.raises(InvalidTypeError, match="pass a BipartiteGraph"):
        equal_partition(graph)


@pytest.mark.parametrize(("seed", "error"), [(-1, InvalidValueError), (0.5, InvalidTypeError), ("0", InvalidTypeError)])
def test_bad_seeds_are_rejected(seed, error):
    with pytest.raises(error, match="seed="):
        equal_partition(BipartiteGraph(np.ones((3, 4))), seed=seed)
