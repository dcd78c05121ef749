"""CH1-L3: the path-based Cannistraci-Hebb score with internal links over all links."""

from torch import Tensor

from topolearn.linkpred.path_based import path_based


def ch1_l3_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH1-L3, as batched matrix products.

    .. math:: \text{CH1-L3}(u, v) = \sum_{(z_1, z_2) \in L3} \sqrt{\frac{di_{z_1} di_{z_2}}{d_{z_1} d_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`d_z` is the degree of :math:`z`, :math:`di_z` its links to other neurons on these
    paths (at least one, and no one is added, as in the program of the authors).

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
    return (shared / degree.clamp(min=1)).sqrt_()
