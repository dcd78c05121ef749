"""Closeness: how close a neuron is to all others."""

import numpy as np

from topolearn.diagnostics.distances import distances
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike


def closeness(graph: GraphLike, *, sample: int | None = None, seed: int | np.random.Generator | None = 0) -> Estimate:
    r"""Return the mean harmonic closeness of the nodes, the sum of the inverse distances to all others.

    .. math:: C = \frac{1}{N} \sum_i \sum_{j \neq i} \frac{1}{d_{ij}}

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
        In [0, N - 1]; its ``error`` is the standard error if nodes were sampled, else 0.

    References
    ----------
    Opsahl, Agneessens, Skvoretz (2010), "Node centrality in weighted networks", Social Networks 32.

    Examples
    --------
    >>> import numpy as np
    >>> closeness(np.array([[1, 0], [0, 1]]))
    1.0
    """
    lengths = distances(graph, sample=sample, seed=seed)
    return lengths.mean(lengths.inverse)
