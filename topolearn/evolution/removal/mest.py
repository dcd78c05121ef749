"""MEST: weight plus gradient magnitude of a link."""

from torch import Tensor

from topolearn.evolution.removal.score import in_full
from topolearn.evolution.step.links import LayerLinks


def weight_and_gradient(links: LayerLinks, gradient_weight: float) -> Tensor:
    r"""Return :math:`|w| + \lambda |\partial L / \partial w|` of each link.

    A link with a small weight but a large gradient is still changing, and is kept. The gradient is that of the
    optimizer step before the update: accumulated, averaged over ranks, and without the scale of a ``GradScaler``.

    Parameters
    ----------
    links : LayerLinks
        The links with their gradient.
    gradient_weight : float
        :math:`\lambda`.

    References
    ----------
    Yuan et al. (2021), "MEST: accurate and fast memory-economic sparse training framework on the edge", NeurIPS.

    Examples
    --------
    >>> import torch
    >>> w, mask = torch.tensor([[0.5, -1.0]]), torch.tensor([[True, True]])
    >>> weight_and_gradient(LayerLinks.of(w, mask, gradient=torch.tensor([[-60.0, 0.0]])), 0.01)
    tensor([1.1000, 1.0000])
    """
    assert links.gradient is not None
    return in_full(links.values).abs() + gradient_weight * in_full(links.gradient).abs()
