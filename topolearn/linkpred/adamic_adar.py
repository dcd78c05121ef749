"""Adamic-Adar: shared neighbours, weighted by their degree so that those with few links count more."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from topolearn.linkpred.baseline import Baseline, baseline_scores, shared_neighbours
from topolearn.linkpred.scoring import Scorable


def _weight(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / np.log(np.maximum(degrees, 2))  # a shared neighbour has at least two links


ADAMIC_ADAR = Baseline("adamic_adar", shared_neighbours(_weight))


def adamic_adar(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with the Adamic-Adar index.

    .. math:: \text{AA}(u, v) = \sum_{z \in N(u) \cap N(v)} \frac{1}{\log d_z}

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
    Adamic, Adar (2003), "Friends and neighbors on the web"; Liben-Nowell, Kleinberg (2007), "The link-prediction
    problem for social networks".

    Examples
    --------
    >>> import networkx as nx
    >>> adamic_adar(nx.path_graph(3))[0, 2].round(6)
    np.float64(1.442695)
    """
    return baseline_scores(graph, ADAMIC_ADAR)
