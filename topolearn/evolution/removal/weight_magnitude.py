"""WM: the absolute weight of a link."""

from torch import Tensor

from topolearn.evolution.removal.score import in_full, on_matrix
from topolearn.evolution.step.links import LayerLinks


def weight_magnitude(w: Tensor, mask: Tensor) -> Tensor:
    r"""Return :math:`|W_{ij}|` on the links of a layer, and 0 elsewhere (WM).

    Parameters
    ----------
    w : Tensor, shape (n_out, n_in)
    mask : Tensor of bool, shape (n_out, n_in)
        Where the links are.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the mask is not bool or not of the weight's shape, or a weight on a link is not finite.

    References
    ----------
    Mocanu et al. (2018), for SET; Zhang et al., eq. 2 with alpha = 1.

    Examples
    --------
    >>> import torch
    >>> w = torch.tensor([[-2.0, 0.0], [1.0, 3.0]])
    >>> weight_magnitude(w, w != 0)
    tensor([[2., 0.],
            [1., 3.]])
    """
    return on_matrix(magnitude, w, mask)


def magnitude(links: LayerLinks) -> Tensor:
    """Return the absolute weight of each link."""
    return in_full(links.values).abs()
