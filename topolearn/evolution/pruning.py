"""Density decay: pruning the layers to their scheduled numbers of links, before anything else happens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.links import LayerLinks, Targets
from topolearn.evolution.method import Method
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.sampling import RandomField, top


def prune(
    layers: Mapping[str, LayerLinks], targets: Targets, method: Method, *, seed: int, index: int
) -> dict[str, Tensor]:
    """Return the cells that are links after the density has fallen, or links are chosen anew: those that score highest.

    With ``storage="dense"`` all cells are ranked, by their last values, so that pruned weights may return. Pooled
    layers are ranked together; each keeps its best link at least.

    Parameters
    ----------
    layers : Mapping of str to LayerLinks
        The layers that are pruned.
    targets : Targets
    method : Method
        Its ``pruning`` is the score.
    seed, index : int
        Seed of the run and number of the update, for ties.

    Returns
    -------
    dict of str to Tensor of int64
        Sorted flat positions.
    """
    candidates = {name: candidates_of(layer) for name, layer in layers.items()}
    scores = {name: REMOVAL_SCORES[method.pruning](each, method.score_params) for name, each in candidates.items()}
    if targets.pooled:
        return _prune_together(candidates, scores, sum(targets.after.values()), RandomField(seed, "", index, "decay"))
    return {
        name: top(each.cells, scores[name], targets.after[name], RandomField(seed, name, index, "decay"))
        for name, each in candidates.items()
    }


def candidates_of(layer: LayerLinks) -> LayerLinks:
    """Return the links, or under dense storage all cells, as if they were links."""
    if layer.stored is None:
        return layer
    return layer.among(torch.arange(layer.stored.numel(), device=layer.stored.device))


def _prune_together(
    candidates: Mapping[str, LayerLinks], scores: Mapping[str, Tensor], total: int, field: RandomField
) -> dict[str, Tensor]:
    if total < len(candidates):
        raise InvalidValueError(
            f"{total} links for {len(candidates)} layers leave some without any: raise the density, or use another "
            "distribution than 'global'"
        )
    sizes = [layer.cells.numel() for layer in candidates.values()]
    together = torch.cat(list(scores.values()))
    starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
    best = [start + int(part.argmax()) for start, part in zip(starts, scores.values(), strict=False)]
    others = torch.ones_like(together, dtype=torch.bool)
    others[best] = False
    places = others.nonzero().squeeze(1)
    chosen = top(places, together[places], total - len(best), field)
    kept = ~others
    kept[chosen] = True
    parts = kept.split(sizes)
    return {name: layer.cells[part] for (name, layer), part in zip(candidates.items(), parts, strict=True)}
