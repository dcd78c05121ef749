"""`Exchange`: the communication between ranks in an update of sharded layers, with a count of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


class Exchange:
    """The collectives of an update; all ranks of a group must call them in the same order.

    Parameters
    ----------
    group : torch.distributed.ProcessGroup
    device : torch.device
        Device of the tensors that are exchanged.

    Attributes
    ----------
    rank, n_ranks : int
    received : int
        Bytes that this rank has received from others, as delivered by collectives, whatever their algorithm.
    """

    def __init__(self, group: dist.ProcessGroup, device: torch.device) -> None:
        self.group, self.device = group, device
        self.rank, self.n_ranks = dist.get_rank(group), dist.get_world_size(group)
        self.received = 0

    def all_to_all(self, pieces: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
        """Send one piece to each rank, and return the pieces that this rank receives.

        Parameters
        ----------
        pieces : sequence of Tensor, length n_ranks
            With the same dtype on all ranks.
        sizes : sequence of int, length n_ranks
            Numbers of elements of the pieces to receive.
        """
        sent = torch.cat([piece.reshape(-1) for piece in pieces]).contiguous()
        counts = [piece.numel() for piece in pieces]
        arrived = sent.new_empty(sum(sizes))
        dist.all_to_all_single(arrived, sent, list(sizes), counts, group=self.group)
        self.received += (arrived.numel() - sizes[self.rank]) * arrived.element_size()
        return list(arrived.split(list(sizes)))

    def broadcast(self, values: Tensor, owner: int) -> Tensor:
        """Broadcast the owner's values; the other ranks pass a tensor of the same shape and dtype, to be filled."""
        values = values.contiguous()
        dist.broadcast(values, dist.get_global_rank(self.group, owner), group=self.group)
        if self.rank != owner:
            self.received += values.numel() * values.element_size()
        return values

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of the values over all ranks."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def min(self, values: Tensor) -> Tensor:
        """Return the elementwise minimum of the values over all ranks."""
        return self._reduced(values, dist.ReduceOp.MIN)

    def all_gather(self, values: Tensor) -> Tensor:
        """Return the values of all ranks, as rows."""
        rows = values.new_zeros(self.n_ranks, values.numel())
        rows[self.rank] = values
        return self.sum(rows)

    def _reduced(self, values: Tensor, operation: dist.ReduceOp.RedOpType) -> Tensor:
        result = values.clone()
        if result.numel():
            dist.all_reduce(result, operation, group=self.group)
            self.received += (self.n_ranks - 1) * result.numel() * result.element_size()
        return result
