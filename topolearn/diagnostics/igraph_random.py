"""igraph's random state, which is global: set for a while, and given back."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import igraph
import numpy as np

_LOCK = threading.Lock()  # the state is one for all threads: each has to wait for the others' draws


class _Draws:
    """What igraph asks a generator for, drawn from numpy's."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def random(self) -> float:
        return float(self._rng.random())

    def randint(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high, endpoint=True))

    def gauss(self, mean: float, deviation: float) -> float:
        return float(self._rng.normal(mean, deviation))

    def getrandbits(self, n: int) -> int:
        return int.from_bytes(self._rng.bytes(-(-n // 8)), "little") >> (-n % 8)


@contextmanager
def igraph_draws_from(rng: np.random.Generator) -> Iterator[None]:
    """Let igraph draw from a generator; afterwards it draws from Python's again, as it does by default.

    Other threads that come here meanwhile wait.

    Examples
    --------
    >>> import igraph
    >>> def edges(seed):
    ...     with igraph_draws_from(np.random.default_rng(seed)):
    ...         return igraph.Graph.Erdos_Renyi(n=9, m=4).get_edgelist()
    >>> edges(0) == edges(0), edges(0) == edges(1)
    (True, False)
    """
    with _LOCK:
        igraph.set_random_number_generator(_Draws(rng))
        try:
            yield
        finally:
            igraph.set_random_number_generator(importlib.import_module("random"))  # which it cannot be asked for
