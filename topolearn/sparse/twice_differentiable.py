r"""The gradients of a chain of layers as functions that can be differentiated again, any number of times.

:math:`A(v)` is the sparse matrix, shape (n_out, n_in), whose links have the values v; activations are feature-major,
shape (n_neurons, batch). Three functions are closed under differentiation (primes are gradients of what a function
takes, dots those of what it returns):

.. math::

    y = A(v) x: \quad v' = S(\dot y x^T), \quad x' = A(v)^T \dot y

    x = A(v)^T y: \quad v' = S(y \dot x^T), \quad y' = A(v) \dot x

    v = S(y x^T): \quad y' = A(\dot v) x, \quad x' = A(\dot v)^T y

S takes the links out of a matrix. So each gradient is one of them again. A pass that differentiates A(v) leaves, where
the gradient of all cells is recorded, the two factors of :math:`A' = \dot y x^T`, or :math:`y \dot x^T`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.index import LinkIndex
from topolearn.sparse.product_form import form_of
from topolearn.sparse.waiting_passes import WaitingPasses

Spec = list[tuple[LinkIndex, bool, WaitingPasses | None]]


class Product(torch.autograd.Function):
    """The product of a sparse matrix, A(values) x."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, x: Tensor, links: LinkIndex, record: WaitingPasses | None) -> Tensor:
        """Return y, shape (n_out, batch), of x, shape (n_in, batch)."""
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
        """Return x, shape (n_in, batch), of y, shape (n_out, batch)."""
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
        """Return values, of the shape that they have in the layer, of y and x, shape (n_out or n_in, batch)."""
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
    """Leave the factors of the gradient of all cells where it is recorded."""
    if record is not None:
        record.append((x.detach().contiguous(), dz.detach().contiguous()))


def chain_gradients(
    x: Tensor, spec: Spec, values: Sequence[Tensor], biases: Sequence[Tensor | None], outputs: Sequence[Tensor],
    dy: Tensor, *, need_dx: bool,
) -> tuple[Tensor | None, list[Tensor | None]]:  # fmt: skip
    """Return the gradient of the inputs of a chain, and those of values and biases of each stage in turn.

    Parameters
    ----------
    x : Tensor, shape (n_in, batch)
    spec : list of (LinkIndex, bool, WaitingPasses or None)
        Links of each stage, whether a ReLU follows, and where its passes are left.
    values, biases : sequence of Tensor
    outputs : sequence of Tensor
        What came out of each stage, of which where a ReLU passes a gradient is read; of the last only if it has one.
    dy : Tensor, shape (n_out, batch)
        The gradient of the outputs.
    need_dx : bool
        Whether the gradient of the inputs is wanted.
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
