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
from topolearn.sparse.link_list import LinkList, ListedCells

MOST = 2**31 - 1  # the last step that int32 can number


class LinkAges:
    """Link ages and explored cells of one layer, on the device of its links; free before the first update.

    After it, they take 4 bytes per link, and 8 per cell that was a link before.

    Parameters
    ----------
    links : LinkList
        The initial links.
    shape : (int, int)
        Numbers of output and input neurons.

    Attributes
    ----------
    former : FormerValues or None
        The last values of former links, if the method needs them; copies share this object.
    """

    former: FormerValues | None = None

    def __init__(self, links: LinkList, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._links = links
        self._ever: Tensor | None = None  # explored cells, if others than the links, until the first update
        self._explored: Explored | None = None
        self._born: Tensor | None = None

    @property
    def n_explored(self) -> Tensor:
        """Number of cells that have ever been a link, as a tensor on the device of the links."""
        if self._explored is not None:
            return self._explored.count(self._links.n_links)
        n = self._links.n_links if self._ever is None else self._ever.numel()
        return torch.tensor(n, device=self._links.device)

    @property
    def n_links(self) -> int:
        """Number of links after the last update."""
        return self._links.n_links

    def born(self) -> Tensor:
        """Return the step at which each link grew, int64, in the order of the layer's cells; 0 for initial links."""
        return self._births().to("cpu", torch.int64, copy=True)

    def follow(self, cells: Tensor, step: int) -> None:
        """Record the links after an update; a link removed and regrown in the same update keeps its age."""
        self._move(cells.device)
        before = self._links.cells
        places = search(before, cells).clamp_(max=max(before.numel() - 1, 0))
        stays = before[places] == cells
        self._born = torch.where(stays, self._births_until(step)[places], step)
        self._gathered(before).follow(before, cells, stays)
        self._links = ListedCells(cells)

    def change(self, change: LinkChange, step: int) -> None:
        """Record the links after an update, given what has changed."""
        self._move(change.cells.device)
        before = self._links.cells
        returned = within(change.grown, change.lost)
        if returned.numel():
            lost, grown = (without(cells, returned) for cells in (change.lost, change.grown))
            change = LinkChange.of(before, lost, grown)
        self._born = change.moved(self._births_until(step), step)
        self._gathered(before).change(change.lost, change.grown)
        self._links = ListedCells(change.cells)

    def share(self, links: LinkList) -> None:
        """Use the list of the same links that their layer has, so that they are in memory only once."""
        self._links = links

    def explored(self) -> Tensor:
        """Return the cells that have ever been a link, sorted, as a new tensor on the CPU."""
        links = self._links.cells
        if self._explored is not None:
            return self._explored.cells(links).cpu()
        return (links if self._ever is None else self._ever).to("cpu", copy=True)

    def restore(self, cells: Tensor, born: Tensor, explored: Tensor) -> None:
        """Restore the links, the steps at which they grew, and the explored cells."""
        device = self._links.device
        self._links, self._born, self._ever = ListedCells(cells.to(device)), born.to(device), explored.to(device)
        self._explored = None

    def __copy__(self) -> LinkAges:
        """Return a copy that can be updated independently."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__, _explored=copy(self._explored))
        return twin

    def _births(self) -> Tensor:
        if self._born is None:
            return torch.zeros(self._links.n_links, dtype=torch.int32, device=self._links.device)
        return self._born

    def _births_until(self, step: int) -> Tensor:
        """Return the steps at which the links grew, in a dtype that can also hold a later step."""
        return self._births().to(torch.int32 if step <= MOST else torch.int64)

    def _gathered(self, links: Tensor) -> Explored:
        """Return the collection of explored cells, created at the first update."""
        if self._explored is None:
            self._explored = explored(links if self._ever is None else self._ever, links, self.shape)
            self._ever = None
        return self._explored

    def _move(self, device: torch.device) -> None:
        """Move everything to the device of the links."""
        if device != self._links.device:
            known = self.explored().to(device)
            self._links, self._born = ListedCells(self._links.cells.to(device)), self._births().to(device)
            self._ever, self._explored = known, None
