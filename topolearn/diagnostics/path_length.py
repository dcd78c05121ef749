"""Path length: the mean number of links between two neurons."""

import numpy as np

from topolearn.diagnostics.distances import distances
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike
from topolearn.errors import InvalidValueError

PAIRS = ("component", "finite")


def path_length(
    graph: GraphLike,
    *,
    pairs: str = "component",
    sample: int | None = None,
    seed: int | np.random.Generator | None = 0,
) -> Estimate:
    r"""Return the mean distance between nodes.

    .. math:: L = \frac{1}{N (N - 1)} \sum_{i \neq j} d_{ij}

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
        Links count in both directions.
    pairs : {"component", "finite"}
        The pairs of nodes within the largest component, or, as in the code of Zhang et al., all connected pairs.
    sample : int, optional
        Number of source nodes to search from; default all nodes of a graph of up to 20,000, else 256.
    seed : int, numpy.random.Generator or None
        For the sample.

    Returns
    -------
    Estimate
        A float; its ``error`` is the standard error if nodes were sampled, else 0. It is 0 for a graph without links.

    Raises
    ------
    InvalidValueError
        For another value of `pairs`, or a sample below 2.

    References
    ----------
    Watts, Strogatz (1998), "Collective dynamics of 'small-world' networks", Nature 393.

    Examples
    --------
    >>> import numpy as np
    >>> path_length(np.array([[1, 0], [1, 1]]))
    1.6666666666666667
    """
    if pairs not in PAIRS:
        raise InvalidValueError(f"pairs={pairs!r} must be one of {', '.join(map(repr, PAIRS))}")
    lengths = distances(graph, within="component" if pairs == "component" else "all", sample=sample, seed=seed)
    if not lengths.reached.any():
        return Estimate(0.0)
    return lengths.ratio(lengths.total, lengths.reached)
