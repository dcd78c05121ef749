"""`LinkAges`: the age of each link of a layer, and the cells that have ever been a link."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor

from topolearn.evolution.per_link.explored import Explored, explored
from topolearn.evolution.per_link.former_values import FormerValues
from topolearn.graph import within, without
from topolearn.graph.cells import search
from topolearn.sparse import LinkChange


class LinkAges:
    """Link ages and explored cells of one layer, on the device of its links; free before the first update.

    Parameters
    ----------
    cells : Tensor of int64
        The initial links, as sorted flat positions.
    shape : (int, int)
        Numbers of output and input neurons.

    Attributes
    ----------
    former : FormerValues or None
        The last values of former links, if the method needs them; copies share this object.
    """

    former: FormerValues | None = None

    def __init__(self, cells: Tensor, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._cells, self._ever = cells, cells
        self._explored: Explored | None = None
        self._born: Tensor | None = None

    @property
    def n_explored(self) -> Tensor:
        """Number of cells that have ever been a link, as a tensor on the device of the links."""
        return (
            torch.tensor(self._ever.numel(), device=self._cells.device)
            if self._explored is None
            else self._explored.count
        )

    def born(self) -> Tensor:
        """Return the step at which each link grew, in the order of the layer's cells; 0 for the initial links."""
        return self._births().to("cpu", copy=True)

    def follow(self, cells: Tensor, step: int) -> None:
        """Record the links after an update; a link removed and regrown in the same update keeps its age."""
        self._move(cells.device)
        places = search(self._cells, cells).clamp_(max=max(self._cells.numel() - 1, 0))
        stays = self._cells[places] == cells
        self._born = torch.where(stays, self._births()[places], step)
        self._cells = cells
        self._gathered().add(cells, ~stays)

    def change(self, change: LinkChange, step: int) -> None:
        """Record the links after an update, given what has changed."""
        self._move(change.cells.device)
        returned = within(change.grown, change.lost)
        if returned.numel():
            lost, grown = (without(cells, returned) for cells in (change.lost, change.grown))
            change = LinkChange.of(self._cells, lost, grown)
        self._born = change.moved(self._births(), step)
        self._cells = change.cells
        self._gathered().add_new(change.grown)

    def explored(self) -> Tensor:
        """Return the cells that have ever been a link, sorted, as a new tensor on the CPU."""
        return self._ever.to("cpu", copy=True) if self._explored is None else self._explored.cells().cpu()

    def restore(self, cells: Tensor, born: Tensor, explored: Tensor) -> None:
        """Restore the links, the steps at which they grew, and the explored cells."""
        device = self._cells.device
        self._cells, self._born, self._ever = cells.to(device), born.to(device), explored.to(device)
        self._explored = None

    def __copy__(self) -> LinkAges:
        """Return a copy that can be updated independently."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__, _explored=copy(self._explored))
        return twin

    def _births(self) -> Tensor:
        return torch.zeros_like(self._cells) if self._born is None else self._born

    def _gathered(self) -> Explored:
        """Return the collection of explored cells, created at the first update."""
        if self._explored is None:
            self._explored = explored(self._ever, self.shape[0] * self.shape[1])
            self._ever = self._ever[:0]
        return self._explored

    def _move(self, device: torch.device) -> None:
        """Move everything to the device of the links."""
        if device != self._cells.device:
            known = self.explored().to(device)
            self._cells, self._born = self._cells.to(device), self._births().to(device)
            self._ever, self._explored = known, None
