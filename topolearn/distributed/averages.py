"""Averages over the ranks of a process group."""

from __future__ import annotations

from collections.abc import Callable

import torch.distributed as dist
from torch import Tensor


def mean_over(group: dist.ProcessGroup | None) -> Callable[[Tensor], object] | None:
    """Return a function that replaces a tensor, in place, with its mean over the ranks; None without a group.

    All ranks of the group must call it, with tensors of the same shape.

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
