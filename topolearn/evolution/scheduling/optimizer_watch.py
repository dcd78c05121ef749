"""`OptimizerWatch`: acting before and after each step of an optimizer, through torch's hooks."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.errors import InvalidValueError
from topolearn.evolution.scheduling.replay import is_capturing
from topolearn.evolution.scheduling.shared_step import SharedStep
from topolearn.sparse.weights.optimizer_steps import Arguments, Keywords, once_computed, unless_traced
from topolearn.waiting import is_asynchronous


class OptimizerWatch:
    """Knows whether the optimizer took a step, and calls a function before each step.

    The function needs the gradients of the step. In ``optimizer.step(closure)`` the closure computes them, so the
    function runs after the closure and before the optimizer reads the gradients.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    before : callable
        Called before each step with the factor by which the gradients are still scaled: 1, or a tensor with the scale
        of a ``GradScaler`` that a fused optimizer divides out itself. Returns the factor for the learning rate of this
        step, or None to leave the parameters unchanged.

    Attributes
    ----------
    took_step : bool
        Whether the optimizer took a step that has not been counted yet; the scheduler resets this when it counts.
    """

    def __init__(self, optimizer: Optimizer, before: Callable[[float | Tensor], float | None]) -> None:
        self.took_step = False
        self._skips = False
        self._has_warned = False
        self._before = weakref.WeakMethod(before)
        self._shared = shared = SharedStep.of(optimizer)
        shared.join(self)
        watch = weakref.ref(self)  # the optimizer must not keep an unused scheduler alive

        def before_step(optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords] | None:
            if (alive := watch()) is None:
                return None
            shared.begin(optimizer, alive)
            alive._skips = False
            return once_computed(partial(_act, watch, optimizer), args, kwargs)

        before_step.shared_step = shared  # type: ignore[attr-defined]

        def after_step(optimizer: Optimizer, *_: Any) -> None:
            if (alive := watch()) is not None:
                alive._after_step(optimizer)

        self._hooks = [
            optimizer.register_step_pre_hook(unless_traced(before_step)),
            optimizer.register_step_post_hook(unless_traced(after_step)),
        ]
        weakref.finalize(self, _remove, self._hooks)

    def _before_step(self, optimizer: Optimizer) -> None:
        self._shared.set_rates(optimizer, self, 1.0)
        before = self._before()
        self._skips = is_skipped(optimizer) or is_empty(optimizer)
        if before is None or self._skips:
            self._shared.act(optimizer, self)
            return
        scale = getattr(optimizer, "grad_scale", None)
        factor = before(1.0 if scale is None else scale)
        self._shared.act(optimizer, self, skip=factor is None)
        if factor is not None:
            self._shared.set_rates(optimizer, self, factor)

    def _after_step(self, optimizer: Optimizer) -> None:
        self._shared.end(optimizer)
        self.took_step |= not self._skips and not is_capturing()

    def warn_of_no_step(self, optimizer: Optimizer) -> None:
        """Warn that there is no step to count, unless the last one changed nothing.

        Raises
        ------
        InvalidValueError
            When a CUDA graph is being captured, which takes no step.
        """
        if is_capturing():
            raise InvalidValueError(
                "topology.step() was called while capturing a CUDA graph, which cannot evolve a topology: call "
                "topology.step(replayed=True) after graph.replay()"
            )
        if not (self._skips or has_overflow(optimizer)):
            warnings.warn(
                "topology.step() was called without an optimizer.step() since the last call, so no step is counted: "
                "call optimizer.step() first, or topology.step(replayed=True) for a step that a CUDA graph replayed",
                stacklevel=3,
            )

    def warn_of_uncounted_steps(self, n_counted: int) -> None:
        """Warn, once, that a step begins before the last one was counted, so the topology misses steps."""
        if self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"optimizer.step() was called again before topology.step(): of {n_counted + 2} optimizer steps, "
            f"{n_counted} are counted, so the topology changes later than planned, or never: call topology.step() "
            "after every optimizer.step(), or let tl.attach(optimizer, topology) do so",
            stacklevel=9,
        )


def is_skipped(optimizer: Optimizer) -> bool:
    """Return whether the current step is one that a ``GradScaler`` makes a fused optimizer skip.

    On an accelerator this makes the host wait once per step, as torch does for optimizers that are not fused.
    """
    found_inf = getattr(optimizer, "found_inf", None)
    return isinstance(found_inf, Tensor) and bool(found_inf)


def is_empty(optimizer: Optimizer) -> bool:
    """Return whether learning rates and gradients are all 0 in the current step.

    `torch.distributed.checkpoint` takes such a step to create the state of an optimizer. On an accelerator the host
    does not wait for learning rates that are tensors there.
    """
    if is_capturing() or not all(_is_zero(group.get("lr")) for group in optimizer.param_groups):
        return False
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    return not any(bool(_size_of(gradient)) for gradient in gradients)


def _is_zero(rate: Any) -> bool:
    return not (isinstance(rate, Tensor) and is_asynchronous(rate.device)) and rate == 0


def _size_of(gradient: Tensor) -> Tensor:
    """Return the sum of the magnitudes in a gradient, over all shards if it is sharded."""
    size = torch.linalg.vector_norm(gradient, 1)
    return getattr(size, "full_tensor", lambda: size)()


def has_overflow(optimizer: Optimizer) -> bool:
    """Return whether a gradient is not finite, the reason why a ``GradScaler`` skips a step."""
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    return not all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def _act(watch: weakref.ref[OptimizerWatch], optimizer: Optimizer) -> None:
    if (alive := watch()) is not None:
        alive._before_step(optimizer)


def _remove(hooks: list[Any]) -> None:
    for hook in hooks:
        hook.remove()
