r"""The gradients of a chain of layers as functions that can be differentiated again, any number of times.

:math:`A(v)` is the sparse matrix, shape (n_out, n_in), whose links have the values v; activations are feature-major,
shape (n_neurons, batch). Three functions are closed under differentiation (primes are the gradients of a function's
inputs, dots those of its outputs):

.. math::

    y = A(v) x: \quad v' = S(\dot y x^T), \quad x' = A(v)^T \dot y

    x = A(v)^T y: \quad v' = S(y \dot x^T), \quad y' = A(v) \dot x

    v = S(y x^T): \quad y' = A(\dot v) x, \quad x' = A(\dot v)^T y

S extracts the links from a matrix, so each gradient is again one of the three. Where the gradient of all cells is
recorded, a pass that differentiates A(v) stores the two factors of :math:`A' = \dot y x^T` or :math:`y \dot x^T`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.chains.waiting_passes import WaitingPasses
from topolearn.sparse.products.form import form_of
from topolearn.sparse.products.index import LinkIndex

Spec = list[tuple[LinkIndex, bool, WaitingPasses | None]]


class Product(torch.autograd.Function):
    """The product of a sparse matrix, A(values) x."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, x: Tensor, links: LinkIndex, record: WaitingPasses | None) -> Tensor:
        """Return y, shape (n_out, batch), for x, shape (n_in, batch)."""
        ctx.save_for_backward(values, x)
        ctx.links, ctx.record = links, record
        return form_of(x).outputs(links, values.contiguous(), None, x.contiguous(), False)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of values and x."""
        values, x = ctx.saved_tensors
        leave(ctx.record, x, dy)
        dvalues = Sampled.apply(dy, x, values.shape, ctx.links) if ctx.needs_input_grad[0] else None
        dx = Transposed.apply(values, dy, ctx.links, ctx.record) if ctx.needs_input_grad[1] else None
        return dvalues, dx, None, None


class Transposed(torch.autograd.Function):
    """The product of the transpose of a sparse matrix, A(values)^T y."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, y: Tensor, links: LinkIndex, record: WaitingPasses | None) -> Tensor:
        """Return x, shape (n_in, batch), for y, shape (n_out, batch)."""
        ctx.save_for_backward(values, y)
        ctx.links, ctx.record = links, record
        unused = y.new_zeros((links.n_in, y.shape[1]))
        form, values = form_of(y), values.contiguous()
        x, _, _ = form.gradients(links, values, unused, y.contiguous(), need_dx=True, behind_relu=False)
        return x

    @staticmethod
    def backward(ctx: Any, dx: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of values and y."""
        values, y = ctx.saved_tensors
        leave(ctx.record, dx, y)
        dvalues = Sampled.apply(y, dx, values.shape, ctx.links) if ctx.needs_input_grad[0] else None
        dy = Product.apply(values, dx, ctx.links, ctx.record) if ctx.needs_input_grad[1] else None
        return dvalues, dy, None, None


class Sampled(torch.autograd.Function):
    """The links of an outer product, S(y x^T)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, x: Tensor, shape: torch.Size, links: LinkIndex) -> Tensor:
        """Return values in the layer's shape, for y and x, shape (n_out, batch) and (n_in, batch)."""
        ctx.save_for_backward(y, x)
        ctx.links = links
        unused = y.new_zeros(shape)
        form, x = form_of(y), x.contiguous()
        _, _, values = form.gradients(links, unused, x, y.contiguous(), need_dx=False, behind_relu=False)
        return values

    @staticmethod
    def backward(ctx: Any, dvalues: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of y and x."""
        y, x = ctx.saved_tensors
        dy = Product.apply(dvalues, x, ctx.links, None) if ctx.needs_input_grad[0] else None
        dx = Transposed.apply(dvalues, y, ctx.links, None) if ctx.needs_input_grad[1] else None
        return dy, dx, None, None


def leave(record: WaitingPasses | None, x: Tensor, dz: Tensor) -> None:
    """Store the factors of the gradient of all cells, if it is recorded."""
    if record is not None:
        record.append((x.detach().contiguous(), dz.detach().contiguous()))


def chain_gradients(
    x: Tensor, spec: Spec, values: Sequence[Tensor], biases: Sequence[Tensor | None], outputs: Sequence[Tensor],
    dy: Tensor, *, need_dx: bool,
) -> tuple[Tensor | None, list[Tensor | None]]:  # fmt: skip
    """Return the gradient of a chain's inputs, and those of the values and biases of each stage, alternating.

    Parameters
    ----------
    x : Tensor, shape (n_in, batch)
    spec : list of (LinkIndex, bool, WaitingPasses or None)
        Links of each stage, whether a ReLU follows, and where its passes are stored.
    values, biases : sequence of Tensor
    outputs : sequence of Tensor
        The outputs of each stage, which show where a ReLU passes gradients; those of the last only if it has a ReLU.
    dy : Tensor, shape (n_out, batch)
        The gradient of the outputs.
    need_dx : bool
        Whether the gradient of the inputs is needed.
    """
    inputs = [x]
    for (links, relu, record), each, bias in zip(spec[:-1], values, biases, strict=False):
        z = Product.apply(each, inputs[-1], links, record)
        z = z if bias is None else z + bias[:, None]
        inputs.append(torch.relu(z) if relu else z)
    dparameters: list[Tensor | None] = []
    dx: Tensor | None = dy
    for i in reversed(range(len(spec))):
        links, relu, record = spec[i]
        assert dx is not None
        dz = dx.masked_fill(outputs[i] <= 0, 0) if relu else dx
        leave(record, inputs[i], dz)
        dbias = None if biases[i] is None else dz.sum(dim=1)
        dparameters[:0] = [Sampled.apply(dz, inputs[i], values[i].shape, links), dbias]
        dx = Transposed.apply(values[i], dz, links, record) if i or need_dx else None
    return dx, dparameters
