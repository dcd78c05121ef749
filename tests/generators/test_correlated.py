"""CSTI: exact counts, strongest cells first, random ties, and validation of the data."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import correlated
from topolearn.training import load_dataset

FEW = examples(60)
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"
TOY = np.array([[0, 0, 1], [1, 1, 0], [2, 2, 0], [3, 3, 1]])


def brute_strength(data, n_in, n_out):
    """The strength of every cell, from numpy's correlation and a full matrix."""
    with np.errstate(invalid="ignore", divide="ignore"):
        base = np.abs(np.corrcoef(np.asarray(data, dtype=float), rowvar=False)).reshape(data.shape[1], -1)
    base = np.nan_to_num(base)
    np.fill_diagonal(base, 0)
    return base[np.ix_(np.arange(n_out) % len(base), np.arange(n_in) % len(base))]


@FEW
@given(
    n_in=st.integers(1, 30),
    n_out=st.integers(1, 30),
    n_features=st.integers(2, 12),
    density=st.floats(0.01, 1),
    seed=st.integers(0, 99),
)
def test_the_strongest_cells_are_the_links(n_in, n_out, n_features, density, seed):
    n_links = round(density * (n_in * n_out))
    assume(n_links > 0)
    data = np.random.default_rng(seed).normal(size=(30, n_features))
    data[:, n_features // 2] = 0.1  # a constant whose mean rounds
    graph = correlated(n_in, n_out, density, data=data, seed=seed)
    strength = brute_strength(data, n_in, n_out)
    strength[np.arange(n_out) % n_features == n_features // 2] = 0
    strength[:, np.arange(n_in) % n_features == n_features // 2] = 0
    links = graph.to_scipy().toarray()
    assert graph.n_links == n_links
    assert links.all() or strength[links].min() >= strength[~links].max() - 1e-11
    assert correlated(n_in, n_out, density, data=data, seed=seed) == graph


def test_ties_are_broken_uniformly():
    """Features 0 and 1 are equal: 8 of 5 x 5 cells are tied, and 3 of these are drawn."""
    n_graphs = 600
    cells = np.concatenate([correlated(5, 5, 3 / 25, data=TOY, seed=seed).cells for seed in range(n_graphs)])
    counts = np.bincount(cells, minlength=25)
    tied = np.flatnonzero(brute_strength(TOY, 5, 5) > 0.99)
    assert tied.size == 8
    assert set(np.flatnonzero(counts)) == set(tied)
    statistic = ((counts[tied] - 225) ** 2).sum() / (225 * (1 - 3 / 8)) * 7 / 8
    assert 1e-3 < stats.chi2.sf(statistic, 7) < 1 - 1e-3


def test_more_links_than_correlations_are_filled_uniformly():
    """All 8 cells of features 0 and 1, and 4 of the 17 others."""
    n_graphs = 600
    graphs = [correlated(5, 5, 12 / 25, data=TOY, seed=seed).to_scipy().toarray() for seed in range(n_graphs)]
    counts = np.sum(graphs, axis=0)
    strong = brute_strength(TOY, 5, 5) > 0.99
    assert (counts[strong] == n_graphs).all()
    expected = n_graphs * 4 / 17
    statistic = ((counts[~strong] - expected) ** 2).sum() / (expected * (1 - 4 / 17)) * 16 / 17
    assert 1e-3 < stats.chi2.sf(statistic, 16) < 1 - 1e-3


def test_copies_of_a_feature_tie_however_the_sums_are_rounded():
    """The mirrored and the tiled cells, and those of equal features, have the same chance."""
    rng = np.random.default_rng(0)
    feature = rng.random(1001) * 1e3
    data = np.column_stack([feature, rng.random((1001, 13)), feature, 3 * feature + 7])
    found = {tuple(correlated(17, 17, 2 / 289, data=data, seed=seed).cells) for seed in range(100)}
    assert len(found) > 20


def test_the_same_feature_and_constants_are_linked_last():
    data = np.column_stack([TOY[:, :2], np.full(4, 7)])
    graph = correlated(6, 6, 8 / 36, data=data, seed=0)
    rows, columns = np.nonzero(graph.to_scipy().toarray())
    assert sorted(zip(rows % 3, columns % 3, strict=True)) == [(0, 1)] * 4 + [(1, 0)] * 4


def test_a_layer_smaller_than_the_data_has_the_first_features():
    rng = np.random.default_rng(1)
    data = rng.normal(size=(50, 20))
    graph = correlated(7, 4, 0.25, data=data, seed=0)
    assert graph == correlated(7, 4, 0.25, data=data[:, :7], seed=0)


@pytest.mark.parametrize("offset", [0, 1e6, -1e9])
def test_a_large_mean_costs_no_digits(offset):
    rng = np.random.default_rng(2)
    data = rng.integers(0, 5, size=(400, 12))
    expected = correlated(12, 12, 0.2, data=data, seed=0)
    assert correlated(12, 12, 0.2, data=data + offset, seed=0) == expected


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.int64),
        lambda x: x.tolist(),
        lambda x: np.asfortranarray(x.astype(np.float32)),
        lambda x: torch.tensor(x, dtype=torch.uint8),
        lambda x: torch.tensor(x, dtype=torch.bfloat16),
        lambda x: torch.tensor(x, dtype=torch.float32, requires_grad=True),
        lambda x: x * 1e-300,
        lambda x: x * 1e200,
    ],
)
def test_any_kind_of_numbers(convert):
    data = np.random.default_rng(3).integers(0, 200, size=(90, 10)).astype(float)
    before = data.copy()
    assert correlated(15, 12, 0.2, data=convert(data), seed=4) == correlated(15, 12, 0.2, data=data, seed=4)
    np.testing.assert_array_equal(data, before)


