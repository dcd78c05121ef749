"""Preferential attachment: nodes with many links are likelier to get more."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from topolearn.linkpred.baseline import Baseline, baseline_scores
from topolearn.linkpred.scoring import Scorable


def _rows(adjacency: sparse.csr_array, chosen: slice) -> NDArray[np.float64]:
    degrees = np.diff(adjacency.indptr).astype(np.float64)
    return np.outer(degrees[chosen], adjacency.sum(axis=0))


PREFERENTIAL_ATTACHMENT = Baseline("preferential_attachment", _rows, two_sides=True)


def preferential_attachment(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with the product of the degrees of their ends.

    .. math:: \text{PA}(u, v) = d_u d_v

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, of shape (n_out, n_in), or a one-mode graph of n nodes.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in) or (n, n)
        The scores in float64, 0 at links: a tensor if `graph` is one, else an array.

    References
    ----------
    Barabasi, Albert (1999), "Emergence of scaling in random networks"; Liben-Nowell, Kleinberg (2007), "The
    link-prediction problem for social networks".

    Examples
    --------
    >>> preferential_attachment(np.array([[1, 1], [1, 0]]))[1, 1]
    np.float64(1.0)
    """
    return baseline_scores(graph, PREFERENTIAL_ATTACHMENT)
