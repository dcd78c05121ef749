"""CH2-L3p: the path-based Cannistraci-Hebb score with internal and external links of the local community."""

from torch import Tensor

from topolearn.linkpred.node_based import external
from topolearn.linkpred.path_based import path_based


def ch2_l3p_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH2-L3p, as batched matrix products.

    .. math:: \text{CH2-L3p}(u, v) = \sum_{(z_1, z_2) \in L3}
              \sqrt{\frac{di^*_{z_1} di^*_{z_2}}{de^*_{z_1} de^*_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`di^*_z` is one plus the links of :math:`z` to other neurons on these paths,
    :math:`de^*_z` one plus its links to neurons on none, :math:`u` and :math:`v` not counted.

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
    Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".
    """
    return path_based(adjacency, _weight)


def _weight(degree: Tensor, shared: Tensor) -> Tensor:
    return (shared + 1).div_(external(degree, shared)).sqrt_()
