"""`ZeroOffLinks`: keeps a masked weight, its gradient and its moments zero off the trained cells, whoever writes them.

A tensor counts its in-place changes (`_version`). After a write of our own, or a step of an optimizer that leaves zeros
alone, the numbers are kept; where they are the same later, nobody else has written, and nothing is to be done. Where
they differ, the tensor is masked again. Clipping and unscaling change gradients in place, so these are masked twice.

Writes through ``.data`` change no number: they are looked for at an update, at ``state_dict()`` and at ``eval()``, and
are not seen in between. A compiled forward does not look; its steps do.

On an accelerator a look never makes the host wait: what lies off the trained cells is counted there and masked at once,
and the warning follows when the count is read, at ``state_dict()`` or at an update, there for all layers together.
"""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.sparse.link_state import LINK_STATE
from topolearn.sparse.local_tensors import local_of
from topolearn.sparse.optimizer_steps import Stamp, StepWatch, is_stamped, moments_of, stamp_of
from topolearn.waiting import Readings, works_behind

if TYPE_CHECKING:  # a layer makes its watch, and the watch knows the layer by its annotation alone
    from topolearn.sparse.masked import MaskedLinear


class ZeroOffLinks(StepWatch):
    """The hook of a masked weight: masks its gradient as it accumulates, and notices what others have written since.

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
        """Whether this is the weight that was watched last, with its hook, and nobody else has written to it."""
        return is_stamped(weight, self._weight) and self.knows_mask() and self.is_on(weight)

    def knows_mask(self) -> bool:
        """Whether the mask of the trained cells is that of the last look."""
        return is_stamped(self._layer_of().trained_mask, self._trained)

    def trust(self, weight: Tensor) -> None:
        """Take a weight as zero off the trained cells, and watch it from now on."""
        self.put_on(weight)
        self._weight, self._trained = stamp_of(weight), stamp_of(self._layer_of().trained_mask)

    def follow_links(self, weight: Tensor) -> None:
        """Take weight and gradient as zero off new links; what optimizers remember is masked before their next step."""
        self.trust(weight)
        self.trust_gradient(weight)
        self._moments.clear()

    def trust_gradient(self, weight: Tensor) -> None:
        """Take the gradient of a weight as zero off the trained cells."""
        self._gradient = None if weight.grad is None else stamp_of(weight.grad)

    def trust_moments(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Take what an optimizer remembers of a weight as zero off the trained cells."""
        self._moments[optimizer] = {key: stamp_of(each) for key, each in moments_of(optimizer, weight).items()}

    def restore(self, weight: Tensor, trained: Tensor | None = None) -> None:
        """Write zeros off the trained cells of a weight, with a warning if there is anything else.

        Parameters
        ----------
        weight : Tensor
        trained : Tensor of int64, optional
            The trained cells, where they are at hand: these are counted in less time than a mask.
        """
        if works_behind(weight.device):
            self._count_written(weight)
            self.mask_weight(weight)
            return
        values = local_of(weight.detach())
        if trained is None:
            n_off = int(torch.count_nonzero(values.masked_fill(self._layer_of().trained_mask, 0)))
        else:
            n_off = int(torch.count_nonzero(values)) - int(torch.count_nonzero(values.view(-1)[trained]))
        if n_off:
            self._mask(weight)
            self._warn(n_off)
        self.trust(weight)

    def report(self, readings: Readings) -> None:
        """Let what was counted on an accelerator be read, which warns if there was anything."""
        counted, self._n_written = self._n_written, None
        if counted is not None:
            readings.read(counted, self._warn)

    def mask_weight(self, weight: Tensor) -> None:
        """Write zeros off the trained cells of a weight: in a tenth of the time that it takes to look for others."""
        self._mask(weight)
        self.trust(weight)

    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Mask what others have written of a gradient, a weight and what the optimizer remembers."""
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

    def after_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Trust what an optimizer has written that leaves zeros alone; look at what any other has."""
        if type(optimizer) in LINK_STATE:
            self.trust(weight)
            self.trust_moments(optimizer, weight)
        else:
            self.restore(weight)

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
        """Count, where the weight is, what others have written off the trained cells: the most at any look."""
        if not self._has_warned:
            n_off = torch.count_nonzero((local_of(weight) != 0) & ~self._layer_of().trained_mask)
            self._n_written = n_off if self._n_written is None else torch.maximum(self._n_written, n_off)

    def _warn(self, n_off: int) -> None:
        if n_off and not self._has_warned:
            layer = self._layer_of()
            self._has_warned = True
            warnings.warn(
                f"{n_off} weights of layer {layer.layer_name!r} off its {layer.n_links} links were written, and are 0 "
                "again: change values on the links alone (layer.set_link_values), or the links (layer.set_links); "
                "average a network whose links move by tl.AveragedModel",
                stacklevel=5,
            )
