"""Path length: how many links lie between two neurons, on average."""

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
    r"""Return the mean distance between two nodes.

    .. math:: L = \frac{1}{N (N - 1)} \sum_{i \neq j} d_{ij}

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
        Links are taken in both directions.
    pairs : {"component", "finite"}
        The pairs of nodes within the largest component; or, as the program of Zhang et al. has it, all pairs that a
        path joins, wherever they are.
    sample : int, optional
        Number of nodes from which paths are sought; if None, all nodes up to 20,000, and 256 of more.
    seed : int, numpy.random.Generator or None
        For the sample.

    Returns
    -------
    Estimate
        A float; its ``error`` is the standard error where nodes were sampled, else 0. Without links it is 0, as no
        two nodes are joined.

    Raises
    ------
    InvalidValueError
        For an unknown word, or a sample below 2.

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
