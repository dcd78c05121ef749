r"""The Cannistraci-Hebb (CH) scores: sums over the paths of length three between the ends of a non-link.

The ends of a non-link (u, v) are joined by paths :math:`u - z_2 - z_1 - v` of length three, L3. In a layer, u and
:math:`z_1` are output neurons, v and :math:`z_2` input neurons. The neurons on these paths form the local community of
u and v. For each member z,

- :math:`d_z` is its degree,
- :math:`di_z` is the number of its internal links, to other members,
- :math:`de_z` is the number of its external links, to neurons outside, without u and v,

and a star adds one: :math:`di^*_z = 1 + di_z`, :math:`de^*_z = 1 + de_z`. Path-based scores (p) sum over the paths,
node-based scores (n) over the members. Each weight below is the contribution of one member: a term of a node-based sum,
or a factor of a path-based one.

References
----------
Zhang et al., eq. 3 to 5; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".
"""

import numpy as np
from torch import Tensor

from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.scoring import Scorable, scores_of


def _ch3_l3p_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + external).rsqrt()


CH3_L3P = LinkPredictor("ch3_l3p", per="path", weight=_ch3_l3p_weight)


def ch3_l3p(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH3-L3p (eq. 3): paths whose members have few external links.

    .. math:: \text{CH3-L3p}(u, v) = \sum_{(z_1, z_2) \in L3} \frac{1}{\sqrt{de^*_{z_1} de^*_{z_2}}}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols.

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
    Zhang et al., eq. 3; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch3_l3p(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(1.0)
    """
    return scores_of(graph, CH3_L3P)


def _ch3_l3n_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + external).reciprocal()


CH3_L3N = LinkPredictor("ch3_l3n", per="neuron", weight=_ch3_l3n_weight)


def ch3_l3n(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH3-L3n (eq. 4): members with few external links.

    .. math:: \text{CH3-L3n}(u, v) = \sum_{z \in L3} \frac{1}{de^*_z}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols.

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
    Zhang et al., eq. 4; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch3_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(2.0)
    """
    return scores_of(graph, CH3_L3N)


def _ch2_l3n_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + internal) / (1 + external)


CH2_L3N = LinkPredictor("ch2_l3n", per="neuron", weight=_ch2_l3n_weight)


def ch2_l3n(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH2-L3n (eq. 5): internal over external links of the members.

    .. math:: \text{CH2-L3n}(u, v) = \sum_{z \in L3} \frac{di^*_z}{de^*_z}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols.

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
    Zhang et al., eq. 5; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch2_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(4.0)
    """
    return scores_of(graph, CH2_L3N)


def _ch2_l3p_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return ((1 + internal) / (1 + external)).sqrt()


CH2_L3P = LinkPredictor("ch2_l3p", per="path", weight=_ch2_l3p_weight)


def ch2_l3p(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH2-L3p: internal over external links of the members of each path.

    .. math:: \text{CH2-L3p}(u, v) = \sum_{(z_1, z_2) \in L3}
              \sqrt{\frac{di^*_{z_1} di^*_{z_2}}{de^*_{z_1} de^*_{z_2}}}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols.

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
    Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch2_l3p(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(2.0)
    """
    return scores_of(graph, CH2_L3P)


def _ch31_l3n_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (1 + internal) / (1 + external).pow(1 + external / (1 + external))


CH31_L3N = LinkPredictor("ch31_l3n", per="neuron", weight=_ch31_l3n_weight)


def ch31_l3n(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH3.1-L3n: like CH2-L3n, but with external links to a higher power.

    .. math:: \text{CH3.1-L3n}(u, v) = \sum_{z \in L3} \frac{1 + di_z}{(1 + de_z)^{1 + de_z / (1 + de_z)}}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols. The exponent grows from 1 (no external link)
    to 2 in the limit.

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
    The code of Zhang et al. for large language models, the only place where it is defined.

    Examples
    --------
    >>> ch31_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(4.0)
    """
    return scores_of(graph, CH31_L3N)


def _ch1_l3_weight(degree: Tensor, internal: Tensor, external: Tensor) -> Tensor:
    return (internal / degree).sqrt()


CH1_L3 = LinkPredictor("ch1_l3", per="path", weight=_ch1_l3_weight)


def ch1_l3(graph: Scorable) -> np.ndarray | Tensor:
    r"""Score all non-links with CH1-L3: internal links over all links of the members of each path.

    .. math:: \text{CH1-L3}(u, v) = \sum_{(z_1, z_2) \in L3} \sqrt{\frac{di_{z_1} di_{z_2}}{d_{z_1} d_{z_2}}}

    `topolearn.linkpred.cannistraci_hebb` defines the symbols. Every member has at least one internal link,
    so no star is needed, as in the code of the authors.

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
    Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".

    Examples
    --------
    >>> ch1_l3(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(0.5)
    """
    return scores_of(graph, CH1_L3)
