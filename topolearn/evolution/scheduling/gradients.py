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
from topolearn.sparse.weights.local_tensors import local_of
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
        self.unrecorded: set[str] = set()  # layers that keep their links, frozen when recording began or not used
        self._without: set[str] = set()  # layers that had no gradient in the optimizer step
        self._unused: set[str] = set()  # these, and those that had only the zeros of an earlier step
        self._has_warned = self._has_warned_of_unused = False

    @property
    def are_needed(self) -> bool:
        """Whether updates need gradients."""
        return self._of_links or self._of_cells

    def expect(self, due: bool) -> None:
        """Start recording if an update is due at the next optimizer step, or stop otherwise."""
        is_wanted = due and self._of_cells
        self.links, self._without, self._unused = {}, set(), set()
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
        self._without = {name for name, layer in self._layers.items() if layer.link_parameter.grad is None}
        self._unused = set(self._without)
        for name, layer in self._layers.items():
            if layer.record is not None:
                layer.record.settle()
                if layer.record.is_replaced and self._average is None:  # DDP puts its own buffers there
                    self._warn_of_replaced(name)
                if layer.record.is_empty and name not in self._without and _is_zero(layer.link_parameter.grad):
                    self._unused.add(name)
        if not self._of_links:
            return
        for name, layer in self._layers.items():
            gradient = layer.link_gradient()
            if gradient is not None:
                self.links[name] = gradient.div_(scale.to(gradient.device) if isinstance(scale, Tensor) else scale)

    def check(self, step: int, readings: Readings) -> None:
        """Check that the gradients that an update needs are available and finite.

        Layers that no backward pass has used in this step keep their links, as frozen ones do, unless no layer was
        used. With several ranks, a layer that some of them did not use has a gradient of 0 there.

        Raises
        ------
        InvalidValueError
            On every rank, if a gradient is missing on one of them.
        """
        if not self.are_needed:
            return
        trained = {n for n, each in self._layers.items() if each.link_parameter.requires_grad} - self.unrecorded
        lacking = {name for name in trained if self._lacks(name)}
        (without, _, _), (_, unused, unrecorded) = self._on_ranks((self._without, self._unused, lacking))
        unused &= trained
        invalid = trained if unused == trained else (without | unrecorded) & trained - unused
        if invalid:
            raise InvalidValueError(
                f"layer {min(invalid, key=list(self._layers).index)!r} has no gradient at step {step}, but the method "
                "needs one: run forward, backward and optimizer.step() before each topology.step(), or freeze the "
                "layer with requires_grad_(False); gradients written into .grad by hand are not recorded, so let "
                "loss.backward() accumulate them"
            )
        self._leave(unused, step)
        for name in trained - unused:
            record, gradient = self._layers[name].record, self.links.get(name)
            if name in lacking and record is not None:
                record.fill()
            if gradient is not None:
                error = f"layer {name!r} has a gradient that is not finite at step {step}: lower the learning rate"
                readings.require(torch.isfinite(gradient).all(), partial(InvalidValueError, error))

    def added_to(self, layers: Mapping[str, LayerLinks], *, grows: bool) -> dict[str, LayerLinks]:
        """Return the links of the layers with their gradients.

        A layer that was frozen when recording began, or not used in this step, has none for its non-links, so it stays
        frozen while links grow.
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

    def _lacks(self, name: str) -> bool:
        """Return whether this rank lacks a gradient that the method needs."""
        record = self._layers[name].record
        return (self._of_links and name not in self.links) or (self._of_cells and (record is None or record.is_empty))

    def _on_ranks(self, chosen: tuple[set[str], ...]) -> tuple[list[set[str]], list[set[str]]]:
        """Return, for each of some sets of layers, which are in it on any rank and which on all of them."""
        if self._average is None or not self._layers:
            return list(chosen), list(chosen)
        device = next(iter(self._layers.values())).link_parameter.device
        shares = torch.tensor([[float(name in each) for name in self._layers] for each in chosen], device=device)
        self._average(shares)
        rows = [dict(zip(self._layers, row, strict=True)) for row in shares.tolist()]
        return (
            [{name for name, share in row.items() if share > 0} for row in rows],
            [{name for name, share in row.items() if share == 1} for row in rows],
        )

    def _leave(self, unused: set[str], step: int) -> None:
        """Let layers that were not used keep their links in this update, with a warning, once."""
        self.unrecorded |= unused
        if unused and not self._has_warned_of_unused:
            self._has_warned_of_unused = True
            warnings.warn(
                f"layers {', '.join(sorted(unused))} have no gradient at step {step}, because no backward pass used "
                "them (as with LayerDrop): they keep their links in this update, and in every further one before "
                "which they are not used",
                stacklevel=7,
            )


def _is_zero(gradient: Tensor | None) -> bool:
    return gradient is not None and not bool(torch.count_nonzero(local_of(gradient)))
