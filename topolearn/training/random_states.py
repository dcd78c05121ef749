"""`random_states_kept`: the global generators of Python and numpy as they were, whatever a training has loaded."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Give Python and numpy back the states of their generators when a block, or a function, ends.

    The trainer of transformers seeds them, and packages that are imported on the way draw from them, as rich does.

    Examples
    --------
    >>> before = random.getstate()
    >>> with random_states_kept():
    ...     random.seed(1)
    >>> random.getstate() == before
    True
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the legacy one is what is seeded
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
