"""How strongly a link is held: the scores by which links are kept, and the rest removed.

A removal score is a function of the weight and the mask of a layer, both of shape (n_out, n_in), and gives a tensor of
that shape which is 0 off the mask. Links with a low score are removed.
"""

from collections.abc import Callable

from torch import Tensor

from topolearn.registry import Registry


def weight_magnitude(weight: Tensor, mask: Tensor) -> Tensor:
    """Return the absolute weight of each link, 0 elsewhere (WM).

    Parameters
    ----------
    weight : Tensor, shape (n_out, n_in)
    mask : Tensor of bool, shape (n_out, n_in)

    References
    ----------
    Mocanu et al. (2018), for SET; Zhang et al., eq. 2 with alpha = 1.

    Examples
    --------
    >>> import torch
    >>> weight_magnitude(torch.tensor([[-2.0, 1.0]]), torch.tensor([[True, False]]))
    tensor([[2., 0.]])
    """
    return weight.detach().abs().masked_fill(~mask, 0)


REMOVAL_SCORES: Registry[Callable[[Tensor, Tensor], Tensor]] = Registry(
    "removal score", {"weight_magnitude": weight_magnitude}
)
