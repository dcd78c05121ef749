"""The data of compiled steps: features, targets, their order and learning rates, checked before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.optim import Optimizer

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import Stage


@dataclass(frozen=True)
class Examples:
    """The training data: all features and targets, and the order of the examples.

    Attributes
    ----------
    x, y : Tensor, shape (n_examples, n_features), and (n_examples,) or (n_examples, n_outputs)
    order : Tensor of int64
    mean, deviation : float
        Features are standardised with these.
    """

    x: Tensor
    y: Tensor
    order: Tensor
    mean: float
    deviation: float


def rates_of(optimizer: Optimizer, rates: ArrayLike | None, n_steps: int) -> np.ndarray:
    """Return the learning rate of each param group at each step, float64, shape (n_groups, n_steps).

    Raises
    ------
    InvalidValueError
        When their number is wrong, or one is negative or not finite.
    """
    groups = optimizer.param_groups
    if rates is None:
        table = np.repeat([[float(group["lr"])] for group in groups], n_steps, axis=1)
    else:
        table = np.asarray(rates, dtype=np.float64)
        if table.shape not in ((n_steps,), (len(groups), n_steps)):
            raise InvalidValueError(
                f"rates has shape {table.shape}: it must be ({n_steps},), one rate per step, or "
                f"({len(groups)}, {n_steps}), with a row per param group"
            )
        table = np.broadcast_to(table, (len(groups), n_steps))
    if not (np.isfinite(table) & (table >= 0)).all():
        raise InvalidValueError("a learning rate is negative or not finite: each must be a number of at least 0")
    return table


def check_examples(stages: Sequence[Stage], examples: Examples, loss: str) -> None:
    """Reject data that do not fit the model: compiled code would read out of bounds.

    Raises
    ------
    InvalidTypeError, InvalidValueError
    """
    x, y, order = examples.x, examples.y, examples.order
    dtype, n_in, n_out = stages[0].values.dtype, stages[0].links.n_in, stages[-1].links.n_out
    if x.dtype not in (torch.uint8, dtype) or x.device.type != "cpu":
        raise InvalidTypeError(f"x is {x.dtype} on {x.device}: it must be uint8, or the model's {dtype}, on the CPU")
    if x.dim() != 2 or x.shape[1] != n_in:
        raise InvalidValueError(f"x has shape {tuple(x.shape)}: it must be (n_examples, {n_in})")
    if loss == "cross_entropy":
        if y.dtype != torch.int64 or y.shape != x.shape[:1]:
            raise InvalidTypeError(f"y is {y.dtype} of shape {tuple(y.shape)}: it must hold {len(x)} labels, int64")
        if len(y) and not 0 <= int(y.min()) <= int(y.max()) < n_out:
            raise InvalidValueError(
                f"y has labels from {int(y.min())} to {int(y.max())}: with {n_out} outputs, use 0 to {n_out - 1}"
            )
    elif y.dtype != dtype or y.shape != (len(x), n_out):
        raise InvalidTypeError(
            f"y is {y.dtype} of shape {tuple(y.shape)}: it must be {dtype} of shape ({len(x)}, {n_out})"
        )
    if order.dtype != torch.int64 or order.dim() != 1:
        raise InvalidTypeError(
            f"order is {order.dtype} of shape {tuple(order.shape)}: it must be a vector of example indices, int64"
        )
    if len(order) and not 0 <= int(order.min()) <= int(order.max()) < len(x):
        raise InvalidValueError(
            f"order has indices from {int(order.min())} to {int(order.max())}: there are {len(x)} examples, counted "
            "from 0"
        )
