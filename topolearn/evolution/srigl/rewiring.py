"""SRigL's update of a layer: all active neurons get the same number of links, and all others get none."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from topolearn.evolution.step.links import LayerLinks
from topolearn.graph import without
from topolearn.sampling import RandomField, top, top_in_rows
from topolearn.sparse import largest_in_rows, largest_recorded
from topolearn.whole import floor_of


def rewire_with_constant_fan_in(
    layer: LayerLinks,
    target: int,
    n_keep: int,
    field: RandomField,
    *,
    ablation: float | None = None,
    allow_return: bool = True,
) -> tuple[Tensor, Tensor]:
    r"""Return the links of a layer that an update keeps, and the links that it grows.

    1. The salient cells are the ``n_keep`` links with the largest :math:`|w|`, and as many other cells as links are
       removed: those with the largest :math:`|\partial L / \partial w|`. Links of weight 0 are never kept.
    2. A neuron with fewer than :math:`\max(1, \lfloor \gamma k \rfloor)` salient cells is ablated: it has no links
       after the update. :math:`k` is the fan-in before the update, :math:`\gamma` is ``ablation``. All other neurons
       are active, whether they were ablated before or not.
    3. The new fan-in is :math:`k' = \lfloor \text{target} / n_\text{active} \rfloor`.
    4. Of the links of active neurons, the ``n_keep`` with the largest :math:`|w|` are kept, but at most :math:`k'` per
       neuron.
    5. Each active neuron grows links where its gradient is largest, until it has :math:`k'` links.

    At least :math:`\lceil \text{target} / n_\text{in} \rceil` neurons stay active, those with the most salient cells,
    so that :math:`k' \le n_\text{in}`.

    Parameters
    ----------
    layer : LayerLinks
        The layer with its ``record``. With ``is_output``, no neuron is ablated.
    target : int
        Maximum number of links of the layer, at least one per output neuron.
    n_keep : int
        How many links to keep.
    field : RandomField
        Breaks ties.
    ablation : float, optional
        :math:`\gamma`; if None, no neuron is ablated.
    allow_return : bool
        Whether removed links can grow again; if not, they still do where a neuron has no other cells left.

    Returns
    -------
    kept, grown : Tensor of int64
        Sorted cells.

    Raises
    ------
    InvalidValueError
        When the gradient is not finite.

    References
    ----------
    Lasby et al. (2024), "Dynamic sparse training with structured sparsity", ICLR, section 3.1.
    """
    assert layer.record is not None
    n_out, n_in = layer.shape
    device = layer.cells.device
    active = torch.arange(n_out, device=device)
    if ablation is not None and not layer.is_output:
        active = _salient_neurons(layer, target, n_keep, ablation, field)
    quota = torch.zeros(n_out, dtype=torch.int64, device=device)
    quota[active] = target // active.numel()
    kept = _strongest(layer, (quota > 0)[layer.cells // n_in], n_keep, field)
    kept = top_in_rows(kept, layer.among(kept).values.abs(), quota, n_in, field)
    missing = quota - torch.bincount(kept // n_in, minlength=n_out)
    lost = layer.cells[:0] if allow_return else without(layer.cells, kept)
    grown = largest_in_rows(layer.record, missing, replace(field, purpose="regrowth"), excluded=kept, last=lost)
    return kept, grown


def _salient_neurons(layer: LayerLinks, target: int, n_keep: int, ablation: float, field: RandomField) -> Tensor:
    """Return the neurons that have enough salient cells to be active, sorted."""
    assert layer.record is not None
    n_out, n_in = layer.shape
    kept = _strongest(layer, torch.ones_like(layer.cells, dtype=torch.bool), n_keep, field)
    n_gone = layer.cells.numel() - kept.numel()
    by_gradient = replace(field, purpose="salience")
    others, _ = largest_recorded(layer.record, n_gone, by_gradient, soft=False, excluded=kept)
    n_salient = torch.bincount(torch.cat((kept, others)) // n_in, minlength=n_out)
    fan_in = int(torch.bincount(layer.cells // n_in).max())
    active = (n_salient >= max(1, floor_of(ablation * fan_in))).nonzero().squeeze(1)
    n_least = -(-target // n_in)
    if active.numel() >= n_least:
        return active
    neurons = torch.arange(n_out, device=n_salient.device)
    return top(neurons, n_salient, n_least, replace(field, purpose="ablation"))


def _strongest(layer: LayerLinks, among: Tensor, n_keep: int, field: RandomField) -> Tensor:
    """Return the up to ``n_keep`` links with the largest weights in a mask, without links of weight 0."""
    sizes = layer.values.abs()
    among = among & (sizes > 0)
    cells = layer.cells[among]
    return top(cells, sizes[among], min(n_keep, cells.numel()), field)
