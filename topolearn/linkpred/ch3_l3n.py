"""CH3-L3n: the node-based Cannistraci-Hebb score that fears external links only."""

from torch import Tensor

from topolearn.linkpred.node_based import external, node_based


def ch3_l3n_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH3-L3n, as matrix products.

    .. math:: \text{CH3-L3n}(u, v) = \sum_{z \in L3} \frac{1}{de^*_z}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`de^*_z` is one plus its links to neurons that do not,
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
    Zhang et al., eq. 4; Muscoloni et al. (2022), "Adaptive network automata modelling of complex networks".
    """
    return node_based(adjacency, _weight)


def _weight(degree: Tensor, shared: Tensor) -> Tensor:
    return external(degree, shared).reciprocal_()
