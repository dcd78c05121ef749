"""The fixed fan-in model: equal fan-ins, and every set of inputs equally likely."""

import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.generators import fixed_fan_in

FEW = examples(60)
SIZES = st.integers(1, 60)


@FEW
@given(n_in=SIZES, n_out=SIZES, density=st.floats(0, 1, exclude_min=True), seed=st.integers(0, 99))
def test_fan_ins_differ_by_at_most_one(n_in, n_out, density, seed):
    n_links = round(density * (n_in * n_out))
    assume(n_links > 0)
    graph = fixed_fan_in(n_in, n_out, density, seed=seed)
    assert graph.n_links == n_links
    assert sorted(graph.fan_in) == [n_links // n_out] * (n_out - n_links % n_out) + [n_links // n_out + 1] * (
        n_links % n_out
    )
    assert fixed_fan_in(n_in, n_out, density, seed=seed) == graph


@pytest.mark.parametrize(("n_in", "k"), [(6, 3), (5, 1), (6, 5), (24, 2), (35, 2)])
def test_every_set_of_inputs_is_equally_likely(n_in, k):
    """From 24 inputs on, two links are few enough to be drawn one by one."""
    counts = dict.fromkeys(combinations(range(n_in), k), 0)
    n_out = 20 * len(counts)
    for seed in range(2):
        links = fixed_fan_in(n_in, n_out, k / n_in, seed=seed).cells % n_in
        for row in links.reshape(n_out, k).tolist():
            counts[tuple(row)] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize(("n_in", "density"), [(10, 0.25), (100, 0.025)])
def test_the_remainder_falls_anywhere(n_in, density):
    n_graphs = 600
    extra = sum(fixed_fan_in(n_in, 10, density, seed=seed).fan_in - 2 for seed in range(n_graphs))
    assert extra.sum() == 5 * n_graphs
    statistic = ((extra - n_graphs / 2) ** 2).sum() / (n_graphs / 4) * 9 / 10
    assert 1e-3 < stats.chi2.sf(statistic, 9) < 1 - 1e-3


def test_fan_outs_are_binomial():
    fan_out = np.concatenate([fixed_fan_in(300, 400, 0.05, seed=seed).fan_out for seed in range(10)])
    law = stats.binom(400, 0.05)
    edges = [-1, *law.ppf(np.linspace(0.1, 0.9, 7)), 400]
    counts = np.histogram(fan_out, bins=np.array(edges) + 0.5)[0]
    assert stats.chisquare(counts, np.diff(law.cdf(edges)) * fan_out.size).pvalue > 1e-3


def test_memory_grows_only_with_the_links():
    """1e12 cells."""
    graph = fixed_fan_in(1_000_000, 1_000_000, 5e-7, seed=0)
    assert graph.n_links == 500_000
    assert graph.fan_in.max() == 1


def test_dense_layers_are_drawn_in_blocks(monkeypatch):
    monkeypatch.setattr(sys.modules["topolearn.generators.fixed_fan_in"], "_BLOCK", 100)
    graph = fixed_fan_in(30, 41, 0.377, seed=0)
    assert graph.n_links == round(0.377 * 1230)
    assert np.ptp(graph.fan_in) == 1
