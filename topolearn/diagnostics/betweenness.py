"""Betweenness: how many shortest paths pass through a neuron."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.distances import EXACT, distances
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike, neighbours
from topolearn.errors import InvalidValueError


def betweenness(graph: GraphLike, *, sample: int | None = None, seed: int | np.random.Generator | None = 0) -> Estimate:
    r"""Return the mean betweenness of the nodes; each pair counts in both directions.

    .. math:: B = \frac{1}{N} \sum_k \sum_{i \neq k \neq j} \frac{\sigma_{ij}(k)}{\sigma_{ij}}
                = \frac{1}{N} \sum_{i \neq j} (d_{ij} - 1)

    with :math:`\sigma_{ij}` the number of shortest paths from i to j, and :math:`\sigma_{ij}(k)` of those through k. A
    shortest path of length d has d - 1 inner nodes, so the sum over k requires only distances. Unconnected pairs
    contribute nothing.

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
        Its ``error`` is the standard error if nodes were sampled, else 0.

    References
    ----------
    Freeman (1977), "A set of measures of centrality based on betweenness", Sociometry 40.

    Examples
    --------
    >>> import numpy as np
    >>> betweenness(np.array([[1, 0], [1, 1]]))
    2.0
    """
    lengths = distances(graph, sample=sample, seed=seed)
    return lengths.mean(lengths.total - lengths.reached)


def betweenness_centrality(graph: GraphLike) -> NDArray[np.float64]:
    """Return the betweenness of each node, inputs first; each pair counts in both directions (uses igraph).

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
        With up to 20,000 nodes.

    Raises
    ------
    InvalidValueError
        For a larger graph, since the time grows with nodes times links; use `betweenness`, which samples.

    References
    ----------
    Brandes (2001), "A faster algorithm for betweenness centrality", Journal of Mathematical Sociology 25.

    Examples
    --------
    >>> import numpy as np
    >>> betweenness_centrality(np.array([[1, 0], [1, 1]]))
    array([4., 0., 0., 4.])
    """
    seen = neighbours(graph)
    if seen.n_nodes > EXACT:
        raise InvalidValueError(
            f"a graph of {seen.n_nodes} nodes is too large for the betweenness of each node (limit {EXACT}): use "
            "betweenness(), which estimates the mean from a sample"
        )
    return 2 * np.array(seen.to_igraph().betweenness())
