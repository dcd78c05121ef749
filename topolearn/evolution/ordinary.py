"""`Ordinary`: the kind of most methods. The others are subclasses, which say where they differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError, TopolearnError
from topolearn.evolution.links import LayerLinks
from topolearn.evolution.methods import Method
from topolearn.evolution.model_links import ModelLinks
from topolearn.evolution.stages import LayerState, Step, regrow, remove
from topolearn.graph import LayeredNetwork
from topolearn.sparse import SparseLinear

Layers = Mapping[str, SparseLinear]


class Ordinary:
    """Keeps the scheduled number of links, removes and regrows by scores, and trains the links alone.

    A kind is what a method does beyond its scores and schedules; `topolearn.evolution.kinds.kind_of` chooses it.

    Parameters
    ----------
    method : Method

    Attributes
    ----------
    reselects : bool
        Whether every update re-selects the links among all cells, more of which are trained than are links.
    """

    reselects = False

    def __init__(self, method: Method) -> None:
        self.method = method

    # Before the training

    def starting_links(self, name: str, n_links: int, n_in: int, n_out: int) -> int:
        """Return how many links a layer starts with, of those that its density gives."""
        return n_links

    def check_kept_weights(self) -> None:
        """Refuse to keep the weights of a model.

        Raises
        ------
        InvalidValueError
        """
        if self.method.weight_scale != "links":
            raise InvalidValueError(
                f"weight_scale={self.method.weight_scale!r} is for weights that are drawn, and init='keep' draws none: "
                "use init='he'"
            )

    def links_of_weights(
        self, layers: Mapping[str, nn.Linear], counts: Mapping[str, int], seed: int
    ) -> LayeredNetwork | None:
        """Return the links that the weights of a model choose, if they do and a generator does not."""
        return None

    def give_weights(
        self, layer: SparseLinear, kept: Tensor | None, generator: torch.Generator, *, name: str, seed: int
    ) -> None:
        """Draw the weights of a layer, unless it keeps those of the model."""
        if kept is not None:
            return
        layer.reset_weight(generator)
        if self.method.weight_scale == "cells":
            density = layer.n_links / (layer.in_features * layer.out_features)
            layer.set_link_values(layer.link_values() * math.sqrt(density))

    def check_start(self, layers: Layers, first: Mapping[str, int], last: Mapping[str, int]) -> None:
        """Refuse layers whose links are not those that the method starts with.

        Parameters
        ----------
        layers : Mapping of str to SparseLinear
        first, last : Mapping of str to int
            How many links each layer starts with, and has when the density has fallen.

        Raises
        ------
        InvalidValueError
        """
        for name, layer in layers.items():
            if layer.n_links != first[name]:
                raise InvalidValueError(
                    f"layer {name!r} has {layer.n_links} links, but method {self.method.name!r} at density "
                    f"{self.method.initial_density:g} starts with {first[name]}: sparsify the model with this very "
                    "method"
                )

    def n_trained(self, n_links: int, n_cells: int) -> int:
        """Return how many cells of a layer are trained."""
        return n_links

    def model_links(self, model: nn.Module, layers: Layers, optimizer: Optimizer, seed: int) -> ModelLinks:
        """Return the links of a model while it trains."""
        return ModelLinks(model, layers, optimizer)

    # At every step of the optimizer

    def before_optimizer(self, layers: Iterable[SparseLinear], scale: float) -> None:
        """Change the gradients, which still have a factor in them, before the optimizer takes them."""

    # At an update

    def links_after(self, scheduled: int, present: int) -> int:
        """Return how many links a layer has after an update, of those that the plan gives it."""
        return min(scheduled, present)

    def remove(self, state: LayerState, step: Step) -> LayerState:
        """Remove links; see `topolearn.evolution.stages.remove`."""
        return remove(state, step)

    def regrow(self, state: LayerState, step: Step) -> LayerState:
        """Grow links; see `topolearn.evolution.stages.regrow`."""
        return regrow(state, step)

    def check_counts(self, states: Mapping[str, LayerState], *, pooled: bool) -> None:
        """Assert that each layer has its scheduled number of distinct links, and pooled layers together the sum."""
        for name, state in states.items():
            expected = state.pruned.numel() if pooled else state.n_after
            if state.after.numel() != expected or bool((state.after.diff() <= 0).any()):
                raise TopolearnError(f"internal error in layer {name!r}: {state.after.numel()} links, not {expected}")
        total = sum(state.pruned.numel() for state in states.values())
        scheduled = sum(state.n_after for state in states.values())
        if total != scheduled:
            raise TopolearnError(f"internal error: {total} links in all, not {scheduled}")

    def trained_cells(
        self, layers: Mapping[str, LayerLinks], links: Mapping[str, Tensor], seed: int, index: int
    ) -> dict[str, Tensor]:
        """Return the cells of each layer that are trained until the next update, where they are more than its links.

        Parameters
        ----------
        layers : Mapping of str to LayerLinks
            The layers before the update.
        links : Mapping of str to Tensor of int64
            The links of each after it.
        seed, index : int
            Seed of the run and number of the update.
        """
        return {}
