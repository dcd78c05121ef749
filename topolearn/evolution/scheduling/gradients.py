"""The gradients that scores need, recorded only in steps that precede an update."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.methods import Method, split_soft
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.step.links import LayerLinks
from topolearn.sparse import SparseLinear
from topolearn.waiting import Readings


class Gradients:
    """Keeps the gradients of a model's sparse layers for the next update, if the method needs them.

    Parameters
    ----------
    layers : Mapping of str to SparseLinear
    method : Method
    average : callable, optional
        Averages a block of a dense gradient over all ranks, in place.
    """

    def __init__(
        self, layers: Mapping[str, SparseLinear], method: Method, average: Callable[[Tensor], object] | None = None
    ) -> None:
        self._layers = layers
        self._of_links = method.needs_link_gradient
        self._of_cells = method.regrowth is not None and REGROWTHS[split_soft(method.regrowth)[0]].needs_gradient
        self._average = average
        self.links: dict[str, Tensor] = {}
        self.unrecorded: set[str] = set()  # layers that were frozen when recording began, whose links stay
        self._has_warned = False

    @property
    def are_needed(self) -> bool:
        """Whether updates need gradients."""
        return self._of_links or self._of_cells

    def expect(self, due: bool) -> None:
        """Start recording if an update is due at the next optimizer step, or stop otherwise."""
        is_wanted = due and self._of_cells
        self.links = {}
        self.unrecorded = {n for n, each in self._layers.items() if is_wanted and not each.link_parameter.requires_grad}
        for name, layer in self._layers.items():
            if is_wanted and name not in self.unrecorded:
                layer.start_recording(self._average)
            else:
                layer.stop_recording()

    @torch.no_grad()
    def take(self, scale: float | Tensor) -> None:
        """Keep the gradients that the optimizer step sees, before they are cleared.

        Parameters
        ----------
        scale : float or Tensor
            The factor by which the gradients of the links are still scaled.
        """
        for name, layer in self._layers.items():
            if layer.record is not None:
                layer.record.settle()
                if layer.record.is_replaced and self._average is None:  # DDP puts its own buffers there
                    self._warn_of_replaced(name)
        if not self._of_links:
            return
        for name, layer in self._layers.items():
            gradient = layer.link_gradient()
            if gradient is not None:
                self.links[name] = gradient.div_(scale.to(gradient.device) if isinstance(scale, Tensor) else scale)

    def check(self, step: int, readings: Readings) -> None:
        """Check that the gradients that an update needs are available and finite.

        Raises
        ------
        InvalidValueError
        """
        for name, layer in self._layers.items():
            if layer.link_parameter.requires_grad and name not in self.unrecorded:
                self._check(name, step, readings)

    def added_to(self, layers: Mapping[str, LayerLinks], *, grows: bool) -> dict[str, LayerLinks]:
        """Return the links of the layers with their gradients.

        A layer that was frozen when recording began has none for its non-links, so it stays frozen while links grow.
        """
        frozen = self.unrecorded if grows else ()
        return {
            name: replace(each, gradient=self.links.get(name), frozen=each.frozen or name in frozen)
            for name, each in layers.items()
        }

    def _warn_of_replaced(self, name: str) -> None:
        """Warn, once, that the step uses other gradients than the update."""
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"the gradient of layer {name!r} was replaced after the backward pass (p.grad = ...): the optimizer "
                "uses that one, but links grow by the gradients of all cells from the last backward passes. To combine "
                "losses, call backward on their sum, or accumulate without clearing gradients in between",
                stacklevel=9,
            )

    def _check(self, name: str, step: int, readings: Readings) -> None:
        gradient, record = self.links.get(name), self._layers[name].record
        if (self._of_links and gradient is None) or (self._of_cells and (record is None or record.is_empty)):
            raise InvalidValueError(
                f"layer {name!r} has no gradient at step {step}, but the method needs one: run forward, backward and "
                "optimizer.step() before each topology.step(), or freeze the layer with requires_grad_(False); "
                "gradients written into .grad by hand are not recorded, so let loss.backward() accumulate them"
            )
        if gradient is not None:
            error = f"layer {name!r} has a gradient that is not finite at step {step}: lower the learning rate"
            readings.require(torch.isfinite(gradient).all(), partial(InvalidValueError, error))
