"""Langevin dynamics of links with a sign: what DeepR adds to every step of the optimizer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from topolearn.sampling import RandomField


def langevin_step(
    values: Tensor, cells: Tensor, signs: Tensor, rate: float | Tensor, l1: float, noise: float, field: RandomField
) -> Tensor:
    r"""Return the weights of links after the Langevin step that follows an optimizer step.

    .. math:: w \leftarrow w - \eta \alpha s + \sqrt{2 \eta T} \, \xi, \quad \xi \sim N(0, 1)

    With :math:`w = s \theta` this is the step of the paper for :math:`\theta`, except that the optimizer applies the
    gradient; :math:`\xi` and :math:`s \xi` have the same distribution.

    Parameters
    ----------
    values : Tensor, shape (n_links,)
        Weights after the optimizer's step.
    cells : Tensor of int64, shape (n_links,)
        The links as flat positions.
    signs : Tensor, shape (n_links,)
        :math:`s` of each link, 1 or -1.
    rate : float or Tensor
        :math:`\eta`, the learning rate of the optimizer step; a scalar tensor is not read by the host.
    l1 : float
        :math:`\alpha`.
    noise : float
        :math:`T`, the temperature.
    field : RandomField
        The random field of the layer, the step and the purpose.

    References
    ----------
    Bellec et al. (2018), "Deep rewiring: training very sparse deep networks", ICLR, algorithm 1.

    Examples
    --------
    >>> w, cells, signs = torch.tensor([0.5, -0.5]), torch.tensor([0, 1]), torch.tensor([1, -1])
    >>> langevin_step(w, cells, signs, rate=0.1, l1=1.0, noise=0.0, field=RandomField(0))
    tensor([ 0.4000, -0.4000])
    """
    moved = values.to(torch.float64, copy=True)
    if isinstance(rate, Tensor):
        moved.sub_(signs * (rate * l1))
        if noise:
            moved.add_(field.normal(cells) * (2 * rate * noise).sqrt())
        return moved.to(values.dtype)
    moved.sub_(signs, alpha=rate * l1)
    if noise:
        moved.add_(field.normal(cells), alpha=math.sqrt(2 * rate * noise))
    return moved.to(values.dtype)
