"""CH3.1-L3n: the node-based score that weighs external links by an exponent of their own."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + internal) / (1 + external).pow(1 + external / (1 + external))


CH31_L3N = LinkPredictor("ch31_l3n", per="neuron", weight=_weight)


def ch31_l3n(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3.1-L3n.

    .. math:: \text{CH3.1-L3n}(u, v) = \sum_{z \in L3} \frac{1 + di_z}{(1 + de_z)^{1 + de_z / (1 + de_z)}}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`di_z` is its links to other such neurons, :math:`de_z` its links
    to neurons outside, :math:`u` and :math:`v` not counted. The exponent grows from 1 (no external link) towards 2.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, of shape (n_out, n_in), or a one-mode graph of n nodes.

    Returns
    -------
    numpy.ndarray or Tensor, shape (n_out, n_in) or (n, n)
        The scores in float64, 0 at links: a tensor for a tensor, an array for anything else.

    References
    ----------
    The program of Zhang et al. for large language models, the only place where it is defined.

    Examples
    --------
    >>> ch31_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(4.0)
    """
    return scores_of(graph, CH31_L3N)
