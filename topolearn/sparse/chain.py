"""Layers of the csr backend as one step of autograd, with feature-major activations in between."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import products, torch_products
from topolearn.sparse.index import LinkIndex

if TYPE_CHECKING:
    from topolearn.sparse.csr import CsrLinear

Spec = tuple[tuple[LinkIndex, bool, "list[tuple[Tensor, Tensor]] | None"], ...]
COMPILED = find_spec("numba") is not None


def sparse_chain(x: Tensor, layers: Sequence[CsrLinear], relus: Sequence[bool]) -> Tensor:
    """Apply layers one after another, each with ReLU or without.

    Parameters
    ----------
    x : Tensor, shape (..., n_in)
    layers : sequence of CsrLinear
        The outputs of each are the inputs of the next.
    relus : sequence of bool
        Whether ReLU follows each layer.

    Returns
    -------
    Tensor, shape (..., n_out)
        As feature-major memory, so that a further sparse layer needs no copy.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When x is of another dtype or device than the layers, or has another number of features.
    """
    first, kind = layers[0], x.device.type
    if kind == first.values.device.type and x.is_floating_point() and torch.is_autocast_enabled(kind):
        x = x.to(first.values.dtype)
    _check(x, first)
    for before, after in pairwise(layers):
        _check_pair(before, after)
    spec = tuple((layer.index, relu, layer.record) for layer, relu in zip(layers, relus, strict=True))
    parameters = [each for layer in layers for each in (layer.values, layer.bias)]
    batch = x if x.dim() == 2 else x.reshape(-1, first.in_features)
    y: Tensor = _Chain.apply(batch.t(), spec, *parameters)
    return y.t() if x.dim() == 2 else y.t().view(*x.shape[:-1], layers[-1].out_features)


class _Chain(torch.autograd.Function):
    """One node for any number of layers, from and to feature-major activations, shape (n_neurons, batch)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, spec: Spec, *parameters: Tensor | None) -> Tensor:
        activations, form = [x.contiguous()], _form(x)
        for (links, relu, _), values, bias in zip(spec, parameters[::2], parameters[1::2], strict=True):
            activations.append(form.outputs(links, values, bias, activations[-1], relu))
        # The last outputs are needed for their ReLU alone; unsaved, whatever follows may change them in place.
        kept = activations if spec[-1][1] else activations[:-1]
        ctx.save_for_backward(*kept, *parameters[::2])
        ctx.spec, ctx.has_bias, ctx.n_kept = spec, [bias is not None for bias in parameters[1::2]], len(kept)
        return activations[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        activations, weights = saved[: ctx.n_kept], saved[ctx.n_kept :]
        form, spec = _form(gradient), ctx.spec
        found: list[Tensor | None] = [None] * (2 * len(spec))
        dy, masked = gradient.contiguous(), False
        for i in reversed(range(len(spec))):
            links, relu, record = spec[i]
            mask = relu and not masked
            if mask or ctx.has_bias[i]:
                dy, dbias = form.before_activation(activations[i + 1] if mask else dy, dy, mask)
                found[2 * i + 1] = dbias if ctx.has_bias[i] else None
            if record is not None:
                record.append((activations[i], dy))
            need_dx, masked = i > 0 or ctx.needs_input_grad[0], i > 0 and spec[i - 1][1]
            dx, found[2 * i] = form.gradients(
                links, weights[i], activations[i], dy, need_dx=need_dx, behind_relu=masked
            )
            dy = dx
        return (dy, None, *found)


def _form(x: Tensor) -> ModuleType:
    """Return the products for a device: compiled ones for the CPU, torch's for any other, or without numba."""
    return products if COMPILED and x.device.type == "cpu" else torch_products


def _check_pair(before: CsrLinear, after: CsrLinear) -> None:
    if before.out_features != after.in_features:
        raise InvalidValueError(
            f"a layer with {before.out_features} outputs is followed by one with {after.in_features} inputs"
        )
    if (before.values.dtype, before.values.device) != (after.values.dtype, after.values.device):
        raise InvalidTypeError(
            f"a layer in {before.values.dtype} on {before.values.device} is followed by one in {after.values.dtype} on "
            f"{after.values.device}: convert one of them"
        )


def _check(x: Tensor, layer: CsrLinear) -> None:
    if x.dtype != layer.values.dtype or x.device != layer.values.device:
        raise InvalidTypeError(
            f"the input is {x.dtype} on {x.device}, the layer {layer.values.dtype} on {layer.values.device}: "
            "convert one of them"
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise InvalidTypeError(f"the csr backend computes in float32 or float64, not {x.dtype}: use backend='masked'")
    if not x.dim() or x.shape[-1] != layer.in_features:
        raise InvalidValueError(
            f"the input has shape {tuple(x.shape)}; its last dimension must be the layer's {layer.in_features} inputs"
        )
