"""The bipartite scale-free model: growth, degrees of both sides, their exact realisation, and valid densities."""

import hashlib
import os
import random
import re
import subprocess
import sys

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import zeta

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_scale_free, make, scale_free_degrees
from topolearn.generators.barabasi_albert import barabasi_albert
from topolearn.generators.stub_matching import gale_ryser_room, match_stubs

FEW = examples(60)
LAYERS = pytest.mark.parametrize(
    ("n_in", "n_out", "density"),
    [(784, 1568, 0.01), (1568, 784, 0.01), (784, 1568, 0.0066), (100, 100, 0.1), (512, 512, 0.02), (1568, 1568, 0.01)],
)


def exponent(degrees):
    """Clauset, Shalizi, Newman (2009): maximum likelihood, from the smallest degree that fits best (KS)."""
    best, gamma = np.inf, np.nan
    for least in np.unique(degrees):
        tail = degrees[degrees >= least]
        if tail.size < 10:
            break
        logs = np.log(tail).sum()

        def loss(g, least=least, tail=tail, logs=logs):
            return tail.size * np.log(zeta(g, least)) + g * logs

        g = minimize_scalar(loss, bounds=(1.2, 8), method="bounded").x
        values, counts = np.unique(tail, return_counts=True)
        distance = np.abs(np.cumsum(counts) / tail.size - 1 + zeta(g, values + 1) / zeta(g, least)).max()
        if distance < best:
            best, gamma = distance, g
    return gamma


@FEW
@given(n_in=st.integers(1, 40), n_out=st.integers(1, 40), density=st.floats(0.01, 1), seed=st.integers(0, 99))
@example(n_in=1, n_out=1, density=1.0, seed=0)
@example(n_in=1, n_out=9, density=1.0, seed=0)
@example(n_in=40, n_out=2, density=0.6, seed=0)
@example(n_in=40, n_out=40, density=0.3, seed=0)
@example(n_in=40, n_out=40, density=0.97, seed=0)
def test_exact_links_exact_degrees_and_no_isolated_neuron(n_in, n_out, density, seed):
    n_links = round(density * (n_in * n_out))
    assume(n_links >= n_in + n_out - 1)
    graph = bipartite_scale_free(n_in, n_out, density, seed=seed)
    degrees = scale_free_degrees(n_in, n_out, density, seed=seed)
    assert graph.shape == (n_out, n_in)
    assert graph.n_links == np.unique(graph.cells).size == n_links
    np.testing.assert_array_equal(graph.fan_out, degrees.fan_out)
    np.testing.assert_array_equal(graph.fan_in, degrees.fan_in)
    assert graph.degrees.min() >= 1
    assert 0 <= degrees.n_changed <= 2 * n_links
    assert bipartite_scale_free(n_in, n_out, density, seed=np.random.default_rng(seed)) == graph


@LAYERS
def test_the_exponent_is_that_of_a_finite_barabasi_albert_graph(n_in, n_out, density):
    found = [exponent(bipartite_scale_free(n_in, n_out, density, seed=seed).degrees) for seed in range(3)]
    assert all(2.5 < gamma < 3.3 for gamma in found)
    assert 2.6 < np.mean(found) < 3.1


def test_the_exponent_agrees_with_igraph():
    degrees = bipartite_scale_free(784, 1568, 0.01, seed=0).degrees
    fit = igraph.power_law_fit(degrees.tolist(), method="discrete", p_precision=0.5)
    assert exponent(degrees) == pytest.approx(fit.alpha, abs=0.1)


