"""CH1-L3: the path-based Cannistraci-Hebb score with internal links over all links."""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (internal / degree).sqrt()


CH1_L3 = LinkPredictor("ch1_l3", per="path", weight=_weight)


def ch1_l3(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links by CH1-L3.

    .. math:: \text{CH1-L3}(u, v) = \sum_{(z_1, z_2) \in L3} \sqrt{\frac{di_{z_1} di_{z_2}}{d_{z_1} d_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`d_z` is the degree of :math:`z`, :math:`di_z` its links to other neurons on these
    paths (at least one, and no one is added, as in the program of the authors).

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
    Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch1_l3(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(0.5)
    """
    return scores_of(graph, CH1_L3)
