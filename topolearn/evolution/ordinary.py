"""`Ordinary`: the kind of most methods. The other kinds are subclasses that override what differs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.distributed import ShardedLinear
from topolearn.errors import InvalidValueError, TopolearnError
from topolearn.evolution.methods import HISTORY, Method, split_soft
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.per_link.remembering_links import RememberingLinks
from topolearn.evolution.regrowth import REGROWTHS, GrowthSite, Site, grow
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.evolution.sharded.links import ShardedLinks
from topolearn.evolution.starting.initial_weights import Law
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.stages import LayerState, Step
from topolearn.graph import BipartiteGraph, remaining
from topolearn.sampling import RandomField, best, drawn
from topolearn.sparse import SparseLinear
from topolearn.whole import floor_of

Layers = Mapping[str, SparseLinear]


class Ordinary:
    """Keeps the scheduled number of links, removes and regrows by scores, and trains only the links.

    A kind defines what a method does beyond its scores and schedules; `topolearn.evolution.kinds.kind_of` chooses it.

    Parameters
    ----------
    method : Method

    Attributes
    ----------
    reselects : bool
        Whether every update re-selects the links among all cells, and more cells than the links are trained.
    acts_each_step : bool
        Whether it acts at every optimizer step, and not only at updates.
    """

    reselects = False
    acts_each_step = False

    def __init__(self, method: Method) -> None:
        self.method = method

    # Before training

    def starting_links(self, name: str, n_links: int, n_in: int, n_out: int) -> int:
        """Return how many links a layer starts with, given the number that its density implies."""
        return n_links

    def why_not_keep_weights(self) -> str | None:
        """Return why the method cannot keep the weights of a model, or None if it can."""
        if self.method.weight_scale == "links":
            return None
        return (
            f"weight_scale={self.method.weight_scale!r} scales drawn weights, but init='keep' draws none: use init='he'"
        )

    def links_of_weights(
        self, weights: Mapping[str, Tensor], counts: Mapping[str, int], seed: int
    ) -> dict[str, BipartiteGraph] | None:
        """Return the links chosen by the weights of a model, or None if a generator chooses them."""
        return None

    def give_weights(
        self, layer: SparseLinear, source: Law | Tensor, generator: torch.Generator, *, name: str, seed: int
    ) -> None:
        """Draw the weights of a layer, unless it keeps the weights that the model has on its links.

        Parameters
        ----------
        layer : SparseLinear
        source : Law or Tensor, shape (out_features, in_features)
            The law that the weights are drawn from, or the weights of the model.
        generator : torch.Generator
        name : str
        seed : int
        """
        if isinstance(source, Tensor):
            return
        layer.set_link_values(source.draw(layer.n_links, source.deviation, layer.link_parameter.dtype, generator))
        if self.method.weight_scale == "cells":
            density = layer.n_links / (layer.in_features * layer.out_features)
            layer.set_link_values(layer.link_values() * math.sqrt(density))

    def check_start(self, layers: Layers, first: Mapping[str, int], last: Mapping[str, int]) -> None:
        """Check that the layers have the links that the method starts with.

        Parameters
        ----------
        layers : Mapping of str to SparseLinear
        first, last : Mapping of str to int
            How many links each layer starts with, and has at the end of the density decay.

        Raises
        ------
        InvalidValueError
        """
        for name, layer in layers.items():
            if layer.n_links != first[name]:
                raise InvalidValueError(
                    f"layer {name!r} has {layer.n_links} links, but method {self.method.name!r} at density "
                    f"{self.method.initial_density:g} starts with {first[name]}: sparsify the model with this same "
                    "method"
                )

    def n_trained(self, n_links: int, n_cells: int) -> int:
        """Return how many cells of a layer are trained."""
        return n_links

    def why_not_shards(self) -> str | None:
        """Return why the method cannot evolve layers that are sharded by rows, or None if it can."""
        if self.method.regrown == HISTORY:
            return f"remembers the values of former links (regrown={HISTORY!r})"
        regrowth = self.method.regrowth
        score = None if regrowth is None else split_soft(regrowth)[0]
        if score is not None and score != "gradient" and REGROWTHS[score].needs_gradient:
            return f"needs the gradient of all cells for a custom score (regrowth={regrowth!r})"
        return None

    def model_links(self, model: nn.Module, layers: Layers, optimizer: Optimizer, seed: int) -> ModelLinks:
        """Return the links of a model for training."""
        if any(isinstance(layer, ShardedLinear) for layer in layers.values()):
            return ShardedLinks(model, layers, optimizer)
        remembers = self.method.regrown == HISTORY
        return (RememberingLinks if remembers else ModelLinks)(model, layers, optimizer)

    # At every optimizer step

    def before_optimizer(self, layers: Iterable[SparseLinear], scale: float | Tensor) -> None:
        """Change the gradients, which are still multiplied by ``scale``, before the optimizer uses them."""

    # At an update

    def links_after(self, scheduled: int, present: int) -> int:
        """Return how many links a layer has after an update, given the number in the plan."""
        return min(scheduled, present)

    def remove(self, state: LayerState, step: Step) -> LayerState:
        """Remove the links with the lowest removal scores, or those that fail its test."""
        method, field = step.method, step.field(state.name, "removal")
        assert method.removal is not None
        layer = state.layer.among(state.pruned)
        name, soft = split_soft(method.removal)
        scores = REMOVAL_SCORES[name](layer, method.score_params)
        if REMOVAL_SCORES[name].is_test:
            fails = scores <= 0
            removed = layer.cells[fails]
            return state.with_kept(layer.cells[~fails] if removed.numel() else layer.cells, removed)
        step.checked(scores)
        n_keep = self.n_kept(layer.cells.numel(), state.n_final, step)
        if soft:
            exponent = SOFTNESS_SCHEDULES[method.softness_schedule](method.softness, step.progress)
            kept = drawn(layer.cells, scores, n_keep, field, exponent=exponent)
        else:
            kept = best(layer.cells, scores, n_keep, field)
        return state.with_kept(kept, remaining(layer.cells, kept))

    def n_kept(self, n_links: int, n_final: int, step: Step) -> int:
        """Return how many of n links removal keeps: ``n - floor(zeta n)``, or without zeta the final number."""
        method = step.method
        if method.zeta is None:
            return n_final
        return n_links - floor_of(ZETA_SCHEDULES[method.zeta_schedule](method.zeta, step.progress) * n_links)

    def sites(self, states: Mapping[str, LayerState], step: Step) -> list[GrowthSite]:
        """Return where links grow by their scores, as many as removal and percolation removed."""
        missing = {name: state.pruned.numel() - state.survivors.numel() for name, state in states.items()}
        return [_site(states[name], k, step) for name, k in missing.items() if k]

    def regrow(self, states: Mapping[str, LayerState], step: Step) -> dict[str, LayerState]:
        """Grow as many links as removal and percolation removed, among the non-links of the surviving graph.

        Raises
        ------
        InvalidValueError
            When a score is invalid; the message names the layer.
        """
        assert step.method.regrowth is not None
        score, soft = split_soft(step.method.regrowth)
        grown = grow(REGROWTHS[score], self.sites(states, step), step.readings, soft=soft)
        return {name: replace(state, grown=grown.get(name, state.grown)) for name, state in states.items()}

    def check_counts(self, states: Mapping[str, LayerState], step: Step, *, pooled: bool) -> None:
        """Assert that each layer, or all pooled layers together, have the scheduled number of distinct links."""
        for name, state in states.items():
            expected = state.pruned.numel() if pooled else state.n_after
            error = f"internal error in layer {name!r}: {state.after.numel()} links, not {expected}"
            if state.after.numel() != expected:
                raise TopolearnError(error)
            step.readings.require((state.after.diff() > 0).all(), partial(TopolearnError, error))
        total = sum(state.pruned.numel() for state in states.values())
        scheduled = sum(state.n_after for state in states.values())
        if total != scheduled:
            raise TopolearnError(f"internal error: {total} links in all, not {scheduled}")

    def trained_cells(
        self, layers: Mapping[str, LayerLinks], links: Mapping[str, Tensor], seed: int, index: int
    ) -> dict[str, Tensor]:
        """Return the trained cells of each layer until the next update, for layers that train more than their links.

        Parameters
        ----------
        layers : Mapping of str to LayerLinks
            The layers before the update.
        links : Mapping of str to Tensor of int64
            The links of each layer after the update.
        seed, index : int
            Seed of the run, and number of the update.
        """
        return {}


def _site(state: LayerState, k: int, step: Step) -> GrowthSite:
    """Return where k links of a layer can grow."""
    layer, survivors = state.layer, state.survivors
    barred = survivors[:0]
    if not step.method.allow_return:
        n_free = layer.shape[0] * layer.shape[1] - survivors.numel()
        barred = _barred(remaining(layer.cells, survivors), k, n_free, step.field(state.name, "return"))
    site = Site(survivors, layer.shape, barred, layer.record)
    return GrowthSite(state.name, site, k, step.field(state.name, "regrowth"))


def _barred(lost: Tensor, k: int, n_free: int, field: RandomField) -> Tensor:
    """Return the lost links that must not grow again: all except random ones needed to reach k free cells."""
    n_needed = max(k + lost.numel() - n_free, 0)
    return remaining(lost, best(lost, torch.ones_like(lost), n_needed, field)) if n_needed else lost
