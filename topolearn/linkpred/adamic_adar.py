"""Adamic-Adar: shared neighbours, those with few links before those with many."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from topolearn.linkpred.baseline import Baseline, baseline_scores, shared_neighbours
from topolearn.linkpred.scoring import Scorable


def _weight(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / np.log(np.maximum(degrees, 2))  # whoever is shared has two links or more


ADAMIC_ADAR = Baseline("adamic_adar", shared_neighbours(_weight))


def adamic_adar(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links by the index of Adamic and Adar.

    .. math:: \text{AA}(u, v) = \sum_{z \in N(u) \cap N(v)} \frac{1}{\log d_z}

    Parameters
    ----------
    graph : Graph, or a networkx or igraph graph
        With one kind of node.

    Returns
    -------
    numpy.ndarray, shape (n, n)
        The scores in float64, 0 at links.

    Raises
    ------
    InvalidValueError
        For a graph with two sides, where non-links share no neighbour.

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
