"""RA-L3: resource allocation over the paths of length three."""

from torch import Tensor


def ra_l3_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by RA-L3, as matrix products.

    .. math:: \text{RA-L3}(u, v) = \sum_{(z_1, z_2) \in L3} \frac{1}{\sqrt{d_{z_1} d_{z_2}}}

    The sum runs over the paths :math:`u - z_2 - z_1 - v` of length three between the output neuron :math:`u` and the
    input neuron :math:`v`; :math:`d_z` is the degree of :math:`z`. With the adjacency :math:`A` (rows outputs) and the
    degrees of outputs and inputs on the diagonals of :math:`D_r` and :math:`D_c`,

    .. math:: S = A D_c^{-1/2} A^T D_r^{-1/2} A

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
    Kovacs et al. (2019), "Network-based prediction of protein interactions", where it is the L3 score; Muscoloni et
    al. (2022), "Adaptive network automata modelling of complex networks".
    """
    n_out, n_in = adjacency.shape
    scaled = adjacency * adjacency.sum(dim=1, keepdim=True).clamp_(min=1).rsqrt_()
    by_input = adjacency.sum(dim=0).clamp_(min=1).rsqrt_()
    if n_out <= n_in:
        return ((adjacency * by_input) @ adjacency.T) @ scaled
    return (adjacency * by_input) @ (adjacency.T @ scaled)
