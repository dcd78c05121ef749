"""Setting igraph's global random state temporarily."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.Lock()  # all threads share the state, so they take turns


@contextmanager
def igraph_draws_from(rng: np.random.Generator) -> Iterator[None]:
    """Let igraph draw from a separate generator seeded by ``rng``, then restore its default, Python's ``random``.

    The separate generator is a ``random.Random``, which igraph calls quickly: the Leiden algorithm draws for every
    node. Other threads that enter meanwhile wait.

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

    default = importlib.import_module("random")  # igraph has no getter for its current generator
    with _LOCK:
        igraph.set_random_number_generator(default.Random(int(rng.integers(2**63))))
        try:
            yield
        finally:
            igraph.set_random_number_generator(default)
