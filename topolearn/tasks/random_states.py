"""`random_states_kept`: the global generators, which a trainer of transformers seeds, as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Give Python, numpy and torch, on all devices, back the states of their generators when the block ends."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the legacy one is what is seeded
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
