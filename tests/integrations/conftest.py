"""What the tests of other people's trainers share."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _imported_is_no_garbage():
    """Trainers collect garbage whenever they begin, and would look at all that was ever imported each time."""
    gc.freeze()
    yield
    gc.unfreeze()
