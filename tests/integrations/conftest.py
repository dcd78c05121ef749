"""Fixtures shared by the tests of other libraries' trainers."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _imported_is_no_garbage():
    """Trainers collect garbage whenever they start, which would scan everything imported so far each time."""
    gc.freeze()
    yield
    gc.unfreeze()
