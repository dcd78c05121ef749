"""`LinkOrder`: tracks which links an optimizer's state for csr values belongs to, since positions do not identify them.

After each step, an optimizer's state for a layer's values holds a mark of the layer's links, which is saved with the
optimizer's ``state_dict``. A step can then tell whether the state belongs to the layer's present links, in whatever
order states were loaded. The mark is a tensor without dimensions, like the step count, of 24 bits, which fit float32.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.sparse.change import LinkChange
from topolearn.sparse.weights.optimizer_steps import StepWatch, moments_of

if TYPE_CHECKING:  # the layer creates its watch, which needs the layer's class only for annotations
    from topolearn.sparse.csr import CsrLinear

KEY = "links"  # in an optimizer's state for a parameter
BITS = 24


class Replaced(NamedTuple):
    """Links that a loaded state replaced: their fingerprint, and the change to the new ones."""

    fingerprint: int
    change: LinkChange


class LinkOrder(StepWatch):
    """The hook of a csr layer's values.

    Parameters
    ----------
    layer : CsrLinear
    """

    def __init__(self, layer: CsrLinear) -> None:
        super().__init__()
        self._layer = weakref.ref(layer)
        self._mark: tuple[int, Tensor] | None = None
        self.replaced: Replaced | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the layer still exists."""
        return self._layer() is not None

    @property
    def fingerprint(self) -> int | None:
        """The fingerprint of the layer's links, or None if the layer no longer exists."""
        layer = self._layer()
        return None if layer is None else layer.fingerprint

    def __call__(self, weight: Tensor) -> None:
        """Do nothing: the gradient has no entries off the links."""

    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Bring the optimizer's state into the order of the links.

        Raises
        ------
        InvalidValueError
            When it belongs to unknown links.
        """
        state, layer = optimizer.state.get(weight), self._layer()
        if not state or layer is None:
            return
        mark = self.mark(layer.fingerprint)
        if state.get(KEY) is mark or belongs(state, layer.fingerprint):
            return
        moments = moments_of(optimizer, weight)
        if KEY not in state:  # saved by a version without this key
            if all(moment.shape == weight.shape for moment in moments.values()):
                return
        elif self.replaced is not None and belongs(state, self.replaced.fingerprint):
            with torch.no_grad():
                state |= {key: self.replaced.change.moved(moment) for key, moment in moments.items()}
            state[KEY] = mark
            return
        raise InvalidValueError(
            f"the optimizer's state for layer {layer.layer_name!r} belongs to other links than the layer has: load "
            "model, optimizer and topology from the same checkpoint, or create a new optimizer; a second optimizer of "
            "the same layers is not supported"
        )

    def after_step(self, optimizer: Optimizer, weight: Tensor, *, is_alone: bool) -> None:
        """Mark the optimizer's state with the links that it belongs to."""
        layer = self._layer()
        if layer is not None and moments_of(optimizer, weight):
            optimizer.state[weight][KEY] = self.mark(layer.fingerprint)

    def mark(self, fingerprint: int) -> Tensor:
        """Return the mark of the links; the same tensor as long as the links are the same."""
        if self._mark is None or self._mark[0] != fingerprint:
            self._mark = fingerprint, torch.tensor(float(fingerprint % 2**BITS), dtype=torch.float32, device="cpu")
        return self._mark[1]


def belongs(state: Mapping[str, Any], fingerprint: int) -> bool:
    """Whether an optimizer's state belongs to links with this fingerprint."""
    return KEY in state and int(state[KEY]) == fingerprint % 2**BITS
