"""Consecutive layers of the csr backend as one autograd node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse.chains.waiting_passes import WaitingPasses
from topolearn.sparse.products.index import LinkIndex

WITHOUT_MEMORY = ("FakeTensor", "FunctionalTensor")  # classes of tensors while torch.export traces


class Stage(NamedTuple):
    """A layer of a chain, and the ReLU after it.

    Attributes
    ----------
    links : LinkIndex
    values : Tensor with one element per link
        For a dense layer, which has all links, this is its weight.
    bias : Tensor, shape (n_out,), or None
    relu : bool
    record : WaitingPasses or None
        Where each backward pass stores the inputs and the gradients before the activation, both feature-major.
    """

    links: LinkIndex
    values: Tensor
    bias: Tensor | None
    relu: bool
    record: WaitingPasses | None = None


def sparse_chain(x: Tensor, stages: Sequence[Stage], *, feature_major: bool = True) -> Tensor:
    """Apply layers one after another; the gradient can be differentiated again, any number of times.

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
        When x has another dtype or device than the layers, or the wrong number of features.
    """
    first, kind = stages[0], x.device.type
    if kind == first.values.device.type and x.is_floating_point() and torch.is_autocast_enabled(kind):
        x = x.to(first.values.dtype)
    if type(x).__name__ in WITHOUT_MEMORY or (not torch.compiler.is_compiling() and _is_transformed(x, stages)):
        raise InvalidTypeError(
            "the csr backend does not support torch.func, forward-mode differentiation and torch.export: use "
            "backend='masked'"
        )
    _check(x, first)
    for stage in stages:
        if stage.bias is not None and stage.bias.dtype != stage.values.dtype:
            raise InvalidTypeError(
                f"a layer has values in {stage.values.dtype} and biases in {stage.bias.dtype}: convert one of them"
            )
    for before, after in pairwise(stages):
        _check_pair(before, after)
    spec = [(stage.links, stage.relu, stage.record) for stage in stages]
    parameters = [each for stage in stages for each in (stage.values, stage.bias)]
    from topolearn.sparse.chains.untraced import apply_chain

    y = apply_chain(x, spec, feature_major, *parameters)
    if feature_major:
        y = y.t()
    return y if x.dim() == 2 else y.view(*x.shape[:-1], stages[-1].links.n_out)


def _check_pair(before: Stage, after: Stage) -> None:
    if before.links.n_out != after.links.n_in:
        raise InvalidValueError(
            f"a layer with {before.links.n_out} outputs is followed by one with {after.links.n_in} inputs: make these "
            "numbers equal"
        )
    if (before.values.dtype, before.values.device) != (after.values.dtype, after.values.device):
        raise InvalidTypeError(
            f"a layer in {before.values.dtype} on {before.values.device} is followed by one in {after.values.dtype} on "
            f"{after.values.device}: convert one of them"
        )


def _is_transformed(x: Tensor, stages: Sequence[Stage]) -> bool:
    """Whether a transform of functions has replaced a tensor, whose memory the kernels read."""
    if torch._C._functorch.peek_interpreter_stack() is None and forward_ad._current_level < 0:
        return False
    return any(map(_is_wrapped, [x, *(stage.values for stage in stages)]))


def _is_wrapped(tensor: Tensor) -> bool:
    wrapped: bool = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    return wrapped or (forward_ad._current_level >= 0 and forward_ad.unpack_dual(tensor).tangent is not None)


def _check(x: Tensor, stage: Stage) -> None:
    values = stage.values
    if x.dtype != values.dtype or x.device != values.device:
        raise InvalidTypeError(
            f"the input is {x.dtype} on {x.device}, but the layer is {values.dtype} on {values.device}: convert one of "
            "them"
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise InvalidTypeError(f"the csr backend computes in float32 or float64, not {x.dtype}: use backend='masked'")
    if not x.dim() or x.shape[-1] != stage.links.n_in:
        raise InvalidValueError(
            f"the input has shape {tuple(x.shape)}: its last dimension must be the layer's {stage.links.n_in} inputs"
        )
