"""The null models keep every degree; one is uniform over all such graphs, the other as local as possible."""

import random
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.diagnostics import closure
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_small_world, erdos_renyi, latticise, randomise
from topolearn.graph import BipartiteGraph

FEW = examples(60)
BOTH = pytest.mark.parametrize("null", [lambda graph: randomise(graph, seed=0), latticise], ids=["random", "lattice"])


def hubs(n_in, n_out, density, seed=0):
    """A graph with power-law degrees on both sides."""
    rng = np.random.default_rng(seed)
    weight = np.outer(rng.random(n_out) ** -0.5, rng.random(n_in) ** -0.5)
    chosen = np.argsort((np.log(weight) + rng.gumbel(size=weight.shape)).ravel())[-round(density * weight.size) :]
    return BipartiteGraph.from_cells(chosen, n_in, n_out)


def lengths(graph):
    """The squared length of each link around the ring, on which both sides are spread evenly."""
    inputs, outputs = graph.edges().T
    apart = (inputs + 0.5) / graph.n_in - (outputs + 0.5) / graph.n_out
    return (apart - np.round(apart)) ** 2


@st.composite
def graphs(draw):
    n_out, n_in = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**30)))
    return BipartiteGraph(
        rng.random((n_out, n_in)) < draw(st.floats(0, 1)),
        input_names=[f"i{i}" for i in range(n_in)],
        output_names=[f"o{i}" for i in range(n_out)],
    )


@BOTH
@FEW
@given(graph=graphs())
def test_degrees_and_names_are_kept(null, graph):
    before = graph.cells.copy()
    found = null(graph)
    np.testing.assert_array_equal(found.fan_in, graph.fan_in)
    np.testing.assert_array_equal(found.fan_out, graph.fan_out)
    assert (found.input_names, found.output_names) == (graph.input_names, graph.output_names)
    assert null(graph) == found
    np.testing.assert_array_equal(graph.cells, before)


@BOTH
@pytest.mark.parametrize(
    "graph",
    [
        bipartite_small_world(784, 1568, 0.01, seed=0),
        bipartite_small_world(300, 100, 0.05, beta=0, seed=0),
        hubs(300, 200, 0.03),
        erdos_renyi(60, 50, 0.7, seed=0),
        erdos_renyi(1, 40, 0.5, seed=0),
        erdos_renyi(40, 1, 0.5, seed=0),
    ],
)
def test_degrees_of_larger_graphs_are_kept(null, graph):
    found = null(graph)
    np.testing.assert_array_equal(found.degrees, graph.degrees)
    assert found.shape == graph.shape


@BOTH
@pytest.mark.parametrize("thing", [None, 3, "er"])
def test_other_objects_are_rejected(null, thing):
    with pytest.raises(InvalidTypeError, match=f"a {type(thing).__name__} is not a graph: pass a BipartiteGraph"):
        null(thing)


def test_bad_seeds_are_rejected():
    with pytest.raises(InvalidValueError, match="seed=-1"):
        randomise(erdos_renyi(5, 5, 0.5, seed=0), seed=-1)


def test_global_random_states_are_not_touched():
    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    graph = erdos_renyi(30, 20, 0.1, seed=0)
    latticise(graph)
    assert randomise(graph) != randomise(graph)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def all_graphs(fan_in, fan_out):
    """Every graph with these degrees, as its cells."""
    n_in = len(fan_out)
    rows = [[sum(1 << i for i in inputs) for inputs in combinations(range(n_in), k)] for k in fan_in]
    found = []
    for masks in product(*rows):
        if all(sum(mask >> i & 1 for mask in masks) == k for i, k in enumerate(fan_out)):
            found.append(tuple(o * n_in + i for o, mask in enumerate(masks) for i in range(n_in) if mask >> i & 1))
    return found


@pytest.mark.parametrize(
    ("fan_in", "fan_out"),
    [
        ((2, 1, 1), (2, 1, 1)),
        ((2, 2, 1), (2, 1, 1, 1)),
        ((1, 1), (1, 1)),
        pytest.param((3, 1, 1, 1), (2, 2, 1, 1), marks=pytest.mark.slow),
        ((2, 2), (1, 2, 1)),
    ],
)
def test_every_graph_with_these_degrees_is_equally_likely(fan_in, fan_out):
    known = all_graphs(fan_in, fan_out)
    counts = dict.fromkeys(known, 0)
    start = BipartiteGraph.from_cells(known[0], len(fan_out), len(fan_in))
    rng = np.random.default_rng(1)
    for _ in range(25 * len(known)):
        counts[tuple(randomise(start, seed=rng).cells.tolist())] += 1
    assert len(counts) == len(known)
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_graphs_with_one_choice_stay():
    star = BipartiteGraph(np.triu(np.ones((5, 5))))
    assert randomise(star, seed=0) == star == latticise(star)


