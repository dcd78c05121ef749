"""CH3-L3n: the node-based Cannistraci-Hebb score that fears external links only."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + external).reciprocal()


CH3_L3N = LinkPredictor("ch3_l3n", per="neuron", weight=_weight)


def ch3_l3n(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3-L3n.

    .. math:: \text{CH3-L3n}(u, v) = \sum_{z \in L3} \frac{1}{de^*_z}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`de^*_z` is one plus its links to neurons that do not,
    :math:`u` and :math:`v` not counted.

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
    Zhang et al., eq. 4; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch3_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(2.0)
    """
    return scores_of(graph, CH3_L3N)
