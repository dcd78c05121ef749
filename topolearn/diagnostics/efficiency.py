"""Efficiency: how close neurons are to each other, with unconnected pairs at infinite distance."""

import numpy as np

from topolearn.diagnostics.distances import distances
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike


def efficiency(graph: GraphLike, *, sample: int | None = None, seed: int | np.random.Generator | None = 0) -> Estimate:
    r"""Return the mean inverse distance between nodes (global efficiency).

    .. math:: E = \frac{1}{N (N - 1)} \sum_{i \neq j} \frac{1}{d_{ij}}

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
        Links count in both directions.
    sample : int, optional
        Number of source nodes to search from; default all nodes of a graph of up to 20,000, else 256.
    seed : int, numpy.random.Generator or None
        For the sample.

    Returns
    -------
    Estimate
        In [0, 1]; its ``error`` is the standard error if nodes were sampled, else 0.

    References
    ----------
    Latora, Marchiori (2001), "Efficient behavior of small-world networks", Physical Review Letters 87.

    Examples
    --------
    >>> import numpy as np
    >>> efficiency(np.array([[1, 0], [0, 1]]))
    0.3333333333333333
    """
    lengths = distances(graph, sample=sample, seed=seed)
    return lengths.mean(lengths.inverse / (lengths.n_nodes - 1))
