"""`SharedStep`: one step of an optimizer on which the schedulers of several models act together."""

from __future__ import annotations

import weakref
from typing import Any

from torch.optim import Optimizer


class SharedStep:
    """The learning rates of a step, and whether it is skipped, as all schedulers of an optimizer want it.

    The step takes the lowest of their learning rates, and is skipped if one of them skips it. Gradients disappear only
    after all schedulers have seen them.
    """

    def __init__(self) -> None:
        self._actors: weakref.WeakSet[Any] = weakref.WeakSet()
        self._begun: set[int] = set()
        self._acted: set[int] = set()
        self._is_skipped = False
        self._factors: dict[int, float] = {}
        self._rates: list[Any] | None = None

    @classmethod
    def of(cls, optimizer: Optimizer) -> SharedStep:
        """Return the shared step of an optimizer's hooks, or another if none of them has one."""
        shared = (getattr(hook, "shared_step", None) for hook in optimizer._optimizer_step_pre_hooks.values())
        return next((each for each in shared if each is not None), cls())

    def join(self, actor: object) -> None:
        """Include an actor, for as long as it exists, in every step from now on."""
        self._actors.add(actor)

    def begin(self, optimizer: Optimizer, actor: object) -> None:
        """Note that a step begins, which each actor says once; the last one may have failed halfway."""
        if id(actor) in self._begun:
            self.end(optimizer)
        self._begun.add(id(actor))

    def set_rates(self, optimizer: Optimizer, actor: object, factor: float) -> None:
        """Multiply the learning rates of this step by a factor, or by the lowest one that an actor asks for."""
        if self._rates is None and factor == 1:
            return
        self._rates = self._rates or [group["lr"] for group in optimizer.param_groups]
        self._factors[id(actor)] = factor
        lowest = min(self._factors.values())
        for group, rate in zip(optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * lowest if lowest != 1 else rate

    def act(self, optimizer: Optimizer, actor: object, *, skip: bool = False) -> None:
        """Note that an actor has seen the gradients; after the last one, drop them if the step is skipped."""
        if id(actor) in self._acted:  # a closure that is called again computes other gradients
            self._acted.clear()
            self._is_skipped = False
        self._acted.add(id(actor))
        self._is_skipped |= skip
        if self._is_skipped and self._acted >= {id(each) for each in self._actors}:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None

    def end(self, optimizer: Optimizer) -> None:
        """Restore the learning rates."""
        if self._rates is not None:
            for group, rate in zip(optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate
        self._rates = None
        self._factors.clear()
        self._begun.clear()
        self._acted.clear()
        self._is_skipped = False
