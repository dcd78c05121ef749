"""The gradients that scores need, recorded only in steps that precede an update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.methods import Method, split_soft
from topolearn.evolution.regrowth import REGROWTHS
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

    @property
    def are_needed(self) -> bool:
        """Whether updates need gradients."""
        return self._of_links or self._of_cells

    def expect(self, due: bool) -> None:
        """Start recording if an update is due at the next optimizer step, or stop otherwise."""
        self.links = {}
        for layer in self._layers.values():
            if due and self._of_cells and layer.link_parameter.requires_grad:
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
        for layer in self._layers.values():
            if layer.record is not None:
                layer.record.settle()
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
            if layer.link_parameter.requires_grad:
                self._check(name, step, readings)

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
