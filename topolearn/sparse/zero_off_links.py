"""`ZeroOffLinks`: keeps a masked weight, its gradient and its moments zero off the trained cells, whoever writes them.

A tensor counts its in-place changes (`_version`). After a write of our own, or a step of an optimizer that leaves zeros
alone, the numbers are kept; where they are the same later, nobody else has written, and nothing is to be done. Where
they differ, the tensor is masked again. Clipping and unscaling change gradients in place, so these are masked twice.

Writes through ``.data`` change no number: they are looked for at an update, at ``state_dict()`` and at ``eval()``, and
are not seen in between. A compiled forward does not look; its steps do.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

if TYPE_CHECKING:  # a layer makes its watch, and the watch knows the layer by its annotation alone
    from topolearn.sparse.masked import MaskedLinear

# Optimizers that leave a weight at zero whose gradient and moments are zero.
LEAVES_ZERO: tuple[type[Optimizer], ...] = (SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Adadelta)
Stamp = tuple["weakref.ref[Tensor]", int]


class ZeroOffLinks:
    """The hook of a masked weight: masks its gradient as it accumulates, and notices what others have written since.

    Parameters
    ----------
    layer : MaskedLinear
    """

    def __init__(self, layer: MaskedLinear) -> None:
        self._layer = weakref.ref(layer)
        self._weight: Stamp | None = None
        self._gradient: Stamp | None = None
        self._moments: weakref.WeakKeyDictionary[Optimizer, dict[str, Stamp]] = weakref.WeakKeyDictionary()
        self._handle: Any = None
        self._has_warned = False
        watch_optimizers()

    def __call__(self, weight: Tensor) -> None:
        """Mask the gradient of the weight, which has just been accumulated."""
        if weight.grad is not None and self._layer() is not None:  # an optimizer may keep the weight of a lost layer
            self._mask(weight.grad)
            self.trust_gradient(weight)

    def trusts(self, weight: Tensor) -> bool:
        """Whether this is the weight that was watched last, with its hook, and nobody else has written to it."""
        return _is_stamped(weight, self._weight) and self._is_hooked(weight)

    def trust(self, weight: Tensor) -> None:
        """Take a weight as zero off the trained cells, and watch it from now on."""
        if weight.requires_grad and not self._is_hooked(weight):
            self._handle = weight.register_post_accumulate_grad_hook(self)
        self._weight = _stamp(weight)

    def follow_links(self, weight: Tensor) -> None:
        """Take weight and gradient as zero off new links; what optimizers remember is masked before their next step."""
        self.trust(weight)
        self.trust_gradient(weight)
        self._moments.clear()

    def trust_gradient(self, weight: Tensor) -> None:
        """Take the gradient of a weight as zero off the trained cells."""
        self._gradient = None if weight.grad is None else _stamp(weight.grad)

    def restore(self, weight: Tensor) -> None:
        """Write zeros off the trained cells of a weight, with a warning if there is anything else."""
        with torch.no_grad():
            n_off = int(((weight.detach() != 0) & ~self._layer_of().trained_mask).sum())
        if n_off:
            self._mask(weight)
            self._warn(n_off)
        self.trust(weight)

    def check_gradient(self, weight: Tensor) -> None:
        """Mask a gradient that others have written."""
        gradient = weight.grad
        if gradient is not None and not _is_stamped(gradient, self._gradient):
            self._mask(gradient)
            self.trust_gradient(weight)

    def check_moments(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Mask what an optimizer remembers of a weight, where others have written it."""
        known = self._moments.get(optimizer, {})
        for key, moment in _moments(optimizer, weight).items():
            if not _is_stamped(moment, known.get(key)):
                self._mask(moment)

    def trust_moments(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Take what an optimizer remembers of a weight as zero off the trained cells."""
        self._moments[optimizer] = {key: _stamp(moment) for key, moment in _moments(optimizer, weight).items()}

    def _is_hooked(self, weight: Tensor) -> bool:
        """Whether the hook is still on a weight: conversions may take its place with another tensor."""
        if not weight.requires_grad:
            return True
        hooks = weight._post_accumulate_grad_hooks
        return self._handle is not None and hooks is not None and self._handle.id in hooks

    def _layer_of(self) -> MaskedLinear:
        layer = self._layer()
        assert layer is not None, "a weight outlives its layer"
        return layer

    def _mask(self, tensor: Tensor) -> None:
        bits = self._layer_of().trained_bits(tensor)
        with torch.no_grad():
            tensor.view(bits.dtype).bitwise_and_(bits)

    def _warn(self, n_off: int) -> None:
        if not self._has_warned:
            layer = self._layer_of()
            self._has_warned = True
            warnings.warn(
                f"{n_off} weights of layer {layer.layer_name!r} off its {layer.n_links} links were written, and are 0 "
                "again: change values on the links alone (layer.set_link_values), or the links (layer.set_links)",
                stacklevel=5,
            )


@cache
def watch_optimizers() -> tuple[Any, Any]:
    """Look at watched weights around each step of every optimizer, from the first masked layer on."""
    return (
        register_optimizer_step_pre_hook(_before_step),
        register_optimizer_step_post_hook(_after_step),
    )


def _before_step(
    optimizer: Optimizer, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Check what a step is about to use; a closure computes it first. The first of the arguments is the optimizer."""
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None:
        _check(optimizer)
        return None

    def checked() -> Any:
        loss = closure()
        _check(optimizer)
        return loss

    return ((args[0], checked, *args[2:]), dict(kwargs)) if len(args) > 1 else (args, {**kwargs, "closure": checked})


def _check(optimizer: Optimizer) -> None:
    for weight, watch in _watched(optimizer):
        watch.check_gradient(weight)
        watch.check_moments(optimizer, weight)
        if not watch.trusts(weight):
            watch.restore(weight)


def _after_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for weight, watch in _watched(optimizer):
        if type(optimizer) in LEAVES_ZERO:
            watch.trust(weight)
            watch.trust_moments(optimizer, weight)
        else:
            watch.restore(weight)


def _watched(optimizer: Optimizer) -> Iterator[tuple[Tensor, ZeroOffLinks]]:
    for group in optimizer.param_groups:
        for weight in group["params"]:
            hooks = weight._post_accumulate_grad_hooks
            for hook in hooks.values() if hooks else ():
                if isinstance(hook, ZeroOffLinks) and hook._layer() is not None:
                    yield weight, hook


def _moments(optimizer: Optimizer, weight: Tensor) -> dict[str, Tensor]:
    """Return what an optimizer remembers of each element of a weight."""
    state = optimizer.state.get(weight, {})
    return {key: each for key, each in state.items() if isinstance(each, Tensor) and each.shape == weight.shape}


def _version(tensor: Tensor) -> int:
    """Return the number of changes of a tensor; below 0 for one of inference mode, which does not count them."""
    return -1 if tensor.is_inference() else tensor._version


def _stamp(tensor: Tensor) -> Stamp:
    return weakref.ref(tensor), _version(tensor)


def _is_stamped(tensor: Tensor, stamp: Stamp | None) -> bool:
    return stamp is not None and stamp[0]() is tensor and stamp[1] == _version(tensor) >= 0
