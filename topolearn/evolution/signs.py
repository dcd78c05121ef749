"""The sign that every cell of a layer has for good, for methods in which a link that would change its sign goes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import SparseLinear


def link_signs(cells: Tensor, seed: int, layer: str) -> Tensor:
    """Return the sign of each cell of a layer: that of its weight, if it is a link.

    It is a bit of the random field, so that nothing is stored: the same on any device and rank, and after a resume.

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


def check_signs(layers: Mapping[str, SparseLinear], seed: int) -> None:
    """Refuse layers with links of the wrong sign; those that are frozen stay as they are anyway.

    Raises
    ------
    InvalidValueError
    """
    for name, layer in layers.items():
        if not layer.link_parameter.requires_grad:
            continue
        n_wrong = int((layer.link_values() * link_signs(layer.cells(), seed, name) < 0).sum())
        if n_wrong:
            raise InvalidValueError(
                f"{n_wrong} of {layer.n_links} links of layer {name!r} have not the sign that seed={seed} gives them: "
                "sparsify the model with this method and the scheduler's seed; a training goes on from the state of "
                "its scheduler"
            )
