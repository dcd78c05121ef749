"""Common neighbours: the number of nodes linked to both ends."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.baseline import Baseline, baseline_scores, shared_neighbours
from topolearn.linkpred.scoring import Scorable

COMMON_NEIGHBOURS = Baseline("common_neighbours", shared_neighbours(np.ones_like))


def common_neighbours(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with the number of neighbours that both ends share.

    .. math:: \text{CN}(u, v) = |N(u) \cap N(v)|

    Parameters
    ----------
    graph : Graph, or a networkx or igraph graph
        A graph with one kind of node.

    Returns
    -------
    numpy.ndarray, shape (n, n)
        The scores in float64, 0 at links.

    Raises
    ------
    InvalidValueError
        For a graph with two sides, in which the ends of a non-link share no neighbour.

    References
    ----------
    Liben-Nowell, Kleinberg (2007), "The link-prediction problem for social networks".

    Examples
    --------
    >>> import networkx as nx
    >>> common_neighbours(nx.path_graph(3))[0, 2]
    np.float64(1.0)
    """
    return baseline_scores(graph, COMMON_NEIGHBOURS)
