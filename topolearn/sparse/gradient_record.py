"""The gradient of all cells of a layer, links or not, over the backward passes of one optimizer step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Passes = list[tuple[Tensor, Tensor]]


class GradientRecord:
    r"""Keeps what is needed to know :math:`\partial L / \partial W` of every cell of a layer, in float32 at least.

    Gradients add up over backward passes as those of the parameter do: a pass that finds the parameter without a
    gradient, after ``zero_grad``, begins anew.

    Parameters
    ----------
    parameter : Parameter
        The values of the layer's links.
    shape : (int, int)
        Numbers of output and input neurons.
    average : callable, optional
        Makes a block of the gradient, in place, the mean over all ranks.
    """

    def __init__(
        self, parameter: nn.Parameter, shape: tuple[int, int], average: Callable[[Tensor], object] | None = None
    ) -> None:
        self.shape, self.average = shape, average
        self._parameter = parameter
        self._hook = parameter.register_hook(self._on_gradient)

    @property
    def is_empty(self) -> bool:
        """Whether no backward pass was recorded."""
        raise NotImplementedError

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of the rows, output neurons, from ``first`` up to ``last``, shape (last - first, n_in).

        It is a tensor of its own, or a view of the record, which must not be changed.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Forget the passes that were recorded."""
        raise NotImplementedError

    def close(self) -> None:
        """Record no more."""
        self._hook.remove()

    def _on_gradient(self, gradient: Tensor) -> None:
        """Take note of a backward pass that has reached the parameter, before its gradient is accumulated."""
        raise NotImplementedError


class MaskedRecord(GradientRecord):
    """The dense gradient of a masked layer, copied before it is masked."""

    def __init__(
        self, parameter: nn.Parameter, shape: tuple[int, int], average: Callable[[Tensor], object] | None = None
    ) -> None:
        super().__init__(parameter, shape, average)
        self._total: Tensor | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no backward pass was recorded."""
        return self._total is None

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of some rows."""
        assert self._total is not None
        return self._total[first:last]

    def clear(self) -> None:
        """Forget the passes that were recorded."""
        self._total = None

    @torch.no_grad()
    def _on_gradient(self, gradient: Tensor) -> None:
        if self._parameter.grad is None:
            self._total = None
        if self._total is None:
            kind = torch.promote_types(gradient.dtype, torch.float32)
            self._total = gradient.detach().to(kind, copy=True)
        else:
            self._total += gradient


class CsrRecord(GradientRecord):
    """Inputs and output gradients of a csr layer, from which its dense gradient is made row by row.

    Attributes
    ----------
    passes : list of (Tensor, Tensor)
        Inputs, shape (n_in, batch), and gradients before the activation, shape (n_out, batch), of each pass.
    """

    def __init__(
        self, parameter: nn.Parameter, shape: tuple[int, int], average: Callable[[Tensor], object] | None = None
    ) -> None:
        super().__init__(parameter, shape, average)
        self.passes: Passes = []
        self._n_accumulated = 0

    @property
    def is_empty(self) -> bool:
        """Whether no backward pass was recorded."""
        return not self.passes

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of some rows."""
        (x, dz), *others = self.passes
        gradient = dz[first:last] @ x.t()
        for x, dz in others:
            gradient.addmm_(dz[first:last], x.t())
        return gradient

    def clear(self) -> None:
        """Forget the passes that were recorded."""
        self.passes.clear()
        self._n_accumulated = 0

    def _on_gradient(self, gradient: Tensor) -> None:
        if self._parameter.grad is None:
            del self.passes[: self._n_accumulated]
        self._n_accumulated = len(self.passes)


class RowsRecord(GradientRecord):
    """Some rows of another record, such as those of one attention head.

    Parameters
    ----------
    record : GradientRecord
    first, last : int
        The first row, and the one behind the last.
    """

    def __init__(self, record: GradientRecord, first: int, last: int) -> None:
        self.shape, self.average = (last - first, record.shape[1]), record.average
        self._record, self._first = record, first

    @property
    def is_empty(self) -> bool:
        """Whether no backward pass was recorded."""
        return self._record.is_empty

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of some of these rows."""
        return self._record.rows(self._first + first, self._first + last)
