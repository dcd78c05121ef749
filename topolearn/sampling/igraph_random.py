"""igraph's random state, which is global: set for a while, and given back."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.Lock()  # the state is one for all threads: each has to wait for the others' draws


@contextmanager
def igraph_draws_from(rng: np.random.Generator) -> Iterator[None]:
    """Let igraph draw from a generator of its own, seeded by this one; afterwards from Python's, as by default.

    It is one of Python's, which igraph calls fast: Leiden's algorithm draws for every node. Other threads that come
    here meanwhile wait.

    Examples
    --------
    >>> import igraph
    >>> def edges(seed):
    ...     with igraph_draws_from(np.random.default_rng(seed)):
    ...         return igraph.Graph.Erdos_Renyi(n=9, m=4).get_edgelist()
    >>> edges(0) == edges(0), edges(0) == edges(1)
    (True, False)
    """
    import igraph

    default = importlib.import_module("random")  # which igraph cannot be asked for
    with _LOCK:
        igraph.set_random_number_generator(default.Random(int(rng.integers(2**63))))
        try:
            yield
        finally:
            igraph.set_random_number_generator(default)
