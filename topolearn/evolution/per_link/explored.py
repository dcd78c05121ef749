"""The cells of a layer that have ever been a link: a list, or a mask where a list would make the host wait."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from topolearn.graph import union, within, without
from topolearn.waiting import is_asynchronous

RARELY = 8  # the long list is rewritten when the short one reaches an eighth of it


class Explored(Protocol):
    """A growing set of cells, given the links among them."""

    def count(self, n_links: int) -> Tensor:
        """Return the number of explored cells, as a tensor on their device."""

    def cells(self, links: Tensor) -> Tensor:
        """Return the explored cells, sorted, as a new tensor."""

    def follow(self, before: Tensor, after: Tensor, stays: Tensor) -> None:
        """Add the links after an update, given those before it; a mask marks the links that were there before."""

    def change(self, lost: Tensor, grown: Tensor) -> None:
        """Add links that grew while others were lost; none is in both."""


class ExploredList:
    """Explored cells as the list of former links; memory and time do not depend on the size of the layer.

    A link that was lost before stays in the list, which only counts it, so that few changes take little time.

    Parameters
    ----------
    former : Tensor of int64
        Explored cells that are not links, sorted.

    Examples
    --------
    >>> explored = ExploredList(torch.tensor([5]))
    >>> explored.change(lost=torch.tensor([1]), grown=torch.tensor([3]))
    >>> explored.cells(links=torch.tensor([3])).tolist(), int(explored.count(n_links=1))
    ([1, 3, 5], 3)
    """

    def __init__(self, former: Tensor) -> None:
        self._long, self._short = former, former[:0]  # disjoint
        self._n_links = 0  # how many listed cells are links again

    def count(self, n_links: int) -> Tensor:
        """Return the number of explored cells."""
        return torch.tensor(n_links + self._long.numel() + self._short.numel() - self._n_links)

    def cells(self, links: Tensor) -> Tensor:
        """Return the explored cells, sorted."""
        return union(without(union(self._long, self._short), links), links)

    def follow(self, before: Tensor, after: Tensor, stays: Tensor) -> None:
        """Add the links after an update."""
        self.change(without(before, after), after[~stays])

    def change(self, lost: Tensor, grown: Tensor) -> None:
        """Add links that grew while others were lost; the short list is merged into the long one only rarely."""
        unlisted = without(without(lost, self._long), self._short)
        n_again = sum(within(grown, each).numel() for each in (self._long, self._short))
        self._n_links += n_again - (lost.numel() - unlisted.numel())
        if not unlisted.numel():
            return
        self._short = union(self._short, unlisted)
        if RARELY * self._short.numel() > self._long.numel():
            self._long, self._short = union(self._long, self._short), self._short[:0]


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
    >>> explored.change(lost=torch.tensor([1]), grown=torch.tensor([3]))
    >>> explored.cells(links=torch.tensor([3])).tolist(), int(explored.count(n_links=1))
    ([1, 3, 5], 3)
    """

    def __init__(self, cells: Tensor, n_cells: int) -> None:
        self._mask = torch.zeros(n_cells, dtype=torch.bool, device=cells.device)
        self._mask[cells] = True

    def count(self, n_links: int) -> Tensor:
        """Return the number of explored cells."""
        return self._mask.sum()

    def cells(self, links: Tensor) -> Tensor:
        """Return the explored cells, sorted."""
        return self._mask.nonzero().squeeze(1)

    def follow(self, before: Tensor, after: Tensor, stays: Tensor) -> None:
        """Add the links after an update."""
        self._add(after)

    def change(self, lost: Tensor, grown: Tensor) -> None:
        """Add links that grew."""
        self._add(grown)

    def _add(self, cells: Tensor) -> None:
        """Add cells; copies of this object keep their own mask."""
        self._mask = self._mask.index_fill(0, cells, True)


def explored(cells: Tensor, links: Tensor, shape: tuple[int, int]) -> ExploredList | ExploredMask:
    """Return a collection of explored cells on their device, given the links among them."""
    if is_asynchronous(cells.device):
        return ExploredMask(cells, shape[0] * shape[1])
    return ExploredList(without(cells, links))
