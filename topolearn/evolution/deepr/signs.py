"""The fixed sign of every cell of a layer, for methods that remove links whose sign would change."""

import torch
from torch import Tensor

from topolearn.sampling import RandomField


def link_signs(cells: Tensor, seed: int, layer: str) -> Tensor:
    """Return the sign of each cell of a layer, which the weight of a link in the cell has.

    The sign is a bit of the random field, so it is never stored, and is the same on any device and rank, and after a
    resume.

    Parameters
    ----------
    cells : Tensor of int64, any shape
        Flat positions in the adjacency, ``output * n_in + input``.
    seed : int
        Seed of the run.
    layer : str
        Name of the layer.

    Returns
    -------
    Tensor of int8, same shape
        1 or -1.

    References
    ----------
    Bellec et al. (2018), "Deep rewiring: training very sparse deep networks", ICLR.

    Examples
    --------
    >>> import torch
    >>> link_signs(torch.arange(6), seed=0, layer="hidden1").tolist()
    [-1, 1, 1, 1, 1, 1]
    """
    bits = RandomField(seed, layer, 0, "sign").bits(cells)
    return (1 - 2 * (bits & 1)).to(torch.int8)
