"""The cells of a layer that have ever been a link: a list, or a mask where a list would make the host wait."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from topolearn.graph import union, without
from topolearn.waiting import is_asynchronous

RARELY = 8  # the long list is rewritten when the short one reaches an eighth of it


class Explored(Protocol):
    """A growing set of cells."""

    @property
    def count(self) -> Tensor:
        """Number of explored cells, as a tensor on their device."""

    def cells(self) -> Tensor:
        """Return the explored cells, sorted."""

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links; a mask marks those that were not links before."""

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before."""


class ExploredList:
    """Explored cells as a list; memory and time do not depend on the size of the layer.

    Examples
    --------
    >>> explored = ExploredList(torch.tensor([1, 5]))
    >>> explored.add(torch.tensor([1, 3]), torch.tensor([False, True]))
    >>> explored.cells().tolist(), int(explored.count)
    ([1, 3, 5], 3)
    """

    def __init__(self, cells: Tensor) -> None:
        self._ever, self._recent = cells, cells[:0]

    @property
    def count(self) -> Tensor:
        """Number of explored cells."""
        return torch.tensor(self._ever.numel() + self._recent.numel())

    def cells(self) -> Tensor:
        """Return the explored cells, sorted, as a new tensor."""
        return union(self._ever, self._recent)

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links; new cells go to a short list, which is merged into the long one only rarely."""
        self.add_new(cells[is_new])

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before."""
        unseen = without(without(cells, self._ever), self._recent)
        if not unseen.numel():
            return
        self._recent = union(self._recent, unseen)
        if RARELY * self._recent.numel() > self._ever.numel():
            self._ever, self._recent = union(self._ever, self._recent), self._recent[:0]


class ExploredMask:
    """Explored cells as a mask, to which links can be added without counting the new ones.

    Parameters
    ----------
    cells : Tensor of int64
    n_cells : int
        Number of cells of the layer.

    Examples
    --------
    >>> explored = ExploredMask(torch.tensor([1, 5]), 6)
    >>> explored.add(torch.tensor([1, 3]), torch.tensor([False, True]))
    >>> explored.cells().tolist(), int(explored.count)
    ([1, 3, 5], 3)
    """

    def __init__(self, cells: Tensor, n_cells: int) -> None:
        self._mask = torch.zeros(n_cells, dtype=torch.bool, device=cells.device)
        self._mask[cells] = True

    @property
    def count(self) -> Tensor:
        """Number of explored cells."""
        return self._mask.sum()

    def cells(self) -> Tensor:
        """Return the explored cells, sorted."""
        return self._mask.nonzero().squeeze(1)

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links."""
        self.add_new(cells)

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before; copies of this object keep their own mask."""
        self._mask = self._mask.index_fill(0, cells, True)


def explored(cells: Tensor, n_cells: int) -> ExploredList | ExploredMask:
    """Return a collection of explored cells on the device of the first ones."""
    return ExploredMask(cells, n_cells) if is_asynchronous(cells.device) else ExploredList(cells)
