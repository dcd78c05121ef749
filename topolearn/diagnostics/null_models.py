"""What random graphs with the same degrees are like."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch

from topolearn.checks import random_generator
from topolearn.errors import InvalidValueError
from topolearn.generators.randomise import randomise
from topolearn.graph import BipartiteGraph, Graph

T = TypeVar("T")
G = TypeVar("G", bound=BipartiteGraph | Graph)


def null_ensemble(
    graph: G,
    measure: Callable[[G], T],
    n: int,
    *,
    seed: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
    draw: Callable[..., Any] = randomise,
) -> list[T]:
    """Return what a function says of random graphs in which every neuron, or node, keeps its number of links.

    Parameters
    ----------
    graph : BipartiteGraph or Graph
    measure : callable
        From a graph to anything.
    n : int
        Number of random graphs, at least 1.
    seed : int, numpy.random.Generator or None
        Each random graph has a stream of its own, so that results do not depend on `n_jobs`.
    n_jobs : int, optional
        Graphs at a time, on threads, or where ``joblib.parallel_config`` says; default as many as torch's threads.
    draw : callable
        The null model: from a graph and ``seed=`` to a random graph.

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
        return measure(draw(graph, seed=rng))

    work = joblib.Parallel(n_jobs=n_jobs or torch.get_num_threads(), prefer="threads")
    of_nulls: list[T] = work(joblib.delayed(measured)(rng) for rng in random_generator(seed).spawn(n))
    return of_nulls
