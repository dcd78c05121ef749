"""CH3.1-L3n: the node-based score that weighs external links by an exponent of their own."""

from torch import Tensor

from topolearn.linkpred.node_based import external, node_based


def ch31_l3n_dense(adjacency: Tensor) -> Tensor:
    r"""Score every cell of one layer by CH3.1-L3n, as matrix products.

    .. math:: \text{CH3.1-L3n}(u, v) = \sum_{z \in L3} \frac{1 + di_z}{(1 + de_z)^{1 + de_z / (1 + de_z)}}

    The sum runs once over each neuron :math:`z` that lies on a path of length three between the output neuron
    :math:`u` and the input neuron :math:`v`; :math:`di_z` is its links to other such neurons, :math:`de_z` its links
    to neurons outside, :math:`u` and :math:`v` not counted. The exponent grows from 1 (no external link) towards 2.

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
    The program of Zhang et al. for large language models, the only place where it is defined.
    """
    return node_based(adjacency, _weight)


def _weight(degree: Tensor, shared: Tensor) -> Tensor:
    outside = external(degree, shared)  # 1 + de
    return (shared + 1).div_(outside.pow(2 - outside.reciprocal()))
