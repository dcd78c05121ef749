"""`ZeroOffLinks`: keeps a masked weight, its gradient and its moments zero off the trained cells, whatever writes them.

A tensor counts its in-place changes (`_version`). After topolearn's own writes, and after a step of an optimizer that
keeps zeros zero, the versions are stored. While they stay the same, nothing else has written, and there is nothing to
do; when they differ, the tensor is masked again. Gradient clipping and unscaling work in place, so gradients are masked
twice.

Writes through ``.data`` do not change the version. They are detected at updates, ``state_dict()`` and ``eval()``, but
not in between. A compiled forward does not check; its steps do.

On an accelerator a check never makes the host wait: values off the trained cells are counted on the device and masked
at once. The warning follows when the count is read, at ``state_dict()`` or, for all layers together, at an update.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.sparse.weights.by_cell import values_at
from topolearn.sparse.weights.link_state import LINK_STATE
from topolearn.sparse.weights.local_tensors import local_of
from topolearn.sparse.weights.optimizer_steps import Stamp, StepWatch, is_stamped, moments_of, stamp_of
from topolearn.waiting import Readings, is_asynchronous

if TYPE_CHECKING:  # the layer creates its watch, which needs the layer's class only for annotations
    from topolearn.sparse.masked import MaskedLinear


class ZeroOffLinks(StepWatch):
    """The hook of a masked weight: masks its gradient as it accumulates, and detects later writes by other code.

    Parameters
    ----------
    layer : MaskedLinear
    """

    def __init__(self, layer: MaskedLinear) -> None:
        super().__init__()
        self._layer = weakref.ref(layer)
        self._weight: Stamp | None = None
        self._trained: Stamp | None = None
        self._gradient: Stamp | None = None
        self._moments: weakref.WeakKeyDictionary[Optimizer, dict[str, Stamp]] = weakref.WeakKeyDictionary()
        self._n_written: Tensor | None = None
        self._has_warned = False

    @property
    def is_alive(self) -> bool:
        """Whether the layer still exists."""
        return self._layer() is not None

    def __call__(self, weight: Tensor) -> None:
        """Mask the gradient of the weight, which has just been accumulated."""
        if weight.grad is not None and self.is_alive:
            self._mask(weight.grad)
            self.trust_gradient(weight)

    def trusts(self, weight: Tensor) -> bool:
        """Whether this is the weight watched last, with its hook in place and no writes by other code."""
        return is_stamped(weight, self._weight) and self.knows_mask() and self.is_on(weight)

    def knows_mask(self) -> bool:
        """Whether the mask of the trained cells is unchanged since the last check."""
        return is_stamped(self._layer_of().trained_mask, self._trained)

    def trust(self, weight: Tensor) -> None:
        """Accept a weight as zero off the trained cells, and watch it from now on."""
        self.put_on(weight)
        self._weight, self._trained = stamp_of(weight), stamp_of(self._layer_of().trained_mask)

    def follow_links(self, weight: Tensor, moved: Callable[[Tensor], Tensor]) -> None:
        """Accept weight and gradient as zero off new links, and move the states of all optimizers that have stepped.

        A link may return before an optimizer steps again, and must not have its old state then.
        """
        self.trust(weight)
        self.trust_gradient(weight)
        for optimizer in list(self._moments):
            for moment in moments_of(optimizer, weight).values():
                moved(moment)
            self._moments[optimizer] = {}

    def trust_gradient(self, weight: Tensor) -> None:
        """Accept the gradient of a weight as zero off the trained cells."""
        self._gradient = None if weight.grad is None else stamp_of(weight.grad)

    def trust_moments(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Accept an optimizer's state for a weight as zero off the trained cells."""
        self._moments[optimizer] = {key: stamp_of(each) for key, each in moments_of(optimizer, weight).items()}

    def restore(self, weight: Tensor, trained: Tensor | None = None) -> None:
        """Write zeros off the trained cells of a weight, with a warning if any value was not 0.

        Parameters
        ----------
        weight : Tensor
        trained : Tensor of int64, optional
            The trained cells, if they are available, which makes the check faster than with a mask.
        """
        if is_asynchronous(weight.device):
            self._count_written(weight)
            self.mask_weight(weight)
            return
        values = local_of(weight.detach())
        if trained is None:
            n_off = int(torch.count_nonzero(values.masked_fill(self._layer_of().trained_mask, 0)))
        else:
            n_off = int(torch.count_nonzero(values)) - int(torch.count_nonzero(values_at(values, trained)))
        if n_off:
            self._mask(weight)
            self._warn(n_off)
        self.trust(weight)

    def report(self, readings: Readings) -> None:
        """Queue the count from an accelerator for reading; the reader warns if it is not 0."""
        counted, self._n_written = self._n_written, None
        if counted is not None:
            readings.read(counted, self._warn)

    def mask_weight(self, weight: Tensor) -> None:
        """Write zeros off the trained cells of a weight, in a tenth of the time that a check takes."""
        self._mask(weight)
        self.trust(weight)

    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Mask gradient, weight and optimizer state where other code has written to them."""
        gradient = weight.grad
        if gradient is not None and not is_stamped(gradient, self._gradient):
            self._mask(gradient)
            self.trust_gradient(weight)
        known = self._moments.get(optimizer, {})
        for key, moment in moments_of(optimizer, weight).items():
            if not is_stamped(moment, known.get(key)):
                self._mask(moment)
        if not self.trusts(weight):
            self.restore(weight)

    def after_step(self, optimizer: Optimizer, weight: Tensor, *, is_alone: bool) -> None:
        """Trust the writes of an optimizer that keeps zeros zero; check those of any other, and of its hooks."""
        if type(optimizer) in LINK_STATE and is_alone:
            self.trust(weight)
        else:
            for moment in moments_of(optimizer, weight).values():
                self._mask(moment)
            self.restore(weight)
        self.trust_moments(optimizer, weight)

    def _layer_of(self) -> MaskedLinear:
        layer = self._layer()
        assert layer is not None, "a weight outlives its layer"
        return layer

    def _mask(self, tensor: Tensor) -> None:
        bits = self._layer_of().trained_bits(tensor)
        with torch.no_grad():
            tensor.view(bits.dtype).bitwise_and_(bits)

    @torch.no_grad()
    def _count_written(self, weight: Tensor) -> None:
        """Count, on the weight's device, the values written off the trained cells; keep the largest count so far."""
        if not self._has_warned:
            n_off = torch.count_nonzero((local_of(weight) != 0) & ~self._layer_of().trained_mask)
            self._n_written = n_off if self._n_written is None else torch.maximum(self._n_written, n_off)

    def _warn(self, n_off: int) -> None:
        if n_off and not self._has_warned:
            layer = self._layer_of()
            self._has_warned = True
            warnings.warn(
                f"{n_off} weights of layer {layer.layer_name!r} off its {layer.n_links} links were written, and have "
                "been reset to 0: to change values, use layer.set_link_values; to change links, layer.set_links; to "
                "average a network whose links move, tl.AveragedModel",
                stacklevel=5,
            )
