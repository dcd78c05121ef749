"""Searches among sorted cells, compiled and by torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from topolearn.errors import InvalidValueError
from topolearn.graph import cells
from topolearn.graph.kernels import places_among
from topolearn.graph.overlap import overlap

NUMBERS = st.lists(st.integers(-50, 50), max_size=40)


@settings(deadline=None)
@given(ordered=NUMBERS, wanted=NUMBERS, is_sorted=st.booleans())
def test_places_are_those_of_numpy(ordered, wanted, is_sorted):
    """In any order, with repetitions, among nothing and for nothing."""
    ordered = np.sort(np.array(ordered, dtype=np.int64))
    wanted = np.array(sorted(wanted) if is_sorted else wanted, dtype=np.int64)
    places = np.full(wanted.size, -1)
    places_among(ordered, wanted, places)
    assert np.array_equal(places, np.searchsorted(ordered, wanted))


@pytest.mark.parametrize("n", [cells.MANY - 1, cells.MANY, 3 * cells.MANY])
@pytest.mark.parametrize("step", [1, 2])
def test_many_cells_are_searched_as_few_are(n, step):
    ordered, wanted = torch.arange(0, 2 * n, 2), torch.arange(n * step)[::1]
    assert torch.equal(cells.search(ordered, wanted), torch.searchsorted(ordered, wanted))
    strided = torch.arange(2 * n)[::2]
    assert torch.equal(cells.search(ordered[::2], strided), torch.searchsorted(ordered[::2].contiguous(), strided))
    assert torch.equal(cells.are_among(wanted, ordered), torch.isin(wanted, ordered))


SETS = st.sets(st.integers(0, 5000), max_size=60).map(lambda numbers: torch.tensor(sorted(numbers), dtype=torch.int64))


@settings(deadline=None)
@given(some=SETS, others=SETS, sparse=st.sampled_from([0, 1, 10**6]))
def test_sets_of_cells_are_those_of_torch_by_bitmap_and_by_search(some, others, sparse):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "MANY", 1)
        patch.setattr(cells, "SPARSE", sparse)
        assert torch.equal(cells.search(others, some), torch.searchsorted(others, some))
        assert torch.equal(cells.search(others, some.flip(0)), torch.searchsorted(others, some.flip(0)))
        is_among = torch.isin(some, others)
        assert torch.equal(cells.are_among(some, others), is_among)
        assert torch.equal(cells.without(some, others), some[~is_among])
        assert torch.equal(cells.within(some, others), some[is_among])
        apart = some[~is_among]
        assert torch.equal(cells.union(apart, others), torch.cat((apart, others)).sort().values)
        assert torch.equal(cells.union(some, others), torch.cat((some, others)).sort().values)


@pytest.mark.parametrize(
    ("removed", "regrown", "shapes"),
    [
        ([[0, 1]], [1], r"removed has shape \(1, 2\) and regrown \(1,\)"),
        ([3], [[0, 1]], r"removed has shape \(1,\) and regrown \(1, 2\)"),
        ([[0, 1, 2]], [[0, 1, 2]], r"removed has shape \(1, 3\) and regrown \(1, 3\)"),
    ],
)
def test_an_overlap_needs_links_in_one_form(removed, regrown, shapes):
    with pytest.raises(InvalidValueError, match=shapes):
        overlap(np.array(removed), np.array(regrown))
