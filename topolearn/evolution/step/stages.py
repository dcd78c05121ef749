"""`Step` and `LayerState`, which the stages of an evolution step take and return, and the first stage, `decay`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.methods import Method
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.step.each_layer import of_each
from topolearn.evolution.step.links import LayerLinks
from topolearn.graph import union
from topolearn.sampling import INVALID, RandomField, are_valid, best
from topolearn.waiting import Readings, positions


@dataclass(frozen=True)
class Step:
    """One evolution step: its method, time and random draws.

    Attributes
    ----------
    method : Method
    progress : float
        Share of the evolution that is done, in [0, 1].
    seed, index : int
        Seed of the run and number of the update, which with a layer's name determine every draw.
    readings : Readings
        Values that the host must read before the step is done.
    """

    method: Method
    progress: float
    seed: int
    index: int
    readings: Readings = field(default_factory=Readings)

    def checked(self, scores: Tensor) -> Tensor:
        """Return the scores; the step raises if one of them is negative or NaN."""
        self.readings.require(are_valid(scores), lambda: InvalidValueError(INVALID))
        return scores

    def field(self, layer: str, purpose: str) -> RandomField:
        """Return the random field of a layer for a purpose."""
        return RandomField(self.seed, layer, self.index, purpose)


@dataclass(frozen=True)
class LayerState:
    """The result of the stages so far for one layer or attention head; all cells are sorted.

    Attributes
    ----------
    name : str
    layer : LayerLinks
        The layer before the step.
    n_after, n_final : int
        How many links the layer should have after the step, and at the end of the density decay.
    pruned : Tensor of int64
        The links that remain after density decay.
    removed : Tensor of int64
        The links that removal removes.
    kept : Tensor of int64
        The links that remain after removal.
    survivors : Tensor of int64
        The links that remain after percolation.
    grown : Tensor of int64
        The links that grow.
    """

    name: str
    layer: LayerLinks
    n_after: int
    n_final: int
    pruned: Tensor
    removed: Tensor
    kept: Tensor
    survivors: Tensor
    grown: Tensor

    @classmethod
    def before(cls, name: str, layer: LayerLinks, n_after: int, n_final: int) -> LayerState:
        """Return the state of a layer before the first stage."""
        cells, none = layer.cells, layer.cells[:0]
        return cls(name, layer, n_after, n_final, cells, none, cells, cells, none)

    @cached_property
    def after(self) -> Tensor:
        """The links after the last completed stage."""
        return union(self.survivors, self.grown) if self.grown.numel() else self.survivors

    def with_pruned(self, cells: Tensor) -> LayerState:
        """Return the state after density decay, or after links were re-selected."""
        return replace(self, pruned=cells, kept=cells, survivors=cells)

    def with_kept(self, cells: Tensor, removed: Tensor) -> LayerState:
        """Return the state after removal."""
        return replace(self, kept=cells, survivors=cells, removed=removed)


def devices_of(states: Mapping[str, LayerState]) -> set[torch.device]:
    """Return the devices that the links of some layers are on."""
    return {state.layer.cells.device for state in states.values()}


def decay(states: Mapping[str, LayerState], step: Step, *, pooled: bool = False) -> dict[str, LayerState]:
    """Prune layers to their scheduled numbers of links, or re-select their links: the highest scores stay.

    With ``storage="dense"`` all cells are ranked by their last values, so pruned weights can return.

    Parameters
    ----------
    states : Mapping of str to LayerState
    step : Step
        The ``pruning`` score of its method is used.
    pooled : bool
        Whether the layers are ranked together, so only their total number of links is fixed; each keeps its best link.

    Raises
    ------
    InvalidValueError
        When pooled layers have fewer links in total than there are layers.
    """
    method, devices = step.method, devices_of(states)
    candidates = {name: candidates_of(state.layer) for name, state in states.items()}
    score = REMOVAL_SCORES[method.pruning]
    scores = of_each(lambda name: step.checked(score(candidates[name], method.score_params)), states, devices)
    if pooled and states:
        total = sum(state.n_after for state in states.values())
        pruned = _prune_together(candidates, scores, total, step.field("", "decay"))
    else:

        def kept(name: str) -> Tensor:
            return best(candidates[name].cells, scores[name], states[name].n_after, step.field(name, "decay"))

        pruned = of_each(kept, states, devices)
    return {name: state.with_pruned(pruned[name]) for name, state in states.items()}


def candidates_of(layer: LayerLinks) -> LayerLinks:
    """Return the links, or with dense storage all cells, as candidates."""
    if layer.stored is None:
        return layer
    return layer.among(torch.arange(layer.stored.numel(), device=layer.stored.device))


def _prune_together(
    candidates: Mapping[str, LayerLinks], scores: Mapping[str, Tensor], total: int, field: RandomField
) -> dict[str, Tensor]:
    if total < len(candidates):
        raise InvalidValueError(
            f"{total} links for {len(candidates)} layers leave some layers without links: raise the density, or use a "
            "distribution other than 'global'"
        )
    sizes = [layer.cells.numel() for layer in candidates.values()]
    together = torch.cat(list(scores.values()))
    starts = accumulate(sizes, initial=0)
    strongest = torch.stack([start + scored.argmax() for start, scored in zip(starts, scores.values(), strict=False)])
    others = torch.ones_like(together, dtype=torch.bool)
    others[strongest] = False
    places = positions(others, others.numel() - len(sizes))
    chosen = best(places, together[places], total - len(sizes), field)
    kept = ~others
    kept[chosen] = True
    kept_in = kept.split(sizes)
    counts = torch.stack([stays.sum() for stays in kept_in]).tolist()
    return {
        name: layer.cells[positions(stays, n)]
        for (name, layer), stays, n in zip(candidates.items(), kept_in, counts, strict=True)
    }
