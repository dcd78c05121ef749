"""`ModelLinks`: the links of a model during training, and everything that follows them at an update."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.evolution.finite import not_finite
from topolearn.evolution.per_link.ages import LinkAges
from topolearn.evolution.per_link.optimizer_state import check_state, check_trained, follow_links
from topolearn.evolution.step.each_layer import of_each
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.update import LayerUpdate
from topolearn.sparse import CsrLinear, SparseLinear, StoredLinear, output_layers
from topolearn.waiting import Readings


class ModelLinks:
    """The links of the sparse layers of a model, with their ages and their optimizer state.

    Parameters
    ----------
    model : torch.nn.Module
    layers : Mapping of str to SparseLinear
        The sparse layers of the model.
    optimizer : torch.optim.Optimizer
        The optimizer that trains them.

    Attributes
    ----------
    ages : dict of str to LinkAges
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, SparseLinear], optimizer: Optimizer) -> None:
        self._model, self._layers, self._optimizer = model, layers, optimizer
        self._outputs = {id(layer) for layer in output_layers(model).values()}
        for layer in layers.values():
            layer.watch_steps()
        self.ages = {name: LinkAges(layer.link_list(), layer.shape) for name, layer in layers.items()}

    def itop_rate(self) -> dict[str, float]:
        """Return the share of each layer's cells that have ever been a link, with one synchronization for all."""
        counts = torch.stack([each.n_explored for each in self.ages.values()]).tolist() if self.ages else []
        return {
            name: count / (each.shape[0] * each.shape[1])
            for (name, each), count in zip(self.ages.items(), counts, strict=True)
        }

    def reseed(self, seed: int) -> None:
        """Use the seed of a loaded state; links without signs do not depend on it."""

    def together(self) -> AbstractContextManager[None]:
        """Return a context in which an error on one rank raises on all ranks that share the layers."""
        return nullcontext()

    def expect(self, factor: float) -> None:
        """Prepare for the next optimizer step, whose learning rates are multiplied by a factor."""

    def move(self, step: int, *, moves: bool) -> None:
        """Move the links at a step, in addition to the optimizer; `write` or `take` stores the result in the layers."""

    def write(self) -> None:
        """Write the weights of moved links to the layers."""

    def read(self, step: int, readings: Readings) -> dict[str, LayerLinks]:
        """Return the links of all layers at the beginning of an update; settling the readings completes the checks.

        Raises
        ------
        InvalidValueError
            When a layer was replaced, or its weight has another shape, is not finite, or has left the optimizer.
        InvalidTypeError
            When the optimizer has state that cannot follow the links.
        """
        self._check_present(step)
        self._check_shapes(step)
        check_trained(self._optimizer, self._layers)
        check_state(self._optimizer, self._layers)
        links = {}
        for name, layer in self._layers.items():
            each = self._links_of(name, layer)
            self._look_at_count(name, each.cells.numel(), step)
            self._clear_off_links(layer, each)
            layer.report_writes(readings)
            stored = self._stored_of(layer)
            error = not_finite(f"layer {name!r}", step)
            values = each.values if stored is None else stored
            readings.require(torch.isfinite(values).all(), partial(InvalidValueError, error))
            links[name] = replace(
                each,
                record=layer.record,
                stored=stored,
                frozen=not layer.link_parameter.requires_grad,
                is_output=id(layer) in self._outputs,
            )
        return links

    def counts(self, layers: Mapping[str, LayerLinks]) -> dict[str, int]:
        """Return the number of links of each layer, given the result of `read`."""
        return {name: each.cells.numel() for name, each in layers.items()}

    def _links_of(self, name: str, layer: SparseLinear) -> LayerLinks:
        """Return the cells and weights of the links of a layer."""
        return LayerLinks(layer.cells(), layer.link_values(), layer.shape)

    def _stored_of(self, layer: SparseLinear) -> Tensor | None:
        """Return the last value of each cell, if the layer stores it."""
        return layer.latest_values() if isinstance(layer, StoredLinear) else None

    def _clear_off_links(self, layer: SparseLinear, links: LayerLinks) -> None:
        """Clear the weights off the links of a layer, in case other code has written them."""
        layer.clear_off_links(None if isinstance(layer, StoredLinear) else links.cells)

    def take(
        self,
        links: Mapping[str, Tensor],
        trained: Mapping[str, Tensor],
        updates: Mapping[str, LayerUpdate],
        step: int,
    ) -> None:
        """Give the layers, with optimizer state and ages, their links after an update.

        Parameters
        ----------
        links : Mapping of str to Tensor of int64
            The links of each layer after the update.
        trained : Mapping of str to Tensor of int64
            The trained cells of layers that train more than their links.
        updates : Mapping of str to LayerUpdate
            What happened to each layer.
        step : int
        """

        def followed(name: str) -> LinkAges:
            ages = copy(self.ages[name])
            ages.follow(links[name], step)
            return ages

        ages = of_each(followed, self.ages, {cells.device for cells in links.values()})
        self.set(links, trained)
        for name, layer in self._layers.items():
            ages[name].share(layer.link_list())
        self.ages = ages

    def set(self, links: Mapping[str, Tensor], trained: Mapping[str, Tensor]) -> None:
        """Give the layers and their optimizer state other links: all of them, or none if memory runs out.

        Raises
        ------
        InvalidTypeError
            When the optimizer state cannot follow the links; nothing is changed then.
        """
        check_state(self._optimizer, self._layers)

        def prepared(name: str) -> Callable[[], Callable[[Tensor], Tensor]]:
            more = (trained[name],) if name in trained else ()
            return self._layers[name].prepare_links(links[name], *more)

        def committed(name: str) -> None:
            follow_links(self._optimizer, self._layers[name], commits[name]())

        devices = {layer.link_parameter.device for layer in self._layers.values()}
        commits = of_each(prepared, self._layers, devices)
        of_each(committed, self._layers, devices)

    def _check_present(self, step: int) -> None:
        """Check that all layers are still in the model, and were not replaced."""
        there = {id(module) for module in self._model.modules()}
        for name, layer in self._layers.items():
            if id(layer) not in there:
                raise InvalidValueError(
                    f"at step {step} layer {name!r} of the model is not the one that this TopologyScheduler evolves: "
                    "create a new TopologyScheduler after replacing layers"
                )

    def _look_at_count(self, name: str, n_links: int, step: int) -> None:
        """Warn if other code has changed the number of links of a layer since the last update."""
        if n_links != (before := self.ages[name].n_links):
            warnings.warn(
                f"layer {name!r} has {n_links} links at step {step}, but had {before} after the last update: other "
                "code has changed them. Updates do not restore missing links; to continue a training, load the states "
                "of the model and of its TopologyScheduler",
                stacklevel=5,
            )

    def _check_shapes(self, step: int) -> None:
        """Check that the weights of all layers still have their original shape."""
        for name, layer in self._layers.items():
            shape = tuple(layer.link_parameter.shape)
            expected = (layer.n_links,) if isinstance(layer, CsrLinear) else layer.shape
            if shape != expected:
                raise InvalidValueError(
                    f"the weight of layer {name!r} has shape {shape} at step {step}, but its links need {expected}: "
                    "do not replace parameters of sparse layers; change their values in place"
                )
