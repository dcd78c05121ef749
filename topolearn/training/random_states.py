"""Random generators that all threads of a process share: `random_states_kept` and `global_generator`."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_lock = threading.Lock()
_inside: Counter[int] = Counter()  # number of open blocks of each thread
_before: list[tuple[Any, Any]] = []  # the states before the first block
_turn = threading.RLock()


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Restore the states of Python's and NumPy's random generators after a block or a decorated function.

    The trainer of transformers seeds them, and some imported packages, such as rich, draw from them. If several threads
    are in such blocks at once, the last one to leave restores the states before the first one.

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
    """Give exclusive use of torch's global generators in a block, and restore their states afterwards.

    Other threads wait until the block ends. Code that only needs its own generator uses
    `topolearn.sampling.torch_draws_from` instead.

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
