"""The cells of a layer that have been a link at any time: as a list, or as a mask where the host would wait for one."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from topolearn.graph import merged, without
from topolearn.waiting import works_behind

RARELY = 8  # a cell is written again when a list of eight times as many is due


class Explored(Protocol):
    """Cells that gather."""

    @property
    def count(self) -> Tensor:
        """How many they are, as a tensor where the cells are."""

    def cells(self) -> Tensor:
        """Return them, sorted."""

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links, some of which were not links before, as a mask says."""

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before."""


class ExploredList:
    """Cells as a list, in memory and time that do not depend on the size of the layer.

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
        """How many they are."""
        return torch.tensor(self._ever.numel() + self._recent.numel())

    def cells(self) -> Tensor:
        """Return them, sorted, as a tensor of its own."""
        return merged(self._ever, self._recent)

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links; the long list of all is rewritten only when many have gathered beside it."""
        self.add_new(cells[is_new])

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before."""
        unseen = without(without(cells, self._ever), self._recent)
        if not unseen.numel():
            return
        self._recent = merged(self._recent, unseen)
        if RARELY * self._recent.numel() > self._ever.numel():
            self._ever, self._recent = merged(self._ever, self._recent), self._recent[:0]


class ExploredMask:
    """Cells as a mask, to which links are added without knowing how many are new.

    Parameters
    ----------
    cells : Tensor of int64
    n_cells : int
        Of the layer.

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
        """How many they are."""
        return self._mask.sum()

    def cells(self) -> Tensor:
        """Return them, sorted."""
        return self._mask.nonzero().squeeze(1)

    def add(self, cells: Tensor, is_new: Tensor) -> None:
        """Add links."""
        self.add_new(cells)

    def add_new(self, cells: Tensor) -> None:
        """Add links that were not links before; the mask of a copy stays as it is."""
        self._mask = self._mask.index_fill(0, cells, True)


def explored(cells: Tensor, n_cells: int) -> ExploredList | ExploredMask:
    """Return what gathers explored cells, from the first ones on, where these are."""
    return ExploredMask(cells, n_cells) if works_behind(cells.device) else ExploredList(cells)
