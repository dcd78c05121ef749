"""`rewire_with_constant_fan_in` for accelerators: all intermediate results are masks, to avoid synchronization."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.step.links import LayerLinks
from topolearn.sampling import RandomField, best, largest
from topolearn.sparse import LAST, NOT_FINITE, mean_magnitudes
from topolearn.waiting import Readings, positions


def rewire_on_accelerator(
    readings: Readings,
    layer: LayerLinks,
    target: int,
    n_keep: int,
    field: RandomField,
    *,
    ablation: float | None = None,
    allow_return: bool = True,
) -> tuple[Tensor, Tensor]:
    """Do what `topolearn.evolution.srigl.rewire_with_constant_fan_in` does, with a single synchronization.

    Parameters
    ----------
    readings : Readings
        Collects the check that the gradient is finite.
    layer, target, n_keep, field, ablation, allow_return
        As for `topolearn.evolution.srigl.rewire_with_constant_fan_in`.
    """
    assert layer.record is not None
    n_out, n_in = layer.shape
    gradient = mean_magnitudes(layer.record, 0, n_out)
    readings.require(torch.isfinite(gradient).all(), partial(InvalidValueError, NOT_FINITE))
    rows, sizes = layer.cells // n_in, layer.values.abs()
    active = torch.ones(n_out, dtype=torch.bool, device=rows.device)
    if ablation is not None and not layer.is_output:
        active = _salient_neurons(layer, gradient, target, n_keep, ablation, field)
    quota = torch.where(active, target // active.sum(), 0)
    is_kept = _strongest(layer.cells, torch.where(active[rows], sizes, 0), n_keep, field)
    is_kept = _within_quota(layer.cells, torch.where(is_kept, sizes, -1), rows, quota, field) & is_kept
    missing = quota - quota.new_zeros(n_out).index_add_(0, rows, is_kept.to(torch.int64))
    scores = gradient.flatten().clone()
    left = scores[layer.cells] if allow_return else torch.full_like(sizes, LAST).to(scores.dtype)
    scores[layer.cells] = torch.where(is_kept, -torch.inf, left)
    is_grown = _largest_in_rows(scores.view(n_out, n_in), missing, replace(field, purpose="regrowth")).flatten()
    n_kept, n_grown = torch.stack((is_kept.sum(), is_grown.sum())).tolist()
    return layer.cells[positions(is_kept, n_kept)], positions(is_grown, n_grown)


def _salient_neurons(
    layer: LayerLinks, gradient: Tensor, target: int, n_keep: int, ablation: float, field: RandomField
) -> Tensor:
    """Return a mask of the neurons that have enough salient cells to be active."""
    (n_out, n_in), cells, rows = layer.shape, layer.cells, layer.cells // layer.shape[1]
    ones = torch.ones_like(cells)
    is_kept = _strongest(cells, layer.values.abs(), n_keep, field)
    others = gradient.flatten().clone()
    others[cells] = torch.where(is_kept, -torch.inf, others[cells])
    every = torch.arange(n_out * n_in, device=cells.device)
    # As many other cells as links are lost; cells with zero gradient fill up the choice but are not salient.
    n_gone, most = cells.numel() - is_kept.sum(), min(cells.numel(), others.numel())
    ranked = torch.topk(others, most).indices
    is_salient = _first(others, ranked, n_gone, replace(field, purpose="salience").uniform(every))
    n_salient = rows.new_zeros(n_out).index_add_(0, rows, is_kept.to(torch.int64))
    n_salient += is_salient.view(n_out, n_in).sum(dim=1)
    fan_in = rows.new_zeros(n_out).index_add_(0, rows, ones).max()
    least = (fan_in.to(torch.float64) * ablation).to(torch.int64).clamp(min=1)
    active, n_least = n_salient >= least, -(-target // n_in)
    neurons = torch.arange(n_out, device=cells.device)
    needed = torch.zeros_like(active)
    needed[best(neurons, n_salient, n_least, replace(field, purpose="ablation"))] = True
    return torch.where(active.sum() >= n_least, active, needed)


def _first(scores: Tensor, ranked: Tensor, n: Tensor, ties: Tensor) -> Tensor:
    """Return a mask of the n largest positive scores, for an n that only the device knows."""
    threshold = scores[ranked.index_select(0, (n - 1).clamp(min=0).view(1))]
    above, tied = scores > threshold, scores == threshold
    order = torch.where(tied, ties, -1.0).argsort(descending=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(order.numel(), device=order.device)
    return (above | (tied & (place < n - above.sum()))) & (scores > 0) & (n > 0)


def _strongest(cells: Tensor, sizes: Tensor, n_keep: int, field: RandomField) -> Tensor:
    """Return a mask of the ``n_keep`` links with the largest positive sizes."""
    chosen = torch.zeros_like(cells, dtype=torch.bool)
    chosen[largest(sizes, min(n_keep, cells.numel()), lambda tied: field.uniform(cells[tied]))] = True
    return chosen & (sizes > 0)


def _within_quota(cells: Tensor, scores: Tensor, rows: Tensor, quota: Tensor, field: RandomField) -> Tensor:
    """Return a mask of the best cells of each row, as many as its quota; the cells are sorted by row."""
    order = field.bits(cells).argsort(descending=True)
    order = order[scores[order].argsort(descending=True, stable=True)]
    order = order[rows[order].argsort(stable=True)]
    place = torch.arange(rows.numel(), device=rows.device) - torch.searchsorted(rows, rows)
    within = torch.empty_like(cells, dtype=torch.bool)
    within[order] = place < quota[rows]
    return within


def _largest_in_rows(scores: Tensor, quota: Tensor, field: RandomField) -> Tensor:
    """Return a mask of the cells with the largest scores of each row, as many as its quota."""
    n_out, n_in = scores.shape
    bits = field.bits(torch.arange(n_out * n_in, device=scores.device)).view(n_out, n_in)
    by_bits = bits.argsort(dim=1, descending=True)
    order = by_bits.gather(1, scores.gather(1, by_bits).argsort(dim=1, descending=True, stable=True))
    first = torch.arange(n_in, device=scores.device) < quota[:, None]
    return torch.zeros_like(first).scatter_(1, order, first)
