"""CH2-L3n: the node-based Cannistraci-Hebb score with internal and external links of the local community (eq. 5)."""

from torch import Tensor

from topolearn.linkpred.node_based import external, node_based


def ch2_l3n_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH2-L3n, as matrix products.

    .. math:: \text{CH2-L3n}(u, v) = \sum_{z \in L3} \frac{di^*_z}{de^*_z}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`di^*_z` is one plus its links to other such neurons,
    :math:`de^*_z` one plus its links to neurons outside, :math:`u` and :math:`v` not counted.

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
    return node_based(adjacency, _weight)


def _weight(degree: Tensor, shared: Tensor) -> Tensor:
    return (shared + 1).div_(external(degree, shared))
