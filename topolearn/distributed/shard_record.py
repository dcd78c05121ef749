"""`ShardRecord`: the gradient of all cells in the rows that a rank holds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolearn.sparse import GradientRecord
from topolearn.sparse.weights.local_tensors import local_of


class ShardRecord(GradientRecord[Tensor]):
    """The dense gradient of a rank's rows from the reduce-scatter, which is already the mean over all ranks.

    It has no hook: the hook that masks the gradient first passes it to `add`.

    Parameters
    ----------
    parameter : Parameter
        The sharded weight.
    shape : (int, int)
        Number of output and input neurons of the layer.
    """

    def __init__(self, parameter: nn.Parameter, shape: tuple[int, int]) -> None:
        self.shape, self.average = shape, None
        self._parameter = parameter
        self._accumulated: Tensor | None = None
        self._of_step: Tensor | None = None
        self._is_settled = False
        self._was_nonzero = False

    @property
    def own_rows(self) -> Tensor:
        """The gradient of this rank's rows."""
        assert self._sum is not None
        return self._sum

    def rows(self, first: int, last: int) -> Tensor:
        """Raise, as other ranks may hold these rows."""
        raise NotImplementedError("a rank knows the gradients of its own rows: see own_rows")

    @torch.no_grad()
    def add(self, gradient: Tensor, trained: Tensor) -> None:
        """Add the accumulated gradient after a pass, before it is masked.

        Off the trained cells, gradients of earlier passes were masked, so it contains only the last pass; on them, it
        is the sum of all passes.
        """
        whole = gradient.to(torch.promote_types(gradient.dtype, torch.float32), copy=True)
        if self._accumulated is not None:
            whole = torch.where(trained, whole, whole + self._accumulated)
        self._accumulated = whole
        self._was_nonzero = bool(torch.count_nonzero(gradient))

    def look(self) -> None:
        """Discard the accumulated gradient if the parameter's gradient has been cleared since."""
        self._forget_cleared()

    def close(self) -> None:
        """Stop recording; there is no hook to remove."""

    def _forget_cleared(self) -> None:
        if self._accumulated is None:
            return
        gradient = self._parameter.grad
        if gradient is None or (self._was_nonzero and not bool(torch.count_nonzero(local_of(gradient)))):
            self._accumulated = None