def test_blocks_of_samples_give_the_same_graph(monkeypatch):
    data = np.random.default_rng(5).random((101, 9))
    whole = correlated(20, 15, 0.3, data=data, seed=0)
    monkeypatch.setattr(sys.modules["topolearn.generators.correlated"], "_BLOCK", 27)
    assert correlated(20, 15, 0.3, data=data, seed=0) == whole


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, InvalidTypeError, "dtype object"),
        ("pixels", InvalidTypeError, "dense array"),
        (TOY.astype(complex), InvalidTypeError, "complex128"),
        (TOY.astype(str), InvalidTypeError, "real numbers"),
        (torch.tensor(TOY).to_sparse(), InvalidTypeError, "sparse_coo"),
        (torch.tensor(TOY, dtype=torch.complex64), InvalidTypeError, "complex64"),
        ([[1, 2], [3]], InvalidValueError, "not a matrix"),
        (TOY[:, 0], InvalidValueError, r"shape \(4,\).*samples, features"),
        (np.zeros((5, 2, 2)), InvalidValueError, r"shape \(5, 2, 2\).*reshape"),
        (3.0, InvalidValueError, r"shape \(\)"),
        (np.zeros((0, 3)), InvalidValueError, r"shape \(0, 3\).*2 samples"),
        (np.zeros((4, 0)), InvalidValueError, r"shape \(4, 0\)"),
        (torch.zeros(0, 3), InvalidValueError, r"shape \(0, 3\)"),
        (TOY[:1], InvalidValueError, r"shape \(1, 3\).*2 samples"),
        (np.where(TOY == 3, np.nan, TOY), InvalidValueError, r"data\[3, 0\] = nan"),
        (np.where(TOY == 2, -np.inf, TOY), InvalidValueError, r"data\[2, 0\] = -inf"),
        (np.full((6, 3), 0.1), InvalidValueError, "all 3 features of data are constant over its 6"),
        (np.array([[-1.7e308, 1], [1.7e308, 2], [0, 4]]), InvalidValueError, "feature 0 .*scale it down"),
    ],
)
def test_bad_data_are_rejected(data, error, message):
    with pytest.raises(error, match=message):
        correlated(6, 5, 0.5, data=data, seed=0)


@pytest.fixture(scope="module")
def mnist():
    if not MNIST.is_dir():
        pytest.skip(f"the MNIST files are not in {MNIST}")
    return load_dataset("mnist", MNIST).train_x


def test_links_of_mnist_concentrate_on_the_central_pixels(mnist):
    graph = correlated(784, 1568, 0.01, data=mnist[:20_000], seed=0)
    assert graph.n_links == 12293
    degree = graph.fan_out.reshape(28, 28)
    # The digits fill a box of 20 x 20 pixels, half of the picture; in the corners nothing is ever drawn.
    assert degree[4:24, 4:24].sum() > 0.8 * graph.n_links
    row, column = np.indices((28, 28)) - 13.5
    radius = np.hypot(row, column)
    assert degree[radius < 10].mean() > 3 * degree[radius > 11].mean()
    assert degree[radius > 16].mean() < 1
    constant = (mnist[:20_000] == mnist[0]).all(dim=0).numpy()
    assert constant.sum() > 50
    assert graph.fan_out[constant].sum() == 0


def test_counts_of_mnist_are_exact(mnist):
    """The authors' threshold keeps 24,592 links here, for the tiling repeats each value eight times."""
    graph = correlated(1568, 1568, 0.01, data=mnist[:3000], seed=0)
    assert graph.n_links == 24586
    assert graph != correlated(1568, 1568, 0.01, data=mnist[:3000], seed=1)
    assert not graph.to_scipy().toarray()[np.arange(1568), np.arange(1568) % 784].any()
