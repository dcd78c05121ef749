"""`Exploration`: how long each link of a layer has been there, and which cells have ever been one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
        self._born: Tensor | None = None

    @property
    def itop_rate(self) -> float:
        """Share of the cells that have been a link at any time (in-time over-parameterisation)."""
        return self._ever.numel() / self.n_cells

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
        new = cells[~stays]
        known = torch.searchsorted(self._ever, new).clamp_(max=self._ever.numel() - 1)
        unseen = new[self._ever[known] != new]
        if unseen.numel():
            self._ever = torch.cat((self._ever, unseen)).sort().values

    def state_dict(self) -> dict[str, Tensor]:
        """Return the steps at which the links grew, and the cells that were explored."""
        return {"born": self.born(), "explored": self._ever}

    def load_state_dict(self, state: dict[str, Any], cells: Tensor) -> None:
        """Take over a state that belongs to these links."""
        self._cells, self._born, self._ever = cells.cpu(), state["born"].cpu(), state["explored"].cpu()
