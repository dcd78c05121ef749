"""How strongly a link is held: the scores by which links are kept, and the rest removed.

A removal score is a function of the values of a layer's links, and gives one score for each. Links with a low score
are removed.
"""

from collections.abc import Callable

from torch import Tensor

from topolearn.registry import Registry


def weight_magnitude(values: Tensor) -> Tensor:
    """Return the absolute weight of each link (WM).

    Parameters
    ----------
    values : Tensor, shape (n_links,)

    References
    ----------
    Mocanu et al. (2018), for SET; Zhang et al., eq. 2 with alpha = 1.

    Examples
    --------
    >>> import torch
    >>> weight_magnitude(torch.tensor([-2.0, 1.0]))
    tensor([2., 1.])
    """
    return values.abs()


REMOVAL_SCORES: Registry[Callable[[Tensor], Tensor]] = Registry("removal score", {"weight_magnitude": weight_magnitude})
