"""CH2-L3n: the node-based Cannistraci-Hebb score with internal and external links of the local community (eq. 5)."""

from torch import Tensor


def ch2_l3n_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH2-L3n, as matrix products.

    .. math:: \text{CH2-L3n}(u, v) = \sum_{z \in L3} \frac{di^*_z}{de^*_z}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`di^*_z` is one plus its links to other such neurons,
    :math:`de^*_z` one plus its links to neurons outside, :math:`u` and :math:`v` not counted. In a bipartite graph
    with adjacency :math:`A` (rows outputs) and :math:`D = A A^T`, an output :math:`z` has
    :math:`di^*_z = 1 + D_{uz}` and :math:`de^*_z = d_z - D_{uz}`, and an input :math:`z` likewise with
    :math:`A^T A`, so that the whole is

    .. math:: S = P(A) A + (P(A^T) A^T)^T, \quad
              P(A)_{uz} = [D_{uz} > 0] \frac{1 + D_{uz}}{\max(d_z - D_{uz}, 1)}

    No approximation is involved; the maximum only guards entries that meet no non-link.

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
    Zhang et al., eq. 5; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".
    """
    by_outputs = _community_ratio(adjacency) @ adjacency
    by_inputs = _community_ratio(adjacency.T) @ adjacency.T
    return by_outputs.add_(by_inputs.T)


def _community_ratio(adjacency: Tensor) -> Tensor:
    """Return P(A): for each seed (row) and each other row z, z's di* / de*, 0 where they share no neighbour."""
    shared = adjacency @ adjacency.T
    external = (adjacency.sum(dim=1) - shared).clamp_(min=1)
    return (shared + 1).div_(external).mul_(shared > 0)
