"""The receptive field model: exact counts, centres that isolate no neuron, and the distribution of distances."""

import math
from functools import partial
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_receptive_field, fixed_fan_in

FEW = examples(60)
SIZES = st.integers(1, 40)
DENSITIES = st.floats(0.01, 1)
DEGREES = st.sampled_from(["fixed", "uniform"])


def sides(graph):
    """Degrees of the smaller and of the larger side, and the links as a matrix (smaller, larger)."""
    rows = graph.to_scipy().toarray()
    if graph.n_out <= graph.n_in:
        return graph.fan_in, graph.fan_out, rows
    return graph.fan_out, graph.fan_in, rows.T


def distances(a, b):
    """Distance of every neuron of the larger side from the centre of every one of the smaller side."""
    centre = np.floor(np.arange(a) * b / a + 0.5 + 1e-12).astype(int)
    apart = np.abs(centre[:, None] - np.arange(b))
    return np.minimum(apart, b - apart)


@FEW
@given(n_in=SIZES, n_out=SIZES, density=DENSITIES, r=st.floats(0, 1), degree=DEGREES, seed=st.integers(0, 99))
def test_exact_counts_and_degrees(n_in, n_out, density, r, degree, seed):
    n_links = round(density * (n_in * n_out))
    assume(n_links > 0)
    graph = bipartite_receptive_field(n_in, n_out, density, r=r, degree=degree, seed=seed)
    assert graph.n_links == n_links
    assert graph == bipartite_receptive_field(n_in, n_out, density, r=r, degree=degree, seed=seed)
    small, _, _ = sides(graph)
    assert np.count_nonzero(small) == min(n_links, small.size)
    if degree == "fixed":
        assert np.ptp(small) <= 1


@FEW
@given(n_in=SIZES, n_out=SIZES, density=DENSITIES, degree=DEGREES, seed=st.integers(0, 9))
def test_strict_fields_are_the_nearest_neurons(n_in, n_out, density, degree, seed):
    assume(round(density * (n_in * n_out)) > 0)
    _, _, links = sides(bipartite_receptive_field(n_in, n_out, density, r=0, degree=degree, seed=seed))
    for row, distance in zip(links, distances(*links.shape), strict=True):
        assert row.all() or not row.any() or distance[row].max() <= distance[~row].min()


@FEW
@given(n_in=SIZES, n_out=SIZES, density=DENSITIES, seed=st.integers(0, 99))
def test_no_neuron_is_left_out_as_soon_as_the_links_suffice(n_in, n_out, density, seed):
    assume(round(density * (n_in * n_out)) >= max(n_in, n_out))
    small, large, _ = sides(bipartite_receptive_field(n_in, n_out, density, r=0, seed=seed))
    assert small.min() >= 1
    assert large.min() >= 1


@pytest.mark.parametrize("n_links", [1376, 1377, 1500, 1535])
def test_as_many_links_as_neurons_reach_them_all(n_links):
    graph = bipartite_receptive_field(1376, 512, n_links / (1376 * 512), r=0, seed=1)
    assert graph.n_links == n_links
    assert graph.fan_out.min() == 1


@pytest.mark.parametrize(("n_in", "n_out"), [(512, 1376), (1376, 512), (2048, 768), (768, 2048)])
@pytest.mark.parametrize("degree", ["fixed", "uniform"])
def test_layers_of_the_paper_have_no_isolated_neuron(n_in, n_out, degree):
    """The centres i * floor(b / a) leave 353 of 1376 and 404 of 2048 neurons without a link."""
    graph = bipartite_receptive_field(n_in, n_out, 0.05, r=0, degree=degree, seed=0)
    assert graph.n_links == round(0.05 * n_in * n_out)
    assert graph.degrees.min() > 0


@pytest.mark.parametrize("r", [0.05, 0.1, 0.3, 0.6, 0.9, 1])
def test_law_of_two_draws(r):
    """Inclusion in two successive draws is w/W + w * sum of v / (W (W - v)) over all others."""
    n, n_graphs = 400, 25
    weight = (1.0 + distances(1, n)[0]) ** (-(1 - r) / r)
    total = weight.sum()
    after = weight / (total * (total - weight))
    expected = weight / total + weight * (after.sum() - after)
    assert expected.sum() == pytest.approx(2)
    links = [sides(bipartite_receptive_field(n, n, 2 / n, r=r, seed=seed))[2] for seed in range(n_graphs)]
    offsets = np.concatenate([(np.nonzero(found)[1] - np.arange(n).repeat(2)) % n for found in links])
    n_rows = n * n_graphs
    edges = np.array([0, 1, 2, 3, 5, 10, 40, 200, 361, 391, 396, 398, 399, 400])
    mean = n_rows * np.add.reduceat(expected, edges[:-1])
    found = np.histogram(offsets, edges)[0]
    common = mean > 20
    # Two draws of a row exclude each other, so the variance of a count is at most the multinomial's.
    assert (np.abs(found - mean) < 4.5 * np.sqrt(mean) + 3)[common].all()
    assert (found[~common] < 60).all()


