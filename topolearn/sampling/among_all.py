"""Choosing cells of several equally shaped layers at once, with a single device synchronization."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField
from topolearn.sampling.selection import filled_up, ranks, soft_keys


def choose_among_all(
    scores: Tensor,
    counts: Sequence[int],
    fields: Sequence[RandomField],
    excluded: Sequence[Tensor],
    *,
    soft: bool,
) -> list[Tensor]:
    """Choose cells of each layer as `choose` does: by score, and uniformly where too few cells have one.

    The draws are those of `choose`. The host synchronizes with the device once for all layers, to count the cells that
    have a score, and once more in `fill` for each layer that has too few of them.

    Parameters
    ----------
    scores : Tensor, shape (n_layers, n_cells)
        The score of every cell, valid as for `best`; 0 for cells that must not be chosen by score.
    counts : sequence of int
        How many cells to choose in each layer.
    fields : sequence of RandomField
        The source of the draws of each layer.
    excluded : sequence of Tensor of int64, sorted
        Cells of each layer that must not be chosen at all.
    soft : bool
        Whether to draw in proportion to the scores instead of taking the best.

    Returns
    -------
    list of Tensor of int64
        The chosen cells of each layer, sorted.

    Examples
    --------
    >>> scores = torch.tensor([[0.0, 3.0, 1.0, 2.0], [0.0, 0.0, 0.0, 5.0]])
    >>> excluded = [torch.tensor([0]), torch.tensor([0, 1])]
    >>> choose_among_all(scores, [2, 2], [RandomField(0), RandomField(1)], excluded, soft=False)
    [tensor([1, 3]), tensor([2, 3])]
    """
    n_cells = scores.shape[1]
    n_positive = (scores > 0).sum(dim=1).tolist()
    n_scored = [min(count, n) for count, n in zip(counts, n_positive, strict=True)]
    by_score = _largest(scores, n_scored, fields, soft=soft)
    return [
        filled_up(cells, count, n_cells, field, others)
        for cells, count, field, others in zip(by_score, counts, fields, excluded, strict=True)
    ]


def _largest(scores: Tensor, counts: Sequence[int], fields: Sequence[RandomField], *, soft: bool) -> list[Tensor]:
    """Return the cells of each layer with the largest keys, sorted; ties are broken by the field."""
    most = max(counts)
    if not most:
        return [torch.empty(0, dtype=torch.int64, device=scores.device) for _ in counts]
    cells = torch.arange(scores.shape[1], device=scores.device)
    keys = scores
    if soft:
        keys = torch.stack([soft_keys(cells, row, field) for row, field in zip(scores, fields, strict=True)])
    largest = torch.topk(keys, most, dim=1).values
    # A layer that needs no cells gets a threshold above all its keys.
    thresholds = [
        row[n - 1] if n else torch.full_like(row[0], torch.inf) for row, n in zip(largest, counts, strict=True)
    ]
    ties = torch.stack([field.uniform(cells) for field in fields])
    ranked = torch.topk(ranks(keys, torch.stack(thresholds)[:, None], ties), most, dim=1).indices
    return [row[:n].sort().values for row, n in zip(ranked, counts, strict=True)]
