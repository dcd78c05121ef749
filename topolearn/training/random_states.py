"""Generators that all threads of a process share: `random_states_kept` and `global_generator`."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_lock = threading.Lock()
_inside: Counter[int] = Counter()  # blocks that each thread is in
_before: list[tuple[Any, Any]] = []  # the states before the first of them
_turn = threading.RLock()


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Give Python and numpy back the states of their generators when a block, or a function, ends.

    The trainer of transformers seeds them, and packages that are imported on the way draw from them, as rich does.
    Where several threads are in such blocks at once, the last one to leave puts back what was there before the first.

    Examples
    --------
    >>> before = random.getstate()
    >>> with random_states_kept():
    ...     random.seed(1)
    >>> random.getstate() == before
    True
    """
    thread = threading.get_ident()
    with _lock:
        own = _states()
        if not _inside:
            _before[:] = [own]
        _inside[thread] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[thread] -= 1
            if not _inside[thread]:
                del _inside[thread]
            others = _inside.keys() - {thread}
            if not others:
                of_python, of_numpy = own if _inside else _before[0]
                random.setstate(of_python)
                np.random.set_state(of_numpy)  # noqa: NPY002


def _states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002  # the legacy one is what is seeded


@contextmanager
def global_generator() -> Iterator[None]:
    """Have torch's global generators alone, to be seeded and drawn from, and give them back as they were.

    Other threads that come here meanwhile wait. What needs no more than a generator of its own does not come here, and
    uses `topolearn.sampling.torch_draws_from`.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with global_generator():
    ...     _ = torch.manual_seed(1)
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    with _turn, torch.random.fork_rng():
        yield
