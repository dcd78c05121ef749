"""CH3-L3p: the path-based Cannistraci-Hebb score that fears external links only."""

from torch import Tensor

from topolearn.linkpred.node_based import external
from topolearn.linkpred.path_based import path_based


def ch3_l3p_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH3-L3p, as batched matrix products.

    .. math:: \text{CH3-L3p}(u, v) = \sum_{(z_1, z_2) \in L3} \frac{1}{\sqrt{de^*_{z_1} de^*_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`de^*_z` is one plus the links of :math:`z` to neurons on none of these paths,
    :math:`u` and :math:`v` not counted.

    Parameters
    ----------
    adjacency : Tensor of a floating dtype, shape (n_out, n_in)
        1 at links, 0 elsewhere.

    Returns
    -------
    Tensor, shape (n_out, n_in)
        The scores; values at links have no meaning.

    References
    ----------
    Zhang et al., eq. 3; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".
    """
    return path_based(adjacency, _weight)


def _weight(degree: Tensor, shared: Tensor) -> Tensor:
    return external(degree, shared).rsqrt_()