@LAYERS
def test_hubs_are_on_both_sides(n_in, n_out, density):
    for seed in range(3):
        graph = bipartite_scale_free(n_in, n_out, density, seed=seed)
        for side in (graph.fan_in, graph.fan_out):
            assert side.max() > 4 * side.mean()
            assert np.median(side) < side.mean()
        hubs = np.argsort(graph.degrees)[-graph.degrees.size // 20 :]
        assert 0.1 < (hubs < n_in).mean() < 0.9


@pytest.mark.parametrize(
    ("n_in", "n_out", "share", "tolerance"), [(800, 800, 0, 0.05), (500, 1000, 1 / 6, 0.04), (1000, 500, 1 / 6, 0.04)]
)
def test_stubs_that_move(n_in, n_out, share, tolerance):
    """Half the difference between the shares of neurons of both sides; drawing the sides of hubs adds little."""
    found = [scale_free_degrees(n_in, n_out, 0.02, seed=seed) for seed in range(5)]
    assert np.mean([f.n_changed / (2 * f.fan_in.sum()) for f in found]) == pytest.approx(share, abs=tolerance)


def test_most_links_between_the_sides_are_those_that_grew(monkeypatch):
    given_links = []

    def spy(fan_out, fan_in, rng, *, kept):
        given_links.append(kept)
        return match_stubs(fan_out, fan_in, rng, kept=kept)

    monkeypatch.setattr(sys.modules["topolearn.generators.bipartite_scale_free"], "match_stubs", spy)
    graph = bipartite_scale_free(500, 500, 0.02, seed=0)
    assert given_links[0].size == pytest.approx(graph.n_links / 2, rel=0.1)
    assert np.isin(given_links[0], graph.cells).mean() > 0.9


@pytest.mark.parametrize(
    ("n", "n_links"), [(2, 1), (3, 2), (3, 3), (9, 8), (9, 9), (9, 30), (9, 36), (50, 1225), (1500, 7777), (4000, 3999)]
)
def test_growth_has_an_exact_number_of_links(n, n_links):
    new, old = barabasi_albert(n, n_links, np.random.default_rng(0))
    assert new.size == n_links
    assert (old < new).all()
    assert set(np.concatenate((new, old)).tolist()) == set(range(n))
    pairs = np.unique(new * n + old).size
    assert pairs == n_links if n <= 1000 else pairs > 0.98 * n_links
    brought = np.bincount(new, minlength=n)
    core = int(np.flatnonzero(brought == np.arange(n))[-1]) + 1
    assert core == n or np.ptp(brought[core:]) <= 1


def test_growth_is_that_of_networkx():
    def moments(degrees):
        ordered = np.sort(degrees)[::-1]
        return ordered[0], ordered[:20].mean(), (ordered**2.0).mean(), np.median(ordered)

    ours = [moments(np.bincount(barabasi_albert(2000, 9980, np.random.default_rng(i)).ravel())) for i in range(20)]
    theirs = [moments([d for _, d in nx.barabasi_albert_graph(2000, 5, seed=i).degree()]) for i in range(20)]
    np.testing.assert_allclose(np.mean(ours, axis=0), np.mean(theirs, axis=0), rtol=0.08)


def test_a_drawn_late_node_is_chosen_by_degree():
    """Node 1001 of a tree, whose 1000 older nodes are the same in every draw."""
    rng = np.random.default_rng(0)
    late = sys.modules["topolearn.generators.barabasi_albert"]._attach_late
    early = np.array([[1, 2, 3, 4], [0, 0, 0, 1]])  # degrees 3, 2, 1, 1, 1
    found = np.bincount(late(early, np.array([40_000]), 5, rng)[1], minlength=5)
    np.testing.assert_allclose(found / 40_000, np.array([3, 2, 1, 1, 1]) / 8, atol=0.01)
    # The second of two new nodes can meet the first, and meets the node that the first one chose by one more stub.
    first, second = np.array([late(early, np.array([1, 1]), 5, rng)[1] for _ in range(4000)]).T
    assert (second == 5).mean() == pytest.approx(1 / 10, abs=0.02)
    assert (second == first).mean() == pytest.approx((9 + 4 + 3) / 80 + 1 / 10, abs=0.03)


@FEW
@given(data=st.data(), n_in=st.integers(1, 12), n_out=st.integers(1, 12), seed=st.integers(0, 9))
def test_any_possible_degrees_are_realised(data, n_in, n_out, seed):
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=n_in, max_size=n_in), min_size=n_out, max_size=n_out))
    links = np.array(rows)
    kept = np.flatnonzero(links & (np.random.default_rng(seed).random(links.shape) < 0.5))
    cells = match_stubs(links.sum(axis=0), links.sum(axis=1), np.random.default_rng(seed), kept=kept)
    assert np.unique(cells).size == cells.size == links.sum()
    np.testing.assert_array_equal(np.bincount(cells % n_in, minlength=n_in), links.sum(axis=0))
    np.testing.assert_array_equal(np.bincount(cells // n_in, minlength=n_out), links.sum(axis=1))
    largest = np.sort(links.sum(axis=1))[::-1]
    assert (np.cumsum(largest) <= np.cumsum(gale_ryser_room(links.sum(axis=0), n_out))).all()


def test_degrees_that_only_one_graph_has():
    """A staircase: every draw must find the same graph."""
    links = np.tri(60, dtype=bool)
    for seed in range(3):
        cells = match_stubs(links.sum(axis=0), links.sum(axis=1), np.random.default_rng(seed))
        np.testing.assert_array_equal(cells, np.flatnonzero(links))


@pytest.mark.parametrize(("n_in", "n_out", "density"), [(784, 1568, 0.3), (1568, 784, 0.6), (20_000, 10, 0.2)])
def test_dense_layers_and_layers_of_very_different_sides(n_in, n_out, density):
    graph = bipartite_scale_free(n_in, n_out, density, seed=0)
    degrees = scale_free_degrees(n_in, n_out, density, seed=0)
    np.testing.assert_array_equal(graph.fan_in, degrees.fan_in)
    np.testing.assert_array_equal(graph.fan_out, degrees.fan_out)


def test_a_large_sparse_layer():
    graph = bipartite_scale_free(100_000, 50_000, 1e-4, seed=0)
    assert graph.n_links == 500_000
    assert graph.fan_in.max() > 30 * graph.fan_in.mean()


def test_random_states_are_not_touched():
    igraph.set_random_number_generator(random)
    random.seed(5)
    igraph.Graph.Barabasi(50, 2)
    state, numpy_state = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    expected = igraph.Graph.Barabasi(50, 2).get_edgelist()
    random.setstate(state)
    for density in (0.1, 0.4, 0.9):
        bipartite_scale_free(30, 20, density, seed=0)
    assert random.getstate() == state
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert igraph.Graph.Barabasi(50, 2).get_edgelist() == expected


@pytest.mark.slow  # the contract tests ask it of every generator
def test_another_process_makes_the_same_graph():
    code = (
        "import hashlib, topolearn as tl\n"
        "cells = tl.generators.bipartite_scale_free(1500, 1200, 0.005, seed=7).cells\n"
        "print(hashlib.sha256(cells.tobytes()).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    here = bipartite_scale_free(1500, 1200, 0.005, seed=7).cells
    assert done.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("n_in", "n_out", "density"), [(8, 6, 0.25), (784, 1568, 0.0005), (10**6, 10**6, 1e-6), (40, 1, 0.9)]
)
@pytest.mark.parametrize("function", [bipartite_scale_free, scale_free_degrees])
def test_too_few_links_are_rejected_with_the_range(function, n_in, n_out, density):
    with pytest.raises(InvalidValueError, match=f"density={density} leaves .*{n_in} x {n_out}.*needs ") as caught:
        function(n_in, n_out, density, seed=0)
    least = float(re.search(r"use a density in \[(.*), 1\]", str(caught.value))[1])
    if n_in < 1000:
        graph = bipartite_scale_free(n_in, n_out, least, seed=0)
        assert graph.n_links == n_in + n_out - 1
        assert graph.degrees.min() == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 5, 0.5), InvalidValueError, "n_in=0"),
        ((5, 2.0, 0.5), InvalidTypeError, "n_out=2.0"),
        ((5, 5, 1.5), InvalidValueError, "density=1.5"),
        ((5, 5, 0), InvalidValueError, "density=0"),
        ((5, 5, float("nan")), InvalidValueError, "density=nan"),
        ((5, 5, "1"), InvalidTypeError, "density='1'"),
    ],
)
@pytest.mark.parametrize("function", [bipartite_scale_free, scale_free_degrees])
def test_bad_input_is_rejected(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments, seed=0)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seeds_are_rejected(seed):
    with pytest.raises((InvalidValueError, InvalidTypeError), match="seed="):
        bipartite_scale_free(5, 5, 0.5, seed=seed)


def test_by_name():
    assert make("bsf", 60, 40, 0.1, seed=1) == bipartite_scale_free(60, 40, 0.1, seed=1)
