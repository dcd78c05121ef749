"""Resource allocation: each shared neighbour distributes one unit among its links."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from topolearn.linkpred.baseline import Baseline, baseline_scores, shared_neighbours
from topolearn.linkpred.scoring import Scorable


def _weight(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / np.maximum(degrees, 1)  # the value for nodes without links is never used


RESOURCE_ALLOCATION = Baseline("resource_allocation", shared_neighbours(_weight))


def resource_allocation(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with resource allocation.

    .. math:: \text{RA}(u, v) = \sum_{z \in N(u) \cap N(v)} \frac{1}{d_z}

    Parameters
    ----------
    graph : Graph, or a networkx or igraph graph
        A graph with one kind of node; `ra_l3` is the counterpart for graphs with two sides.

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
    Zhou, Lu, Zhang (2009), "Predicting missing links via local information".

    Examples
    --------
    >>> import networkx as nx
    >>> resource_allocation(nx.path_graph(3))[0, 2]
    np.float64(0.5)
    """
    return baseline_scores(graph, RESOURCE_ALLOCATION)
