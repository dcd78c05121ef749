"""Averages over the ranks of a process group."""

from __future__ import annotations

from collections.abc import Callable

import torch.distributed as dist
from torch import Tensor


def mean_over(group: dist.ProcessGroup | None) -> Callable[[Tensor], object] | None:
    """Return what makes a tensor, in place, the mean over the ranks of a group; None for no group.

    All ranks of the group must call it, with tensors of one shape.

    Examples
    --------
    >>> mean_over(None) is None
    True
    """
    if group is None:
        return None
    n_ranks = dist.get_world_size(group)

    def average(tensor: Tensor) -> None:
        whole = tensor.contiguous()
        dist.all_reduce(whole, group=group)
        tensor.copy_(whole.div_(n_ranks))

    return average
