"""`StepWatch`: checks the weight of a sparse layer before and after each step of any optimizer that trains it."""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import (
    _global_optimizer_post_hooks,
    _global_optimizer_pre_hooks,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from topolearn.sparse.weights.link_state import known_state
from topolearn.sparse.weights.local_tensors import local_of

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]
Stamp = tuple["weakref.ref[Tensor]", int]
_registering = threading.Lock()  # two threads must not both be the first


class StepWatch(ABC):
    """A post-accumulate hook of a weight, which the step hooks of optimizers also find and call."""

    def __init__(self) -> None:
        self._handle: Any = None
        with _registering:
            watch_optimizers()

    @property
    @abstractmethod
    def is_alive(self) -> bool:
        """Whether the layer of the weight still exists: an optimizer may keep a weight longer."""

    @abstractmethod
    def __call__(self, weight: Tensor) -> None:
        """Handle a gradient that has just been accumulated."""

    @abstractmethod
    def before_step(self, optimizer: Optimizer, weight: Tensor) -> None:
        """Check what a step is about to use."""

    @abstractmethod
    def after_step(self, optimizer: Optimizer, weight: Tensor, *, is_alone: bool) -> None:
        """Check what a step has done; ``is_alone`` unless hooks of other code ran during it."""

    def is_on(self, weight: Tensor) -> bool:
        """Whether the hook is on a weight; conversions may have replaced the tensor."""
        if not weight.requires_grad:
            return True
        hooks = weight._post_accumulate_grad_hooks
        return self._handle is not None and hooks is not None and self._handle.id in hooks

    def others(self, weight: Tensor) -> list[StepWatch]:
        """Return the watches of other layers on a weight, which then is theirs."""
        return [each for each in watches_of(weight) if each is not self]

    def put_on(self, weight: Tensor) -> None:
        """Put the hook on a trainable weight, if it is missing."""
        if not self.is_on(weight):
            self._handle = weight.register_post_accumulate_grad_hook(self)


@cache
def watch_optimizers() -> tuple[Any, Any]:
    """Register hooks that check watched weights around each step of every optimizer; done by the first sparse layer."""
    before, after = unless_traced(_before_step), unless_traced(_after_step)
    return register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)


def hooks_of(optimizer: Optimizer) -> list[Callable[..., Any]]:
    """Return all functions that are called before or after a step of an optimizer."""
    of_optimizer = (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks)
    of_all = (_global_optimizer_pre_hooks, _global_optimizer_post_hooks)
    return [hook for hooks in (*of_optimizer, *of_all) for hook in hooks.values()]


def has_other_hooks(optimizer: Optimizer) -> bool:
    """Return whether other code runs between topolearn's hooks before and after a step: it may write to weights."""
    return any(not getattr(hook, "__module__", "").startswith("topolearn.") for hook in hooks_of(optimizer))


def watches_of(weight: Tensor) -> list[StepWatch]:
    """Return the watches on a weight whose layers still exist."""
    hooks = weight._post_accumulate_grad_hooks
    return [hook for hook in hooks.values() if isinstance(hook, StepWatch) and hook.is_alive] if hooks else []


def version_of(tensor: Tensor) -> int:
    """Return the number of changes of a tensor; negative for an inference-mode tensor, which does not count them."""
    if tensor.is_inference():
        return -1
    shard = local_of(tensor)
    return tensor._version if shard is tensor else tensor._version + shard._version  # each counts its own changes


def stamp_of(tensor: Tensor) -> Stamp:
    """Return a tensor and its number of changes, with which `is_stamped` checks whether it is unchanged.

    Examples
    --------
    >>> import torch
    >>> tensor = torch.zeros(2)
    >>> stamp = stamp_of(tensor)
    >>> is_stamped(tensor, stamp), is_stamped(tensor.add_(1), stamp)
    (True, False)
    """
    return weakref.ref(tensor), version_of(tensor)


def is_stamped(tensor: Tensor, stamp: Stamp | None) -> bool:
    """Return whether this is the tensor of a stamp and has not been written to since."""
    return stamp is not None and stamp[0]() is tensor and stamp[1] == version_of(tensor) >= 0


def moments_of(optimizer: Optimizer, weight: Tensor) -> dict[str, Tensor]:
    """Return the state tensors an optimizer keeps per element of a weight; for unknown kinds, those of its shape."""
    state, known = optimizer.state.get(weight, {}), known_state(optimizer)
    if known is not None:
        return {key: state[key] for key in known if isinstance(state.get(key), Tensor)}
    return {key: each for key, each in state.items() if isinstance(each, Tensor) and each.shape == weight.shape}


def unless_traced(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return an optimizer hook that a compiled step calls between its graphs and never traces."""

    @wraps(hook)
    def called(*args: Any) -> Any:
        if torch.compiler.is_compiling():
            from topolearn.sparse.chains.untraced import call

            return call(hook, *args)
        return hook(*args)

    return called


def once_computed(look: Callable[[], object], args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords] | None:
    """Check what a step is about to use: immediately or, if a closure computes the gradients, after the closure.

    Parameters
    ----------
    look : callable
        The check.
    args, kwargs
        The arguments of the step's pre-hook, starting with the optimizer.

    Returns
    -------
    tuple or None
        New arguments for the step, if they change.
    """
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None:
        look()
        return None

    def closure_then_look() -> Any:
        loss = closure()
        look()
        return loss

    if len(args) > 1:
        return (args[0], closure_then_look, *args[2:]), kwargs
    return args, {**kwargs, "closure": closure_then_look}


def before_steps(optimizer: Optimizer) -> None:
    """Check what an optimizer's step, or several steps that run without it, are about to use."""
    for weight, watch in _watched(optimizer):
        watch.before_step(optimizer, weight)


def after_steps(optimizer: Optimizer) -> None:
    """Check what an optimizer's step, or several steps that ran without it, have done."""
    is_alone = not has_other_hooks(optimizer)
    for weight, watch in _watched(optimizer):
        watch.after_step(optimizer, weight, is_alone=is_alone)


def _before_step(optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords] | None:
    return once_computed(lambda: before_steps(optimizer), args, kwargs)


def _after_step(optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> None:
    after_steps(optimizer)


def _watched(optimizer: Optimizer) -> Iterator[tuple[Tensor, StepWatch]]:
    for group in optimizer.param_groups:
        for weight in group["params"]:
            for watch in watches_of(weight):  # a list: a check may put another hook on the weight
                yield weight, watch
