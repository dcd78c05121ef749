"""The dense form shared by the node-based predictors: each neuron of the local community counts once."""

from collections.abc import Callable

import torch
from torch import Tensor

Weight = Callable[[Tensor, Tensor], Tensor]
BLOCK = 2**25  # elements of one block of shared neighbours


def node_based(adjacency: Tensor, weight: Weight, *, block: int = BLOCK) -> Tensor:
    r"""Score every cell of one layer by the neurons of its local community, as matrix products.

    A node-based score sums a weight :math:`w(d_z, x)` over the neurons :math:`z` of the local community, where
    :math:`d_z` is the degree of :math:`z` and :math:`x` its number of links to other members. With the adjacency
    :math:`A` (rows outputs), an output :math:`z` on a path from :math:`u` has :math:`x = (A A^T)_{uz}`, because all
    that it shares with :math:`u` lies on a path; an input :math:`z` likewise has :math:`x = (A^T A)_{vz}`. Hence

    .. math:: S = P(A) A + (P(A^T) A^T)^T, \quad P(A)_{uz} = [D_{uz} > 0]\, w(d_z, D_{uz}), \quad D = A A^T

    which is exact at every non-link. The products go over blocks of rows, so that beside the scores no more than
    `block` elements of :math:`P` exist at a time, or one row of it.

    Parameters
    ----------
    adjacency : Tensor of a floating dtype, shape (n_out, n_in)
        1 at links, 0 elsewhere.
    weight : callable
        ``weight(degree, shared)`` of two tensors that broadcast; it must be finite for any counts.
    block : int
        Elements of a block.

    Returns
    -------
    Tensor, shape (n_out, n_in)
        The scores; values at links have no meaning.
    """
    scores = torch.empty_like(adjacency, memory_format=torch.contiguous_format)
    degrees = adjacency.sum(dim=1)
    for rows in blocks(adjacency.shape[0], adjacency.shape[0], block):
        scores[rows] = _weights(adjacency[rows] @ adjacency.T, degrees, weight) @ adjacency
    degrees = adjacency.sum(dim=0)
    for columns in blocks(adjacency.shape[1], adjacency.shape[1], block):
        part = _weights(adjacency.T[columns] @ adjacency, degrees, weight) @ adjacency.T
        scores[:, columns] += part.T
    return scores


def _weights(shared: Tensor, degrees: Tensor, weight: Weight) -> Tensor:
    """Return P: the weight of each other neuron of the side (column) for each seed (row), 0 where they share none."""
    return weight(degrees, shared).mul_(shared > 0)


def blocks(n: int, width: int, block: int) -> list[slice]:
    """Return slices that cut n rows of a width into blocks of about so many elements, one row at least.

    Examples
    --------
    >>> blocks(5, 10, 20)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(block // width, 1)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def external(degree: Tensor, shared: Tensor) -> Tensor:
    r"""Return :math:`de^*_z = d_z - x`: one plus the links that leave the local community, seeds not counted.

    The seed on the other side is a neighbour of z outside the count of shared ones, hence the one. At least 1; the
    bound only guards entries that meet no non-link.
    """
    return (degree - shared).clamp_(min=1)