@pytest.mark.parametrize(
    ("graph", "degrees_decide"),
    [(bipartite_small_world(200, 300, 0.03, beta=0, seed=0), False), (hubs(300, 200, 0.03), True)],
)
def test_nothing_of_the_original_is_left(graph, degrees_decide):
    """The overlap with the original is the overlap of two random graphs of the same degrees."""
    made = [randomise(graph, seed=seed) for seed in range(12)]
    with_original = [np.intersect1d(graph.cells, found.cells).size for found in made]
    among = [np.intersect1d(x.cells, y.cells).size for x, y in combinations(made, 2)]
    if degrees_decide:  # the original is not itself random: only its overlap with hubs is
        assert np.mean(with_original) < 2 * np.mean(among)
    else:
        expected = np.outer(graph.fan_in, graph.fan_out) / graph.n_links
        assert np.mean(with_original) == pytest.approx((expected[graph.to_scipy().toarray()]).sum(), rel=0.15)
        assert np.mean(among) == pytest.approx((expected**2).sum(), rel=0.05)
    assert np.mean(among) < 0.5 * graph.n_links


def test_randomised_lattices_close_like_a_random_graph():
    lattice = bipartite_small_world(784, 1568, 0.01, beta=0, seed=0)
    found = [closure(randomise(lattice, seed=seed)) for seed in range(3)]
    assert np.mean(found) == pytest.approx(0.0081, rel=0.05)


@pytest.mark.parametrize(
    ("graph", "at_least"),
    [
        (bipartite_small_world(784, 1568, 0.01, seed=0), 0.5),
        (bipartite_small_world(1568, 784, 0.01, seed=0), 0.5),
        (erdos_renyi(300, 200, 0.05, seed=0), 0.5),
        (erdos_renyi(200, 200, 0.2, seed=0), 0.55),
        (hubs(400, 300, 0.02), 0.2),
    ],
)
def test_lattices_close(graph, at_least):
    found = closure(latticise(graph))
    assert found > at_least
    assert found > 3 * closure(randomise(graph, seed=0)) or graph.density >= 0.1
    assert found >= closure(graph)


@pytest.mark.parametrize(
    ("n_in", "n_out", "density"), [(784, 1568, 0.01), (300, 100, 0.05), (200, 200, 0.07), (90, 70, 0.111)]
)
def test_a_lattice_is_one_already(n_in, n_out, density):
    lattice = bipartite_small_world(n_in, n_out, density, beta=0, seed=0)
    assert latticise(lattice) == lattice


@pytest.mark.parametrize(("n_in", "n_out", "k"), [(6, 6, 3), (3, 4, 2), (6, 17, 3), (42, 4, 2), (36, 15, 7)])
def test_links_of_small_or_dense_lattices_still_move(n_in, n_out, k):
    lattice = bipartite_small_world(n_in, n_out, k / min(n_in, n_out), beta=0, seed=0)
    again = latticise(lattice)
    assert again != lattice
    assert lengths(again).sum() < lengths(lattice).sum()


@FEW
@given(n_in=st.integers(1, 20), n_out=st.integers(1, 20), share=st.floats(0.05, 1), seed=st.integers(0, 99))
def test_a_lattice_is_never_longer_than_its_graph(n_in, n_out, share, seed):
    graph = erdos_renyi(n_in, n_out, max(share, 1 / (n_in * n_out)), seed=seed)
    assert lengths(latticise(graph)).sum() <= lengths(graph).sum() * (1 + 1e-12)


def test_lattice_links_are_near_the_diagonal_all_around_the_ring():
    graph = latticise(erdos_renyi(300, 200, 0.05, seed=0))
    inputs, outputs = graph.edges().T
    apart = (inputs + 0.5) / 300 - (outputs + 0.5) / 200
    apart -= np.round(apart)
    for part in range(8):
        here = np.abs(apart[outputs // 25 == part])
        assert np.sqrt((here**2).mean()) < 0.05
    assert (np.abs((inputs / 300) - outputs / 200) > 0.9).any()
