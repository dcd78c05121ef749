"""`Chain`: a chain of layers as one node of autograd, with feature-major activations in between."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from topolearn.sparse.index import LinkIndex
from topolearn.sparse.product_form import form_of
from topolearn.sparse.waiting_passes import WaitingPasses


class Chain(torch.autograd.Function):
    """One node for any number of layers; within, activations are feature-major, shape (n_neurons, batch)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, spec: list[tuple[LinkIndex, bool, WaitingPasses | None]], feature_major: bool,
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
        activations, values = saved[: ctx.n_kept], saved[ctx.n_kept :]
        form, spec = form_of(gradient), ctx.spec
        dparameters: list[Tensor | None] = [None] * (2 * len(spec))
        dy = gradient.contiguous() if ctx.feature_major else form.transposed(gradient)
        dz, dbias = form.before_activation(activations[-1], dy, spec[-1][1])
        for i in reversed(range(len(spec))):
            links, _, record = spec[i]
            if record is not None:
                record.append((activations[i], dz))
            dparameters[2 * i + 1] = dbias if ctx.has_bias[i] else None
            need_dx, behind_relu = i > 0 or ctx.needs_input_grad[0], i > 0 and spec[i - 1][1]
            dx, dbias, dparameters[2 * i] = form.gradients(
                links, values[i], activations[i], dz, need_dx=need_dx, behind_relu=behind_relu
            )
            dz = dx  # of the outputs of the stage before
        return (None if dx is None else dx.t(), None, None, *dparameters)
