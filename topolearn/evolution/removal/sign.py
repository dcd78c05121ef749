"""The sign test: a link stays while its weight has the sign of its cell."""

from torch import Tensor

from topolearn.evolution.step.links import LayerLinks


def keeps_sign(links: LayerLinks) -> Tensor:
    r"""Return 1 for each link with :math:`s w \ge 0`, where s is its fixed sign, and 0 for links to remove.

    A link that has just grown has weight 0 and stays.

    References
    ----------
    Bellec et al. (2018), "Deep rewiring: training very sparse deep networks", ICLR: :math:`\theta < 0` is dormant.

    Examples
    --------
    >>> import torch
    >>> cells, signs = torch.arange(3), torch.tensor([1, 1, -1], dtype=torch.int8)
    >>> keeps_sign(LayerLinks(cells, torch.tensor([0.5, -0.5, 0.0]), (1, 3), signs=signs))
    tensor([1., 0., 1.])
    """
    assert links.signs is not None
    return (links.values * links.signs >= 0).to(links.values.dtype)
