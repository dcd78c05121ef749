"""`StepWatch`: what looks at the weight of a sparse layer around each step of whatever optimizer trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


class StepWatch(ABC):
    """A hook of a weight, called when its gradient has been accumulated, that an optimizer's step finds there."""

    def __init__(self) -> None:
        self._handle: Any = None
        watch_optimizers()

    @property
    @abstractmethod
    def is_alive(self) -> bool:
        """Whether the layer of the weight still exists: an optimizer may keep a weight longer."""

    @abstractmethod
    def __call__(self, weight: Tensor) -> None:
        """Look at a gradient that has just been accumulated."""

    @abstractmethod
    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Look at what a step is about to use."""

    @abstractmethod
    def after_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Look at what a step has done."""

    def is_on(self, weight: Tensor) -> bool:
        """Whether the hook is on a weight: conversions may have put another tensor in its place."""
        if not weight.requires_grad:
            return True
        hooks = weight._post_accumulate_grad_hooks
        return self._handle is not None and hooks is not None and self._handle.id in hooks

    def put_on(self, weight: Tensor) -> None:
        """Put the hook on a weight that trains, if it is not there."""
        if not self.is_on(weight):
            self._handle = weight.register_post_accumulate_grad_hook(self)


@cache
def watch_optimizers() -> tuple[Any, Any]:
    """Look at watched weights around each step of every optimizer, from the first sparse layer on."""
    return register_optimizer_step_pre_hook(_before_step), register_optimizer_step_post_hook(_after_step)


def version_of(tensor: Tensor) -> int:
    """Return the number of changes of a tensor; below 0 for one of inference mode, which does not count them."""
    return -1 if tensor.is_inference() else tensor._version


def moments_of(optimizer: Optimizer, weight: Tensor) -> dict[str, Tensor]:
    """Return what an optimizer remembers of each element of a weight."""
    state = optimizer.state.get(weight, {})
    return {key: each for key, each in state.items() if isinstance(each, Tensor) and each.dim() == weight.dim()}


def _before_step(
    optimizer: Optimizer, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Look at what a step is about to use; a closure computes it first. The first argument is the optimizer."""
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None:
        _look(optimizer)
        return None

    def looked_after() -> Any:
        loss = closure()
        _look(optimizer)
        return loss

    if len(args) > 1:
        return (args[0], looked_after, *args[2:]), dict(kwargs)
    return args, {**kwargs, "closure": looked_after}


def _look(optimizer: Optimizer) -> None:
    for weight, watch in _watched(optimizer):
        watch.before_step(optimizer, weight)


def _after_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for weight, watch in _watched(optimizer):
        watch.after_step(optimizer, weight)


def _watched(optimizer: Optimizer) -> Iterator[tuple[Tensor, StepWatch]]:
    for group in optimizer.param_groups:
        for weight in group["params"]:
            hooks = weight._post_accumulate_grad_hooks
            for hook in hooks.values() if hooks else ():
                if isinstance(hook, StepWatch) and hook.is_alive:
                    yield weight, hook
