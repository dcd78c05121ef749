"""`Exploration`: how long each link of a layer has been there, and which cells have ever been one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from topolearn.evolution.links import merged, within, without
from topolearn.sparse import LinkChange

RARELY = 8  # a cell is written again when a list of eight times as many is due


class Exploration:
    """Ages and explored cells of one layer; it costs nothing before the first update.

    Parameters
    ----------
    cells : Tensor of int64
        The links at the start, as sorted flat positions.
    n_cells : int
        Number of cells of the layer.
    """

    def __init__(self, cells: Tensor, n_cells: int) -> None:
        self.n_cells = n_cells
        self._cells = self._ever = cells.cpu()
        self._recent = self._ever[:0]
        self._born: Tensor | None = None

    @property
    def itop_rate(self) -> float:
        """Share of the cells that have been a link at any time (in-time over-parameterisation)."""
        return (self._ever.numel() + self._recent.numel()) / self.n_cells

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

    def state_dict(self) -> dict[str, Tensor]:
        """Return the steps at which the links grew, and the cells that were explored."""
        return {"born": self.born(), "explored": merged(self._ever, self._recent)}

    def load_state_dict(self, state: dict[str, Any], cells: Tensor) -> None:
        """Take over a state that belongs to these links."""
        self._cells, self._born, self._ever = cells.cpu(), state["born"].cpu(), state["explored"].cpu()
        self._recent = self._ever[:0]

    def _explore(self, new: Tensor) -> None:
        """Take note of cells; the long list of all is made anew only when many have gathered beside it."""
        unseen = without(without(new, self._ever), self._recent)
        if not unseen.numel():
            return
        self._recent = merged(self._recent, unseen)
        if RARELY * self._recent.numel() > self._ever.numel():
            self._ever, self._recent = merged(self._ever, self._recent), self._recent[:0]
