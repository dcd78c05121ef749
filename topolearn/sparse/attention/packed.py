"""Splits the packed parameters of `torch.nn.MultiheadAttention` into parameters of separate projections."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse.conversion.replaceable import Obstacle, obstacle_in_parameters, obstacle_to_sparsity

Parameters = tuple[nn.Parameter, nn.Parameter | None]


@torch.no_grad()
def start_as_packed(q: nn.Linear, k: nn.Linear, v: nn.Linear, output: nn.Linear) -> None:
    """Initialise new projections with the distributions of a new `torch.nn.MultiheadAttention`.

    Examples
    --------
    >>> layers = [nn.Linear(16, 16) for _ in range(4)]
    >>> start_as_packed(*layers)
    >>> any(layer.bias.any() for layer in layers)
    False
    """
    inward = (q, k, v)
    as_one = q.in_features == k.in_features == v.in_features  # then torch draws the three as one matrix
    for layer in inward:
        n_in, n_out = layer.in_features, layer.out_features
        if as_one:
            n_out = sum(each.out_features for each in inward)
        layer.weight.mul_(math.sqrt(6 / (n_in + n_out)) * math.sqrt(n_in))  # nn.Linear drew from +-1 / sqrt(n_in)
    for layer in (*inward, output):
        if layer.bias is not None:
            layer.bias.zero_()


def unpacked_parameters(module: nn.MultiheadAttention) -> list[Parameters]:
    """Return copies of the weights and biases of the query, key, value and output projections.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        See `Attention.from_multihead`.

    Examples
    --------
    >>> [tuple(weight.shape) for weight, bias in unpacked_parameters(nn.MultiheadAttention(8, 2, kdim=3))]
    [(8, 8), (8, 3), (8, 8), (8, 8)]
    """
    _check_unpackable(module)
    if module.in_proj_weight is None:
        weights = [_copy(weight) for weight in (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)]
    else:
        weights = _thirds(module.in_proj_weight)
    biases = [None] * 3 if module.in_proj_bias is None else _thirds(module.in_proj_bias)
    bias = module.out_proj.bias
    output = (_copy(module.out_proj.weight), None if bias is None else _copy(bias))
    return [*zip(weights, biases, strict=True), output]


def _check_unpackable(module: nn.MultiheadAttention) -> None:
    if type(module) is not nn.MultiheadAttention:
        raise InvalidTypeError(
            f"{type(module).__name__} is not nn.MultiheadAttention itself and may compute something else: replace it "
            "with topolearn.Attention by hand"
        )
    names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias")
    obstacle = obstacle_in_parameters(module, names) or obstacle_to_sparsity(module.out_proj)
    if obstacle or "forward" in vars(module):
        reason, cure = obstacle or Obstacle("has its own forward", "replace it with topolearn.Attention by hand")
        raise InvalidValueError(f"nn.MultiheadAttention, or its out_proj, {reason}: {cure}")
    if module.bias_k is not None or module.add_zero_attn:
        option = "add_bias_kv" if module.bias_k is not None else "add_zero_attn"
        raise InvalidValueError(f"nn.MultiheadAttention with {option}=True cannot be unpacked: use {option}=False")


def _thirds(packed: nn.Parameter) -> list[nn.Parameter]:
    return [nn.Parameter(third.clone(), packed.requires_grad) for third in packed.detach().chunk(3)]


def _copy(parameter: Tensor) -> nn.Parameter:
    return nn.Parameter(parameter.detach().clone(), parameter.requires_grad)
