"""CH3-L3p: the path-based Cannistraci-Hebb score that fears external links only."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + external).rsqrt()


CH3_L3P = LinkPredictor("ch3_l3p", per="path", weight=_weight)


def ch3_l3p(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3-L3p.

    .. math:: \text{CH3-L3p}(u, v) = \sum_{(z_1, z_2) \in L3} \frac{1}{\sqrt{de^*_{z_1} de^*_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`de^*_z` is one plus the links of :math:`z` to neurons on none of these paths,
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
    Zhang et al., eq. 3; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch3_l3p(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(1.0)
    """
    return scores_of(graph, CH3_L3P)
