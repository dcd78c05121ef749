"""`Ranks`: the processes that train one model together, each on its share of every batch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from topolearn.distributed import mean_over


class Ranks:
    """The processes of the present group, or this one alone.

    Gradients are averaged in one piece, whose layout is always the same, so that the sum over three ranks or more is
    too, bit for bit, after a resume.

    Attributes
    ----------
    group : torch.distributed.ProcessGroup or None
        None for one process.
    size, index : int
        How many they are, and which of them this is.

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
        """Return the examples of this process, of which there may be none: shares differ by one at most."""
        return examples if self.group is None else examples.tensor_split(self.size)[self.index]

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make the gradients, in place, the means over all processes."""
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
        """Wait until all processes have come here."""
        if self.group is not None:
            dist.barrier(group=self.group)
