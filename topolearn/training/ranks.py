"""`Ranks`: the processes that train one model together, each on its share of every batch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from topolearn.distributed import mean_over


class Ranks:
    """The processes of the current group, or only this one.

    Gradients are averaged as one tensor with a fixed layout, so that sums over three or more ranks are bit for bit the
    same after a resume.

    Attributes
    ----------
    group : torch.distributed.ProcessGroup or None
        None for a single process.
    size, index : int
        Number of processes, and the rank of this one.

    Examples
    --------
    >>> ranks = Ranks()
    >>> ranks.size, ranks.is_first, ranks.share(torch.arange(3)).tolist(), ranks.sums(2.5, 3)
    (1, True, [0, 1, 2], [2.5, 3.0])
    """

    def __init__(self) -> None:
        is_group = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        self.group = dist.group.WORLD if is_group else None
        self.size = dist.get_world_size() if is_group else 1
        self.index = dist.get_rank() if is_group else 0

    @property
    def is_first(self) -> bool:
        """Whether this process records, and writes checkpoints."""
        return self.index == 0

    def share(self, examples: Tensor) -> Tensor:
        """Return the examples of this process, possibly none; the sizes of shares differ by at most one."""
        return examples if self.group is None else examples.tensor_split(self.size)[self.index]

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average the gradients over all processes, in place."""
        average = mean_over(self.group)
        if average is None:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        whole = torch.cat([gradient.flatten() for gradient in gradients])
        average(whole)
        for gradient, mean in zip(gradients, whole.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def sums(self, *values: float, device: torch.device | str = "cpu") -> list[float]:
        """Return the sums of some numbers over all processes."""
        if self.group is None:
            return [float(value) for value in values]
        totals = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(totals, group=self.group)
        return totals.tolist()

    def wait(self) -> None:
        """Wait for all processes to reach this point."""
        if self.group is not None:
            dist.barrier(group=self.group)
