"""What random graphs with the same degrees are like."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from topolearn.checks import random_generator
from topolearn.errors import InvalidValueError
from topolearn.generators import randomise
from topolearn.graph import BipartiteGraph

T = TypeVar("T")


def null_ensemble(
    graph: BipartiteGraph,
    measure: Callable[[BipartiteGraph], T],
    n: int,
    *,
    seed: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
) -> list[T]:
    """Return what a function says of random graphs in which every neuron keeps its number of links.

    Parameters
    ----------
    graph : BipartiteGraph
    measure : callable
        From a graph to anything.
    n : int
        Number of random graphs, at least 1.
    seed : int, numpy.random.Generator or None
        Each random graph has a stream of its own, so that results do not depend on `n_jobs`.
    n_jobs : int, optional
        Graphs at a time, on threads, or where ``joblib.parallel_config`` says; default as many as torch's threads.

    Raises
    ------
    InvalidValueError
        When `n` is below 1.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> null_ensemble(make("bsw", 40, 40, 0.1, seed=0), lambda g: g.n_links, 2, seed=0)
    [160, 160]
    """
    import joblib

    if n < 1:
        raise InvalidValueError(f"{n} null models are none: ask for 1 or more")

    def measured(rng: np.random.Generator) -> T:
        return measure(randomise(graph, seed=rng))

    work = joblib.Parallel(n_jobs=n_jobs or torch.get_num_threads(), prefer="threads")
    of_nulls: list[T] = work(joblib.delayed(measured)(rng) for rng in random_generator(seed).spawn(n))
    return of_nulls
