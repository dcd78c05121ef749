"""Density decay: pruning the layers to their scheduled numbers of links, before anything else happens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.links import LayerLinks
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.stages import LayerState, Step
from topolearn.sampling import RandomField, top


def decay(states: Mapping[str, LayerState], step: Step, *, pooled: bool = False) -> dict[str, LayerState]:
    """Prune layers to their scheduled numbers of links, or re-select their links: the cells that score highest stay.

    With ``storage="dense"`` all cells are ranked, by their last values, so that pruned weights may return.

    Parameters
    ----------
    states : Mapping of str to LayerState
    step : Step
        ``pruning`` of its method is the score.
    pooled : bool
        Whether the layers are ranked together, and only the sum of their numbers counts; each keeps its best link.

    Raises
    ------
    InvalidValueError
        When pooled layers have fewer links together than there are layers.
    """
    method = step.method
    candidates = {name: candidates_of(state.layer) for name, state in states.items()}
    scores = {name: REMOVAL_SCORES[method.pruning](each, method.score_params) for name, each in candidates.items()}
    if pooled and states:
        total = sum(state.n_after for state in states.values())
        pruned = _prune_together(candidates, scores, total, step.field("", "decay"))
    else:
        pruned = {
            name: top(each.cells, scores[name], states[name].n_after, step.field(name, "decay"))
            for name, each in candidates.items()
        }
    return {name: state.with_pruned(pruned[name]) for name, state in states.items()}


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
    best = [start + int(scored.argmax()) for start, scored in zip(starts, scores.values(), strict=False)]
    others = torch.ones_like(together, dtype=torch.bool)
    others[best] = False
    places = others.nonzero().squeeze(1)
    chosen = top(places, together[places], total - len(best), field)
    kept = ~others
    kept[chosen] = True
    kept_in = kept.split(sizes)
    return {name: layer.cells[stays] for (name, layer), stays in zip(candidates.items(), kept_in, strict=True)}
