"""`StepWatch`: what looks at the weight of a sparse layer around each step of whatever optimizer trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from topolearn.sparse.link_state import known_state
from topolearn.sparse.local_tensors import local_of

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]


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
    if tensor.is_inference():
        return -1
    shard = local_of(tensor)
    return tensor._version if shard is tensor else tensor._version + shard._version  # each counts changes of its own


def moments_of(optimizer: Optimizer, weight: Tensor) -> dict[str, Tensor]:
    """Return what an optimizer remembers of each element of a weight; of unknown ones, what has the weight's shape."""
    state, known = optimizer.state.get(weight, {}), known_state(optimizer)
    if known is not None:
        return {key: state[key] for key in known if isinstance(state.get(key), Tensor)}
    return {key: each for key, each in state.items() if isinstance(each, Tensor) and each.shape == weight.shape}


def once_computed(look: Callable[[], object], args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords] | None:
    """Look at what a step is about to use: at once, or, where a closure computes it, after the closure.

    Parameters
    ----------
    look : callable
    args, kwargs
        Those of the pre-hook of a step, the optimizer first.

    Returns
    -------
    tuple or None
        The arguments of the step, if they are others.
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


def _before_step(optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords] | None:
    return once_computed(lambda: _look(optimizer), args, kwargs)


def _look(optimizer: Optimizer) -> None:
    for weight, watch in _watched(optimizer):
        watch.before_step(optimizer, weight)


def _after_step(optimizer: Optimizer, args: Arguments, kwargs: Keywords) -> None:
    for weight, watch in _watched(optimizer):
        watch.after_step(optimizer, weight)


def _watched(optimizer: Optimizer) -> Iterator[tuple[Tensor, StepWatch]]:
    for group in optimizer.param_groups:
        for weight in group["params"]:
            hooks = weight._post_accumulate_grad_hooks
            for hook in hooks.values() if hooks else ():
                if isinstance(hook, StepWatch) and hook.is_alive:
                    yield weight, hook
