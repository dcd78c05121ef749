"""Searches among sorted cells, compiled and by torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from topolearn.graph import cells
from topolearn.graph.kernels import places_among

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
