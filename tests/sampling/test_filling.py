"""Uniform filling: drawing free cells of a layer without listing them."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField, fill

FEW = examples(60)
NONE = torch.empty(0, dtype=torch.int64)


def as_cells(cells):
    return torch.tensor(sorted(cells), dtype=torch.int64)


def fill_by_hand(k, n_cells, excluded, field):
    """Follow the documented sequence draw by draw over a list of the free cells."""
    free = [cell for cell in range(n_cells) if cell not in excluded]
    n_drawn, ranks, i = min(k, len(free) - k), [], 0
    while len(ranks) < n_drawn:
        rank = field.bits(torch.tensor([i])).item() * len(free) >> 53
        i += 1
        if rank not in ranks:
            ranks.append(rank)
    if 2 * k > len(free):
        ranks = [rank for rank in range(len(free)) if rank not in ranks]
    return sorted(free[rank] for rank in ranks)


@FEW
@given(data=st.data())
def test_small_layers_agree_with_filling_by_hand(data):
    n_cells = data.draw(st.integers(1, 40))
    excluded = data.draw(st.sets(st.integers(0, n_cells - 1)))
    k = data.draw(st.integers(0, n_cells - len(excluded)))
    field = RandomField(data.draw(st.integers(0, 10**6)), "fc", 1, "regrowth, filled")
    assert fill(k, n_cells, as_cells(excluded), field).tolist() == fill_by_hand(k, n_cells, excluded, field)


@FEW
@given(n_cells=st.integers(1000, 2**52), seed=st.integers(0, 10**6), data=st.data())
def test_large_layers(n_cells, seed, data):
    """With cells excluded at both ends and in the middle, the k drawn cells are free, distinct and sorted."""
    ends = {0, 1, 2, n_cells - 1, n_cells - 2, n_cells // 2}
    excluded = ends | data.draw(st.sets(st.integers(0, n_cells - 1), max_size=50))
    k = data.draw(st.integers(0, 400))
    drawn = fill(k, n_cells, as_cells(excluded), RandomField(seed))
    assert drawn.dtype == torch.int64
    cells = drawn.tolist()
    assert cells == sorted(set(cells))
    assert len(cells) == k
    assert not set(cells) & excluded
    assert all(0 <= cell < n_cells for cell in cells)


@pytest.mark.parametrize(
    ("k", "n_cells", "excluded"),
    [(2, 5, ()), (2, 7, (0, 3)), (3, 8, (7,)), (3, 5, ()), (4, 6, (2,)), (1, 9, (1, 2, 3, 4))],
)
def test_every_set_of_free_cells_is_equally_likely(k, n_cells, excluded):
    """Both below half of the free cells and above it, where the cells that stay free are drawn instead."""
    free = [cell for cell in range(n_cells) if cell not in excluded]
    counts = dict.fromkeys(combinations(free, k), 0)
    for i in range(1500):
        counts[tuple(fill(k, n_cells, as_cells(excluded), RandomField(i % 50, update=i // 50)).tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_cells_of_one_large_draw_are_uniform():
    n_cells = 10**15
    drawn = fill(20_000, n_cells, torch.arange(0, n_cells, 10**11), RandomField(3))
    assert stats.kstest(drawn.numpy() / n_cells, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("n_cells", [10**15, 2**52])
def test_cost_does_not_grow_with_the_layer(n_cells):
    """A list of these cells would need petabytes."""
    assert fill(1000, n_cells, NONE, RandomField(0)).unique().numel() == 1000


@pytest.mark.parametrize(
    ("k", "n_cells", "excluded", "expected"),
    [
        (0, 5, (), []),
        (0, 1, (0,), []),
        (0, 10**15, (4,), []),
        (5, 5, (), [0, 1, 2, 3, 4]),
        (3, 6, (0, 2, 5), [1, 3, 4]),
        (1, 10, tuple(range(9)), [9]),
        (1, 10, tuple(range(1, 10)), [0]),
    ],
)
def test_ends(k, n_cells, excluded, expected):
    assert fill(k, n_cells, as_cells(excluded), RandomField(0)).tolist() == expected


def test_the_draw_follows_the_field():
    draws = {tuple(fill(5, 1000, NONE, RandomField(seed)).tolist()) for seed in range(20)}
    assert len(draws) == 20
    assert tuple(fill(5, 1000, NONE, RandomField(7)).tolist()) in draws


@pytest.mark.parametrize(("k", "n_cells", "excluded"), [(6, 5, ()), (-1, 5, ()), (3, 5, (0, 1, 2)), (1, 1, (0,))])
def test_impossible_numbers_are_rejected(k, n_cells, excluded):
    n_free = n_cells - len(excluded)
    message = rf"k={k} cells: {n_free} of {n_cells} are free, so k must be in 0\.\.{n_free}"
    with pytest.raises(InvalidValueError, match=message):
        fill(k, n_cells, as_cells(excluded), RandomField(0))
