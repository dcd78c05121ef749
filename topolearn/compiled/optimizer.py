"""Which optimizers support compiled steps (torch's SGD, Adam and AdamW), and what their kernels need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from topolearn.compiled.kernels.optimizers import adam_kernel, sgd_kernel
from topolearn.sparse.weights.optimizer_steps import StepWatch, hooks_of
from topolearn.threads import Kernel

KINDS = (SGD, Adam, AdamW)
# Hooks of these modules may be skipped: compiled steps do their work, or `step(replayed=n)` reports the steps to them.
KNOWN_HOOKS = "topolearn.sparse.weights.optimizer_steps", "topolearn.evolution.scheduling.optimizer_watch"
OFF = {  # settings that compiled steps do not support, and their values when off
    "maximize": False, "differentiable": False, "capturable": False, "amsgrad": False, "dampening": 0,
}  # fmt: skip


@dataclass(frozen=True)
class ParameterStep:
    """How an optimizer updates one parameter.

    Attributes
    ----------
    parameter : Tensor
    group : int
        Index of its param group, which has its learning rate.
    kernel : Kernel
    settings : tuple of float
        In the order in which the kernel reads them.
    moments : tuple of Tensor
        The values that the optimizer keeps per element.
    """

    parameter: Tensor
    group: int
    kernel: Kernel
    settings: tuple[float, ...]
    moments: tuple[Tensor, ...]


def why_not_optimizer(optimizer: Optimizer) -> str | None:
    """Return why the steps of an optimizer cannot be compiled, or None if they can.

    Examples
    --------
    >>> weights = [torch.nn.Parameter(torch.ones(2))]
    >>> why_not_optimizer(torch.optim.SGD(weights, lr=0.1, maximize=True))
    'the optimizer has maximize=True'
    """
    if type(optimizer) not in KINDS:
        return f"the optimizer is {type(optimizer).__name__}, not torch's SGD, Adam or AdamW"
    if any(getattr(hook, "__module__", "") not in KNOWN_HOOKS for hook in hooks_of(optimizer)):
        return "the optimizer has step hooks"
    for group in optimizer.param_groups:
        for name, off in OFF.items():
            if group.get(name, off) != off:
                return f"the optimizer has {name}={group[name]}"
        if isinstance(group["lr"], Tensor):
            return "the optimizer's learning rate is a tensor"
        for parameter in group["params"]:
            watches = getattr(parameter, "_post_accumulate_grad_hooks", None) or {}
            if parameter._backward_hooks or any(not isinstance(hook, StepWatch) for hook in watches.values()):
                return "a parameter has hooks"
    return None


def steps_of(optimizer: Optimizer, dtype: str) -> list[ParameterStep]:
    """Return how an optimizer updates each trainable parameter; creates the optimizer's state where it is missing.

    Parameters
    ----------
    optimizer : SGD, Adam or AdamW
    dtype : str
        The dtype of the parameters.
    """
    return [
        _step(optimizer, i, group, parameter, dtype)
        for i, group in enumerate(optimizer.param_groups)
        for parameter in group["params"]
        if parameter.requires_grad
    ]


def count_steps(optimizer: Optimizer, n_steps: int) -> None:
    """Add steps that were taken on an optimizer's behalf to its step counts."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if "step" in optimizer.state.get(parameter, {}):
                optimizer.state[parameter]["step"] += n_steps


def _step(
    optimizer: Optimizer, group_number: int, group: dict[str, Any], parameter: Tensor, dtype: str
) -> ParameterStep:
    state, decay = optimizer.state[parameter], float(group["weight_decay"])
    if isinstance(optimizer, SGD):
        momentum: float = group["momentum"]
        moments: tuple[Tensor, ...] = ()
        if momentum:
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            moments = (state["momentum_buffer"],)
        kernel = sgd_kernel(dtype, int(momentum != 0), int(group["nesterov"]))
        return ParameterStep(parameter, group_number, kernel, (momentum, decay), moments)
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
    decoupled = type(optimizer) is AdamW or bool(group.get("decoupled_weight_decay"))
    settings = (*map(float, group["betas"]), float(group["eps"]), decay, float(state["step"]))
    kernel = adam_kernel(dtype, int(decoupled))
    return ParameterStep(parameter, group_number, kernel, settings, (state["exp_avg"], state["exp_avg_sq"]))
