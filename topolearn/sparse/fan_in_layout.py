"""`FanInLayout`: a layer of constant fan-in as two small dense matrices, without row pointers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sparse.linear import SparseLinear


@dataclass(frozen=True)
class FanInLayout:
    r"""The links of a layer in which each active output neuron has k inputs, and the others have none.

    All rows are equally long, so that a kernel needs no row pointers, and vectors and threads have equal work.

    Attributes
    ----------
    outputs : Tensor of int64, shape (n_active,)
        The active output neurons, sorted.
    inputs : Tensor of int64, shape (n_active, k)
        The inputs of each of them, sorted.
    values : Tensor, shape (n_active, k)
        The weights of these links, a copy.
    bias : Tensor, shape (n_out,), or None
        The biases of all output neurons, a copy.
    n_in, n_out : int
        Numbers of input and output neurons.

    References
    ----------
    Lasby et al. (2024), "Dynamic sparse training with structured sparsity", ICLR: the condensed matrix.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> layer = tl.SparseLinear(6, 4, graph=tl.generators.fixed_fan_in(6, 4, 0.5, seed=0))
    >>> layout = fan_in_layout(layer)
    >>> layout.values.shape
    torch.Size([4, 3])
    >>> x = torch.randn(2, 6)
    >>> torch.allclose(layout.forward(x), layer(x), atol=1e-6)
    True
    """

    outputs: Tensor
    inputs: Tensor
    values: Tensor
    bias: Tensor | None
    n_in: int
    n_out: int

    @property
    def fan_in(self) -> int:
        """The number k of inputs of each active neuron."""
        return self.inputs.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        r"""Return the outputs of the layer, the reference for kernels.

        :math:`y_u = b_u + \sum_{j < k} V_{uj} \, x_{I_{uj}}` for active neurons, and :math:`y_u = b_u` for the others.

        Parameters
        ----------
        x : Tensor, shape (..., n_in)

        Returns
        -------
        Tensor, shape (..., n_out)

        Raises
        ------
        InvalidValueError
            When x has another number of features.
        """
        if not x.dim() or x.shape[-1] != self.n_in:
            raise InvalidValueError(
                f"the input has shape {tuple(x.shape)}; its last dimension must be the layer's {self.n_in} inputs"
            )
        y = x.new_zeros((*x.shape[:-1], self.n_out))
        y[..., self.outputs] = (x[..., self.inputs] * self.values).sum(-1)
        return y if self.bias is None else y + self.bias


def fan_in_layout(layer: SparseLinear) -> FanInLayout:
    """Return a layer of constant fan-in in the layout of its active neurons.

    Parameters
    ----------
    layer : SparseLinear
        Of any backend; all its output neurons with links must have the same number of them.

    Returns
    -------
    FanInLayout
        A copy, which does not follow the layer.

    Raises
    ------
    InvalidValueError
        When fan-ins differ.
    """
    n_out, n_in = layer.shape
    cells = layer.cells()
    fan_in = torch.bincount(cells // n_in, minlength=n_out)
    outputs = fan_in.nonzero().squeeze(1)
    low, high = int(fan_in[outputs].min()), int(fan_in.max())
    if low != high:
        raise InvalidValueError(
            f"layer {layer.layer_name!r} has neurons of {low} to {high} inputs, and this layout has one number for all "
            "that have any: start from the generator 'fixed_fan_in', and evolve by the method 'srigl'"
        )
    return FanInLayout(
        outputs,
        (cells % n_in).view(-1, high),
        layer.link_values().clone().view(-1, high),
        None if layer.bias is None else layer.get_parameter("bias").detach().clone(),
        n_in,
        n_out,
    )
