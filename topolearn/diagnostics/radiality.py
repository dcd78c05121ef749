"""Radiality: how much closer a neuron is to the others than the largest distance in the graph."""

import numpy as np

from topolearn.diagnostics.distances import distances
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike


def radiality(graph: GraphLike, *, sample: int | None = None, seed: int | np.random.Generator | None = 0) -> Estimate:
    r"""Return the mean radiality of the nodes.

    .. math:: R = \frac{1}{N} \sum_i \frac{1}{N - 1} \sum_{j \neq i} (D + 1 - d_{ij})

    with D the largest distance; nodes that are not connected to i contribute nothing. (In the code of Zhang et al. they
    contribute D + 1, more than a neighbour does.)

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
        Links count in both directions.
    sample : int, optional
        Number of source nodes to search from; default all nodes of a graph of up to 20,000, else 256. D is the
        largest distance from these nodes.
    seed : int, numpy.random.Generator or None
        For the sample.

    Returns
    -------
    Estimate
        Its ``error`` is the standard error, given D, if nodes were sampled, else 0.

    References
    ----------
    Valente, Foreman (1998), "Integration and radiality", Social Networks 20.

    Examples
    --------
    >>> import numpy as np
    >>> radiality(np.array([[1, 1], [1, 1]]))
    1.6666666666666667
    """
    lengths = distances(graph, sample=sample, seed=seed)
    nearer = (lengths.farthest.max() + 1) * lengths.reached - lengths.total
    return lengths.mean(nearer / (lengths.n_nodes - 1))
