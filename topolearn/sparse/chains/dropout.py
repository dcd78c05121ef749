"""Dropout on the CPU with 32 random bits per activation."""

from typing import TypeGuard

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidValueError

STEPS = 2**32  # values of a random number


def dropout(x: Tensor, p: float) -> Tensor:
    r"""Set each activation to 0 with probability p, to within :math:`2^{-32}`, and scale the others by 1 / (1 - p).

    `torch.nn.functional.dropout` draws twice as many bits and takes four times as long. The random bits come from
    torch's default generator, and the result has the memory order of x.

    Parameters
    ----------
    x : Tensor on the CPU
    p : float
        Strictly between 0 and 1.

    Raises
    ------
    InvalidValueError
        When p is not strictly between 0 and 1.

    Examples
    --------
    >>> y = dropout(torch.ones(1000), 0.2)
    >>> y.unique().tolist(), 150 < int((y == 0).sum()) < 250
    ([0.0, 1.25], True)
    """
    if not 0 < p < 1:
        raise InvalidValueError(f"p={p} must be a probability strictly between 0 and 1")
    pairs = torch.empty((x.numel() + 1) // 2, dtype=torch.int64, device=x.device)
    pairs.random_(-(2**63), None, generator=torch.default_generator)
    kept = pairs.view(torch.int32)[: x.numel()] >= min(round(p * STEPS), STEPS - 1) - STEPS // 2
    mask = torch.empty_like(x, requires_grad=False)
    torch.mul(kept.as_strided(x.shape, mask.stride()), 1 / (1 - p), out=mask)
    return x * mask


def drops(module: nn.Module, x: Tensor) -> TypeGuard[nn.Dropout]:
    """Whether a module is a dropout that `dropout` computes faster for x."""
    return (
        type(module) is nn.Dropout
        and module.training
        and 0 < module.p < 1
        and not module.inplace
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.compiler.is_compiling()
    )
