"""`ShardedAges`: the age of each link in a rank's rows, and the cells of all rows that have ever been a link."""

from __future__ import annotations

import torch
from torch import Tensor

from topolearn.distributed import ShardedLinear
from topolearn.errors import InvalidValueError
from topolearn.evolution.per_link.ages import LinkAges
from topolearn.sparse.link_list import LinkList, ListedCells
from topolearn.sparse.weights.packed_links import packed, unpacked


class ShardedAges(LinkAges):
    """Ages of the links in this rank's rows, and explored cells of all rows as bits on the host.

    Parameters
    ----------
    layer : ShardedLinear
    """

    def __init__(self, layer: ShardedLinear) -> None:
        super().__init__(ListedCells(layer.own_cells()), layer.shape)
        self._shard, self._ever_bits = layer.shard, layer.bits.to("cpu", copy=True)
        self._n_ever = layer.n_links

    @property
    def n_explored(self) -> Tensor:
        """Number of cells that have ever been a link."""
        return torch.tensor(self._n_ever)

    @property
    def own_born(self) -> Tensor:
        """The step at which each link in this rank's rows grew."""
        return self._births()

    @property
    def own_cells(self) -> Tensor:
        """The links in this rank's rows."""
        return self._links.cells

    def born(self) -> Tensor:
        """Raise, as the ages of all links would require communication.

        Raises
        ------
        InvalidValueError
        """
        raise InvalidValueError(
            "the link ages of a sharded layer are sharded across ranks, like its weight: save topology.state_dict() "
            "with torch.distributed.checkpoint"
        )

    def explored(self) -> Tensor:
        """Return the cells of all rows that have ever been a link, sorted."""
        return unpacked(self._ever_bits, self.shape[1]).flatten().nonzero().squeeze(1)

    @property
    def own_explored(self) -> Tensor:
        """Which cells of this rank's rows have ever been a link, as packed rows."""
        return self._shard.rows(self._ever_bits)

    def follow(self, cells: Tensor, step: int) -> None:
        """Record the links of all rows after an update; ages are kept only for this rank's rows."""
        own, before = self._shard.within(cells), self.own_cells
        if before.numel():
            places = torch.searchsorted(before, own).clamp_(max=before.numel() - 1)
            self._born = torch.where(before[places] == own, self._births_until(step)[places], step)
        else:
            self._born = torch.full_like(own, step)
        self._links = ListedCells(own)
        self._explore(cells)

    def share(self, links: LinkList) -> None:
        """Do nothing: these are the links of all rows."""

    def restore(self, cells: Tensor, born: Tensor, explored: Tensor) -> None:
        """Restore the links of all rows, the steps at which they grew, and the explored cells."""
        first, last = self._shard.ends(cells)[self._shard.rank : self._shard.rank + 2]
        device = self._links.device
        self._links, self._born = ListedCells(cells[first:last].to(device)), born[first:last].to(device)
        self._ever_bits = torch.zeros_like(self._ever_bits)
        self._explore(explored)

    def _explore(self, cells: Tensor) -> None:
        mask = unpacked(self._ever_bits, self.shape[1]).contiguous()
        mask.view(-1)[cells.cpu()] = True
        self._ever_bits, self._n_ever = packed(mask), int(mask.sum())
