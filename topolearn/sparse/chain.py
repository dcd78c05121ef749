"""Layers of the csr backend as one step of autograd, with feature-major activations in between."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import torch_products
from topolearn.sparse.gradient_record import Passes
from topolearn.sparse.index import LinkIndex

COMPILED = find_spec("numba") is not None


class Stage(NamedTuple):
    """A layer of a chain, and the ReLU behind it.

    Attributes
    ----------
    links : LinkIndex
    values : Tensor with an element for each link
        A dense layer, whose links are all there, has its weight here.
    bias : Tensor, shape (n_out,), or None
    relu : bool
    record : list or None
        Where inputs, and gradients before the activation, are kept at each backward pass; both feature-major.
    """

    links: LinkIndex
    values: Tensor
    bias: Tensor | None
    relu: bool
    record: Passes | None = None


def sparse_chain(x: Tensor, stages: Sequence[Stage], *, feature_major: bool = True) -> Tensor:
    """Apply layers one after another.

    Parameters
    ----------
    x : Tensor, shape (..., n_in)
    stages : sequence of Stage
        The outputs of each are the inputs of the next.
    feature_major : bool
        Whether the result is a view of feature-major memory, so that a further sparse layer needs no copy.

    Returns
    -------
    Tensor, shape (..., n_out)

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When x is of another dtype or device than the layers, or has another number of features.
    """
    first, kind = stages[0], x.device.type
    if kind == first.values.device.type and x.is_floating_point() and torch.is_autocast_enabled(kind):
        x = x.to(first.values.dtype)
    _check(x, first)
    for stage in stages:
        if stage.bias is not None and stage.bias.dtype != stage.values.dtype:
            raise InvalidTypeError(
                f"a layer has values in {stage.values.dtype} and biases in {stage.bias.dtype}: convert one of them"
            )
    for before, after in pairwise(stages):
        _check_pair(before, after)
    spec = [(stage.links, stage.relu, stage.record) for stage in stages]
    batch = x if x.dim() == 2 else x.reshape(-1, first.links.n_in)
    parameters = [each for stage in stages for each in (stage.values, stage.bias)]
    from topolearn.sparse.untraced import apply_chain

    y: Tensor = apply_chain(batch, spec, feature_major, *parameters)
    if feature_major:
        y = y.t()
    return y if x.dim() == 2 else y.view(*x.shape[:-1], stages[-1].links.n_out)


def form_of(x: Tensor) -> ModuleType:
    """Return the products for a device: compiled ones for the CPU, torch's for any other, or without numba."""
    if not COMPILED or x.device.type != "cpu":
        return torch_products
    from topolearn.sparse import products

    return products


class Chain(torch.autograd.Function):
    """One node for any number of layers; within, activations are feature-major, shape (n_neurons, batch)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, spec: list[tuple[LinkIndex, bool, Passes | None]], feature_major: bool,
        *parameters: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """Return the outputs, of shape (n_out, batch) if feature-major, of inputs of shape (batch, n_in)."""
        form = form_of(x)
        activations = [form.transposed(x)]
        for (links, relu, _), values, bias in zip(spec, parameters[::2], parameters[1::2], strict=True):
            activations.append(form.outputs(links, values, bias, activations[-1], relu))
        # The last outputs are needed for their ReLU alone; unsaved, whatever follows may change them in place.
        kept = activations if spec[-1][1] else activations[:-1]
        ctx.save_for_backward(*kept, *parameters[::2])
        ctx.spec, ctx.has_bias, ctx.n_kept = spec, [bias is not None for bias in parameters[1::2]], len(kept)
        ctx.feature_major = feature_major
        if feature_major:
            return activations[-1]
        y = form.transposed(activations[-1])  # a view, where a side has one element; these must not be changed in place
        return y.clone() if y.data_ptr() == activations[-1].data_ptr() else y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs, and of values and biases of each stage."""
        saved = ctx.saved_tensors
        activations, weights = saved[: ctx.n_kept], saved[ctx.n_kept :]
        form, spec = form_of(gradient), ctx.spec
        found: list[Tensor | None] = [None] * (2 * len(spec))
        dy = gradient.contiguous() if ctx.feature_major else form.transposed(gradient)
        dy, sums = form.before_activation(activations[-1], dy, spec[-1][1])
        for i in reversed(range(len(spec))):
            links, _, record = spec[i]
            if record is not None:
                record.append((activations[i], dy))
            found[2 * i + 1] = sums if ctx.has_bias[i] else None
            need_dx, behind_relu = i > 0 or ctx.needs_input_grad[0], i > 0 and spec[i - 1][1]
            dy, sums, found[2 * i] = form.gradients(
                links, weights[i], activations[i], dy, need_dx=need_dx, behind_relu=behind_relu
            )
        return (None if dy is None else dy.t(), None, None, *found)


def _check_pair(before: Stage, after: Stage) -> None:
    if before.links.n_out != after.links.n_in:
        raise InvalidValueError(
            f"a layer with {before.links.n_out} outputs is followed by one with {after.links.n_in} inputs"
        )
    if (before.values.dtype, before.values.device) != (after.values.dtype, after.values.device):
        raise InvalidTypeError(
            f"a layer in {before.values.dtype} on {before.values.device} is followed by one in {after.values.dtype} on "
            f"{after.values.device}: convert one of them"
        )


def _check(x: Tensor, stage: Stage) -> None:
    values = stage.values
    if x.dtype != values.dtype or x.device != values.device:
        raise InvalidTypeError(
            f"the input is {x.dtype} on {x.device}, the layer {values.dtype} on {values.device}: convert one of them"
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise InvalidTypeError(f"the csr backend computes in float32 or float64, not {x.dtype}: use backend='masked'")
    if not x.dim() or x.shape[-1] != stage.links.n_in:
        raise InvalidValueError(
            f"the input has shape {tuple(x.shape)}; its last dimension must be the layer's {stage.links.n_in} inputs"
        )
