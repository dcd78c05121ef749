"""The dense form of the node-based predictors: each neuron of the local community counts once."""

import torch
from torch import Tensor

from topolearn.linkpred.predictor import Weight

BLOCK = 2**24  # elements of one block of shared neighbours
SIDE_BLOCKS = 4  # per side, so that each pair is counted once, except within a block
LEAST = 256  # rows of such a block


def node_based(adjacency: Tensor, weight: Weight, *, block: int = BLOCK) -> Tensor:
    r"""Score every cell from the neurons of its local community, with matrix products.

    A node-based score sums a weight :math:`w(d_z, x, d_z - x - 1)` over the neurons :math:`z` of the local community,
    where :math:`d_z` is the degree of :math:`z` and :math:`x` its number of links to other members; one more link
    leads to u or v (a seed). With the adjacency :math:`A` (rows are outputs), an output :math:`z` on a path from
    :math:`u` has :math:`x = (A A^T)_{uz}`, because every neighbour it shares with :math:`u` is on a path; similarly, an
    input :math:`z` has :math:`x = (A^T A)_{vz}`. Hence

    .. math:: S = P(A) A + (P(A^T) A^T)^T, \quad P(A)_{uz} = [D_{uz} > 0]\, w(d_z, D_{uz}, \cdot), \quad D = A A^T

    which is exact at every non-link. The products are computed in blocks of rows, so that at most `block` elements of
    :math:`P`, or one row of it, are in memory in addition to the scores. As :math:`D` is symmetric, each block is
    multiplied only with itself and the blocks before it, and the result serves both directions.

    Parameters
    ----------
    adjacency : Tensor of a floating dtype, shape (n_layers, n_out, n_in)
        1 at links, 0 elsewhere.
    weight : callable
        As in `topolearn.linkpred.predictor.LinkPredictor`.
    block : int
        Number of elements of a block.

    Returns
    -------
    Tensor, shape (n_layers, n_out, n_in)
        The scores; values at links have no meaning.
    """
    scores = torch.zeros_like(adjacency, memory_format=torch.contiguous_format)
    _add_rows(scores, adjacency, weight, block)
    _add_rows(scores.mT, adjacency.mT, weight, block)
    return scores


def _add_rows(scores: Tensor, adjacency: Tensor, weight: Weight, block: int) -> None:
    """Add ``P(A) A``: the weights of the row neurons of each local community."""
    n_layers, n_rows, _ = adjacency.shape
    degrees = adjacency.sum(dim=2)
    width = max(n_layers * n_rows, block // max(LEAST, -(-n_rows // SIDE_BLOCKS)))
    for rows in blocks(n_rows, width, block):
        before, so_far = slice(0, rows.start), slice(0, rows.stop)
        shared = adjacency[:, rows] @ adjacency[:, so_far].mT
        if rows.start:
            weights = _weights(shared[:, :, before].mT, degrees[:, rows], weight)
            scores[:, before].baddbmm_(weights, adjacency[:, rows])
        scores[:, rows].baddbmm_(_weights(shared, degrees[:, so_far], weight), adjacency[:, so_far])


def _weights(shared: Tensor, degrees: Tensor, weight: Weight) -> Tensor:
    """Return a block of P: the weight of each neuron (column) for each seed of its side (row), 0 if they share none."""
    return weigh(degrees[:, None, :], shared, weight).mul_(shared.clamp(max=1))


def weigh(degree: Tensor, shared: Tensor, weight: Weight) -> Tensor:
    """Return the weight of members, from their degree and the number of neighbours they share with a seed.

    One link of a member leads to the seed on the other side. The bounds only affect entries of no non-link.
    """
    degree = degree.clamp(min=1)
    return weight(degree, shared, (degree - 1 - shared).clamp_(min=0))


def blocks(n: int, width: int, block: int) -> list[slice]:
    """Return slices that cut n rows of a given width into blocks of about ``block`` elements, but at least one row.

    Examples
    --------
    >>> blocks(5, 10, 20)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(block // width, 1)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