@pytest.mark.parametrize(("r", "k"), [(0.3, 3), (0.7, 2), (0.02, 3)])
def test_every_set_has_its_probability(r, k):
    """Against all orders of successive draws, on a ring of 7."""
    n, weight = 7, (1.0 + distances(1, 7)[0]) ** (-(1 - r) / r)
    law = {}
    for order in permutations(range(n), k):
        probability, left = 1.0, weight.sum()
        for place in order:
            probability *= weight[place] / left
            left -= weight[place]
        law[frozenset(order)] = law.get(frozenset(order), 0) + probability
    counts = dict.fromkeys(law, 0)
    for seed in range(400):
        for i, row in enumerate(sides(bipartite_receptive_field(n, n, k / n, r=r, seed=seed))[2]):
            counts[frozenset(((np.flatnonzero(row) - i) % n).tolist())] += 1
    expected = np.array([law[key] for key in counts]) * 2800
    found = np.array(list(counts.values()))
    rare = expected < 8
    found, expected = [np.append(x[~rare], x[rare].sum()) for x in (found, expected)]
    if expected[-1] < 8:
        found, expected = found[:-1], expected[:-1] * (found[:-1].sum() / expected[:-1].sum())
    assert found.size == 1 or stats.chisquare(found, expected).pvalue > 1e-3


def test_links_spread_with_r():
    mean = []
    for r in (0, 0.1, 0.3, 0.5, 0.7, 1):
        _, _, links = sides(bipartite_receptive_field(600, 300, 0.02, r=r, seed=0))
        mean.append(distances(300, 600)[links].mean())
    assert mean == sorted(mean)
    assert mean[0] == pytest.approx(3, abs=0.1)
    assert mean[-1] == pytest.approx(150, rel=0.05)


def test_uniform_degrees_are_one_and_a_multinomial():
    degree = np.concatenate(
        [bipartite_receptive_field(300, 200, 0.05, degree="uniform", seed=seed).fan_in for seed in range(20)]
    )
    law = stats.binom(2800, 1 / 200)
    edges = [-1, *law.ppf(np.linspace(0.1, 0.9, 7)), 2800]
    counts = np.histogram(degree - 1, bins=np.array(edges) + 0.5)[0]
    assert stats.chisquare(counts, np.diff(law.cdf(edges)) * degree.size).pvalue > 1e-3


@pytest.mark.parametrize("density", [0.9, 0.99, 1])
def test_uniform_degrees_stop_at_the_number_of_neurons(density):
    graph = bipartite_receptive_field(30, 50, density, degree="uniform", seed=0)
    assert graph.n_links == round(density * 1500)
    assert graph.fan_out.max() == 50


def test_r_is_three_tenths_and_degrees_fixed_by_default():
    expected = bipartite_receptive_field(40, 30, 0.2, r=0.3, degree="fixed", seed=3)
    assert bipartite_receptive_field(40, 30, 0.2, seed=3) == expected


def test_at_one_it_is_uniform_like_the_fixed_fan_in():
    for model in (partial(bipartite_receptive_field, r=1), fixed_fan_in):
        cells = np.concatenate([model(12, 10, 0.25, seed=seed).cells for seed in range(300)])
        counts = np.bincount(cells, minlength=120)
        statistic = ((counts - 75) ** 2).sum() / (75 * 0.75) * 11 / 12
        assert 1e-3 < stats.chi2.sf(statistic, 110) < 1 - 1e-3


@pytest.mark.parametrize("r", [1e-300, 5e-324, 1e-12, 1 - 1e-16])
def test_extreme_r(r):
    assert bipartite_receptive_field(500, 400, 0.05, r=r, seed=0).n_links == 10_000
    if r < 0.5:  # odd degrees have no tie
        odd = bipartite_receptive_field(500, 400, 15 / 500, r=r, seed=0)
        assert odd == bipartite_receptive_field(500, 400, 15 / 500, r=0, seed=0)


def test_memory_grows_only_with_the_links():
    """1e11 cells."""
    for r in (0, 0.05, 0.3, 0.7, 1):
        assert bipartite_receptive_field(400_000, 250_000, 5e-6, r=r, seed=0).n_links == 500_000


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"r": -0.01}, InvalidValueError, r"r=-0.01.*\[0, 1\]"),
        ({"r": 1.01}, InvalidValueError, r"r=1.01"),
        ({"r": math.nan}, InvalidValueError, "r=nan"),
        ({"r": "0.3"}, InvalidTypeError, "r='0.3'"),
        ({"r": None}, InvalidTypeError, "r=None"),
        ({"r": True}, InvalidTypeError, "r=True"),
        ({"degree": "fix"}, InvalidValueError, "unknown degree='fix': did you mean 'fixed'"),
        ({"degree": ["a"]}, InvalidValueError, r"unknown degree=\['a'\]"),
        ({"degree": None}, InvalidValueError, "degree=None.*fixed, uniform"),
    ],
)
def test_bad_parameters_are_rejected(params, error, message):
    with pytest.raises(error, match=message):
        bipartite_receptive_field(8, 6, 0.5, **params)
