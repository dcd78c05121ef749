"""`LinkOrder`: which links an optimizer's memory of csr values belongs to; values are not identified by position alone.

After each step an optimizer's memory of a layer's values holds a mark of its links, which travels with the optimizer's
``state_dict``. So a step knows whether they are those of the layer, whatever the order in which states were
loaded. The mark is a tensor of no dimension, as the number of steps is, and of 24 bits, which survive float32.
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
from topolearn.sparse.optimizer_steps import StepWatch, moments_of

if TYPE_CHECKING:  # a layer makes its watch, and the watch knows the layer by its annotation alone
    from topolearn.sparse.csr import CsrLinear

KEY = "links"  # in what an optimizer remembers of a parameter
BITS = 24


class Replaced(NamedTuple):
    """Links that were replaced by those of a loaded state: their fingerprint, and how the others came of them."""

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

    def __call__(self, weight: Tensor) -> None:
        """Leave the gradient, which is of the links alone."""

    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Bring what the optimizer remembers into the order of the links.

        Raises
        ------
        InvalidValueError
            When it belongs to links that are not known.
        """
        state, layer = optimizer.state.get(weight), self._layer()
        if not state or layer is None:
            return
        mark = self.mark(layer.fingerprint)
        if state.get(KEY) is mark or belongs(state, layer.fingerprint):
            return
        moments = moments_of(optimizer, weight)
        if KEY not in state:  # as it was written before it had this key
            if all(moment.shape == weight.shape for moment in moments.values()):
                return
        elif self.replaced is not None and belongs(state, self.replaced.fingerprint):
            with torch.no_grad():
                state |= {key: self.replaced.change.moved(moment) for key, moment in moments.items()}
            state[KEY] = mark
            return
        raise InvalidValueError(
            f"what the optimizer remembers of layer {layer.layer_name!r} belongs to other links than the layer has: "
            "load model, optimizer and topology of one checkpoint, or make a new optimizer"
        )

    def after_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Note to which links the optimizer's memory belongs."""
        layer = self._layer()
        if layer is not None and moments_of(optimizer, weight):
            optimizer.state[weight][KEY] = self.mark(layer.fingerprint)

    def mark(self, fingerprint: int) -> Tensor:
        """Return the mark of links, the same tensor as long as they are the same."""
        if self._mark is None or self._mark[0] != fingerprint:
            self._mark = fingerprint, torch.tensor(float(fingerprint % 2**BITS), dtype=torch.float32, device="cpu")
        return self._mark[1]


def belongs(state: Mapping[str, Any], fingerprint: int) -> bool:
    """Whether what an optimizer remembers belongs to links with this fingerprint."""
    return KEY in state and int(state[KEY]) == fingerprint % 2**BITS
