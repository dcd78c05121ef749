"""The gradient of all cells of a layer, links or not, over the backward passes of one optimizer step."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from topolearn.sparse.chains.waiting_passes import Pass, WaitingPasses
from topolearn.waiting import is_asynchronous

Sum = TypeVar("Sum")


class GradientRecord(Generic[Sum]):
    r"""Records :math:`\partial L / \partial W` for every cell of a layer, in at least float32.

    The record matches what is accumulated in the parameter's ``.grad``: a pass counts once it arrives there, which
    passes of `torch.autograd.grad` never do, and is discarded once ``.grad`` is cleared, with None or with zeros in
    place. On an accelerator the host does not wait to check for zeros: the passes become zero there instead, and the
    record is not empty.

    Parameters
    ----------
    parameter : Parameter
        The values of the layer's links.
    shape : (int, int)
        Numbers of output and input neurons.
    average : callable, optional
        Replaces a block of the gradient, in place, with the mean over all ranks.
    """

    _accumulated_in: weakref.ref[Tensor] | None = None

    def __init__(
        self, parameter: nn.Parameter, shape: tuple[int, int], average: Callable[[Tensor], object] | None = None
    ) -> None:
        self.shape, self.average = shape, average
        self._parameter = parameter
        self._accumulated: Sum | None = None
        self._n_nonzero = torch.tensor(0)
        self._of_step: Sum | None = None
        self._is_settled = False
        self._hooks = [
            parameter.register_hook(self._on_gradient),
            parameter.register_post_accumulate_grad_hook(self._on_accumulated),
        ]

    @property
    def is_empty(self) -> bool:
        """Whether no backward pass was recorded."""
        return self._sum is None

    @property
    def is_replaced(self) -> bool:
        """Whether other code has put another tensor into ``.grad`` since the last backward pass."""
        gradient, last = self._parameter.grad, self._accumulated_in
        return not self.is_empty and gradient is not None and last is not None and last() is not gradient

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of the output neurons from ``first`` up to ``last``, shape (last - first, n_in).

        The result may be a view of the record and must not be modified.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Freeze what is accumulated now as the gradient of an optimizer step; later passes do not change it."""
        self._forget_cleared()
        self._of_step, self._is_settled = self._accumulated, True

    def fill(self) -> None:
        """Take 0 for the gradient of the optimizer step, as on a rank that did not use the layer in it."""
        self._of_step, self._is_settled = self._zeros(), True

    def clear(self) -> None:
        """Discard the recorded passes."""
        self._accumulated = self._of_step = None
        self._is_settled = False

    def close(self) -> None:
        """Stop recording."""
        for hook in self._hooks:
            hook.remove()

    @property
    def _sum(self) -> Sum | None:
        """The gradient to read: that of the optimizer step or, until there is one, what is accumulated."""
        return self._of_step if self._is_settled else self._accumulated

    @torch.no_grad()
    def _on_gradient(self, gradient: Tensor) -> None:
        """Note a gradient of the parameter, which may or may not be accumulated."""
        self._forget_cleared()
        self._hold(gradient)

    @torch.no_grad()
    def _on_accumulated(self, parameter: Tensor) -> None:
        """Count the pass whose gradient has been accumulated."""
        if parameter.grad is not None:
            self._accumulated = self._with_held()
            self._n_nonzero = torch.count_nonzero(parameter.grad)
            self._accumulated_in = weakref.ref(parameter.grad)

    def _forget_cleared(self) -> None:
        """Discard what was accumulated if ``.grad`` has been cleared: it is None, or all zeros and was not before."""
        if self._accumulated is None:
            return
        gradient = self._parameter.grad
        if gradient is None:
            self._accumulated = None
        elif is_asynchronous(gradient.device):
            is_cleared = (self._n_nonzero != 0) & (torch.count_nonzero(gradient) == 0)
            self._accumulated = self._zero_where(is_cleared, self._accumulated)
        elif bool(self._n_nonzero) and not bool(torch.count_nonzero(gradient)):
            self._accumulated = None

    def _hold(self, gradient: Tensor) -> None:
        """Hold the data of a pass until it is known whether it is accumulated."""

    def _with_held(self) -> Sum | None:
        """Return what is accumulated plus the held pass, and stop holding it."""
        raise NotImplementedError

    def _zeros(self) -> Sum:
        """Return a gradient that is 0 everywhere."""
        raise NotImplementedError

    def _zero_where(self, is_cleared: Tensor, accumulated: Sum) -> Sum:
        """Return what is accumulated, or zeros if a bool tensor on its device says that it was cleared."""
        raise NotImplementedError


class MaskedRecord(GradientRecord[Tensor]):
    """The dense gradient of a masked layer, copied before it is masked."""

    _held: Tensor | None = None

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of some rows."""
        assert self._sum is not None
        return self._sum[first:last]

    def _hold(self, gradient: Tensor) -> None:
        dtype = torch.promote_types(gradient.dtype, torch.float32)
        self._held = gradient.to(dtype, copy=True, memory_format=torch.contiguous_format)

    def _with_held(self) -> Tensor | None:
        total, held, self._held = self._accumulated, self._held, None
        if total is None or held is None:
            return held if total is None else total
        return total + held if total is self._of_step else total.add_(held)

    def _zeros(self) -> Tensor:
        dtype = torch.promote_types(self._parameter.dtype, torch.float32)
        return torch.zeros(self.shape, dtype=dtype, device=self._parameter.device)

    def _zero_where(self, is_cleared: Tensor, accumulated: Tensor) -> Tensor:
        return accumulated.masked_fill(is_cleared, 0)


class CsrRecord(GradientRecord[tuple[Pass, ...]]):
    """Inputs and output gradients of a csr layer, from which its dense gradient is computed row by row.

    Attributes
    ----------
    waiting : WaitingPasses
        Where chains store the passes that involve the layer.
    """

    def __init__(
        self, parameter: nn.Parameter, shape: tuple[int, int], average: Callable[[Tensor], object] | None = None
    ) -> None:
        super().__init__(parameter, shape, average)
        self.waiting = WaitingPasses()

    @property
    def passes(self) -> tuple[Pass, ...]:
        """Inputs, shape (n_in, batch), and gradients before the activation, shape (n_out, batch), of each pass."""
        return self._sum or ()

    def rows(self, first: int, last: int) -> Tensor:
        """Return the gradient of some rows."""
        (x, dz), *others = self.passes
        gradient = dz[first:last] @ x.t()
        for x, dz in others:
            gradient.addmm_(dz[first:last], x.t())
        return gradient

    def close(self) -> None:
        """Stop recording."""
        super().close()
        self.waiting.close()

    def _with_held(self) -> tuple[Pass, ...] | None:
        return (*(self._accumulated or ()), *self.waiting.take()) or None

    def _zeros(self) -> tuple[Pass, ...]:
        x, dz = (self._parameter.detach().new_zeros(n, 0) for n in reversed(self.shape))  # a pass of no examples
        return ((x, dz),)

    def _zero_where(self, is_cleared: Tensor, accumulated: tuple[Pass, ...]) -> tuple[Pass, ...]:
        return tuple((x.masked_fill(is_cleared, 0), dz.masked_fill(is_cleared, 0)) for x, dz in accumulated)


class RowsRecord(GradientRecord):
    """Some rows of another record, such as those of one attention head.

    Parameters
    ----------
    record : GradientRecord
    first, last : int
        The first row, and the one after the last.
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
