"""Null models: measures of random graphs with the same degrees."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch

from topolearn.checks import check_size, random_generator
from topolearn.diagnostics.reading import GraphLike, read_graph
from topolearn.generators.randomise import randomise

T = TypeVar("T")


def null_ensemble(
    graph: GraphLike,
    measure: Callable[[Any], T],
    n: int,
    *,
    seed: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
    draw: Callable[..., Any] = randomise,
) -> list[T]:
    """Return the values of a function on random graphs in which every neuron, or node, keeps its degree.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
    measure : callable
        Takes a graph and returns anything.
    n : int
        Number of random graphs, at least 1.
    seed : int, numpy.random.Generator or None
        Each random graph has its own stream, so that results do not depend on `n_jobs`.
    n_jobs : int, optional
        Number of random graphs to process at a time, on threads or as ``joblib.parallel_config`` sets; default the
        number of torch threads.
    draw : callable
        The null model: takes a graph and ``seed=``, and returns a random graph.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `graph` is not a graph, or `n` is not an integer of at least 1.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> null_ensemble(make("bsw", 40, 40, 0.1, seed=0), lambda g: g.n_links, 2, seed=0)
    [160, 160]
    """
    import joblib

    n, read = check_size("n", n), read_graph(graph)

    def measured(rng: np.random.Generator) -> T:
        return measure(draw(read, seed=rng))

    work = joblib.Parallel(n_jobs=n_jobs or torch.get_num_threads(), prefer="threads")
    of_nulls: list[T] = work(joblib.delayed(measured)(rng) for rng in random_generator(seed).spawn(n))
    return of_nulls
