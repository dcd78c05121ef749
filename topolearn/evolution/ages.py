"""`LinkAges`: how long each link of a layer has been there, and which cells have ever been one."""

from __future__ import annotations

import torch
from torch import Tensor

from topolearn.graph import merged, within, without
from topolearn.sparse import LinkChange

RARELY = 8  # a cell is written again when a list of eight times as many is due


class LinkAges:
    """Ages and explored cells of one layer; it costs nothing before the first update.

    Parameters
    ----------
    cells : Tensor of int64
        The links at the start, as sorted flat positions.
    shape : (int, int)
        Numbers of output and input neurons.
    """

    def __init__(self, cells: Tensor, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._cells = self._ever = cells.cpu()
        self._recent = self._ever[:0]
        self._born: Tensor | None = None

    @property
    def itop_rate(self) -> float:
        """Share of the cells that have been a link at any time (in-time over-parameterisation)."""
        return (self._ever.numel() + self._recent.numel()) / (self.shape[0] * self.shape[1])

    def born(self) -> Tensor:
        """Return the step at which each link grew, in the order of the layer's cells; 0 for those from the start."""
        return torch.zeros(self._cells.numel(), dtype=torch.int64) if self._born is None else self._born

    def follow(self, cells: Tensor, step: int) -> None:
        """Take over the links after an update; one that was removed and regrown at once keeps its age."""
        cells = cells.cpu()
        places = torch.searchsorted(self._cells, cells).clamp_(max=max(self._cells.numel() - 1, 0))
        stays = self._cells[places] == cells
        self._born = torch.where(stays, self.born()[places], step)
        self._cells = cells
        self._explore(cells[~stays])

    def change(self, change: LinkChange, step: int) -> None:
        """Take over the links after an update, by what has changed."""
        change = change.to("cpu")
        returned = within(change.grown, change.lost)
        if returned.numel():
            lost, grown = (without(cells, returned) for cells in (change.lost, change.grown))
            change = LinkChange.of(self._cells, lost, grown)
        self._born = change.moved(self.born(), step)
        self._cells = change.cells
        self._explore(change.grown)

    def explored(self) -> Tensor:
        """Return the cells, sorted, that have been a link at any time."""
        return merged(self._ever, self._recent)

    def restore(self, cells: Tensor, born: Tensor, explored: Tensor) -> None:
        """Take over links, the steps at which they grew, and the cells that were explored."""
        self._cells, self._born, self._ever = cells.cpu(), born.cpu(), explored.cpu()
        self._recent = self._ever[:0]

    def _explore(self, new: Tensor) -> None:
        """Take note of cells; the long list of all is rewritten only when many have gathered beside it."""
        unseen = without(without(new, self._ever), self._recent)
        if not unseen.numel():
            return
        self._recent = merged(self._recent, unseen)
        if RARELY * self._recent.numel() > self._ever.numel():
            self._ever, self._recent = merged(self._ever, self._recent), self._recent[:0]
