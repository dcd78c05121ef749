"""RA-L3: resource allocation over the paths of length three."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return degree.rsqrt().expand_as(internal).clone()


def _products(adjacency: Tensor) -> Tensor:
    """Return A Dc^-1/2 A^T Dr^-1/2 A, where Dr and Dc are diagonal with the degrees of outputs and inputs."""
    n_out, n_in = adjacency.shape[-2:]
    scaled = adjacency * adjacency.sum(dim=-1, keepdim=True).clamp_(min=1).rsqrt_()
    by_input = adjacency * adjacency.sum(dim=-2, keepdim=True).clamp_(min=1).rsqrt_()
    if n_out <= n_in:
        return (by_input @ adjacency.mT) @ scaled
    return by_input @ (adjacency.mT @ scaled)


RA_L3 = LinkPredictor("ra_l3", per="path", weight=_weight, products=_products)


def ra_l3(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with RA-L3.

    .. math:: \text{RA-L3}(u, v) = \sum_{(z_1, z_2) \in L3} \frac{1}{\sqrt{d_{z_1} d_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`d_z` is the degree of :math:`z`.

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
    Kovacs et al. (2019), "Network-based prediction of protein interactions", which introduces it as the L3 score;
    Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ra_l3(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(0.5)
    """
    return scores_of(graph, RA_L3)
