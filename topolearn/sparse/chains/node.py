"""`Chain`: a chain of layers as one autograd node, with feature-major activations in between."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.chains.twice_differentiable import Spec, chain_gradients
from topolearn.sparse.products.form import form_of


class Chain(torch.autograd.Function):
    """One node for any number of layers; inside, activations are feature-major, shape (n_neurons, batch)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, turned: Tensor, spec: Spec, feature_major: bool, *parameters: Tensor | None
    ) -> Tensor:
        """Return the outputs, shape (n_out, batch) if feature-major, for inputs (batch, n_in) and their transpose."""
        form = form_of(x)
        activations = [turned]
        for (links, relu, _), values, bias in zip(spec, parameters[::2], parameters[1::2], strict=True):
            activations.append(form.outputs(links, values, bias, activations[-1], relu))
        # The last outputs are needed only for their ReLU; if they are not saved, later code may change them in place.
        kept = activations if spec[-1][1] else activations[:-1]
        # Biases, and inputs that require a gradient, are needed to differentiate the gradients again.
        ctx.save_for_backward(*kept, *parameters, x if ctx.needs_input_grad[0] else None)
        ctx.spec, ctx.n_kept = spec, len(kept)
        ctx.feature_major, ctx.takes_feature_major = feature_major, x.t().is_contiguous()
        if feature_major:
            return activations[-1]
        y = form.transposed(activations[-1])  # a view where a side has one element, which may not change in place
        return y.clone() if y.data_ptr() == activations[-1].data_ptr() else y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the inputs, and of the values and biases of each stage."""
        *saved, x = ctx.saved_tensors
        activations, values, biases = saved[: ctx.n_kept], saved[ctx.n_kept :: 2], saved[ctx.n_kept + 1 :: 2]
        form, spec = form_of(gradient), ctx.spec
        if torch.is_grad_enabled():  # create_graph=True
            dy = gradient if ctx.feature_major else gradient.t()
            first = activations[0] if x is None else x.t()
            dx, others = chain_gradients(first, spec, values, biases, activations[1:], dy, need_dx=x is not None)
            return (None if dx is None else dx.t(), None, None, None, *others)
        dparameters: list[Tensor | None] = [None] * (2 * len(spec))
        dy = form.transposed(gradient.t() if ctx.feature_major else gradient)
        dz, dbias = form.before_activation(activations[-1], dy, spec[-1][1])
        for i in reversed(range(len(spec))):
            links, _, record = spec[i]
            if record is not None:
                record.append((activations[i], dz))
            dparameters[2 * i + 1] = None if biases[i] is None else dbias
            need_dx, behind_relu = i > 0 or ctx.needs_input_grad[0], i > 0 and spec[i - 1][1]
            dx, dbias, dparameters[2 * i] = form.gradients(
                links, values[i], activations[i], dz, need_dx=need_dx, behind_relu=behind_relu
            )
            dz = dx  # the gradient of the outputs of the previous stage
        if dx is not None:  # in the inputs' memory order: operations that mix two orders take ten times as long
            dx = dx.t() if ctx.takes_feature_major else form.transposed(dx)
        return (dx, None, None, None, *dparameters)
