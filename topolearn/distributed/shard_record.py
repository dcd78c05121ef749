"""`ShardRecord`: the gradient of all cells in the rows that a rank holds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolearn.sparse import GradientRecord
from topolearn.sparse.local_tensors import local_of


class ShardRecord(GradientRecord[Tensor]):
    """The dense gradient of a rank's rows, kept as it comes from the reduce-scatter: the mean over all ranks already.

    It has no hook of its own: what masks the gradient gives it first, by `add`.

    Parameters
    ----------
    parameter : Parameter
        The sharded weight.
    shape : (int, int)
        Numbers of output and input neurons of the layer.
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
        """Refuse to read rows that other ranks may hold."""
        raise NotImplementedError("a rank knows the gradients of its own rows: see own_rows")

    @torch.no_grad()
    def add(self, gradient: Tensor, trained: Tensor) -> None:
        """Take the accumulated gradient of a pass, before it is masked.

        Off the trained cells that of former passes was masked, so that it is what the last pass has added; on these it
        is the sum.
        """
        whole = gradient.to(torch.promote_types(gradient.dtype, torch.float32), copy=True)
        if self._accumulated is not None:
            whole = torch.where(trained, whole, whole + self._accumulated)
        self._accumulated = whole
        self._was_nonzero = bool(torch.count_nonzero(gradient))

    def look(self) -> None:
        """Forget what was accumulated, if somebody has cleared it since."""
        self._forget_cleared()

    def close(self) -> None:
        """Record no more."""

    def _forget_cleared(self) -> None:
        if self._accumulated is None:
            return
        gradient = self._parameter.grad
        if gradient is None or (self._was_nonzero and not bool(torch.count_nonzero(local_of(gradient)))):
            self._accumulated = None
