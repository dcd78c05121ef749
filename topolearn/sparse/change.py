"""`LinkChange`: how the list of a layer's links changes, so that every list that goes with it can follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.graph.cells import search, without


@dataclass(frozen=True)
class LinkChange:
    """Links that go and links that come; the others stay.

    Attributes
    ----------
    lost, grown : Tensor of int64, shape (n_lost,) and (n_grown,), sorted
        A link may be in both: it starts over.
    cells : Tensor of int64, shape (n_links,)
        The links afterwards, sorted.
    places : Tensor of int64, shape (n_links,)
        The place of each in the list before; of new links, any.
    new : Tensor of int64, shape (n_grown,)
        The places of the new links among `cells`.
    """

    lost: Tensor
    grown: Tensor
    cells: Tensor
    places: Tensor
    new: Tensor

    @classmethod
    def of(cls, cells: Tensor, lost: Tensor, grown: Tensor) -> LinkChange:
        """Return the change of sorted links by which some of them are lost, and other cells grow.

        Only the lost and the grown are searched for, so that few of them cost little.

        Examples
        --------
        >>> import torch
        >>> change = LinkChange.of(torch.tensor([1, 4, 7]), torch.tensor([4]), torch.tensor([0]))
        >>> change.cells.tolist(), change.moved(torch.tensor([10.0, 40.0, 70.0])).tolist()
        ([0, 1, 7], [0.0, 10.0, 70.0])
        """
        n_after = cells.numel() - lost.numel() + grown.numel()
        # Ranks among the links that stay: how many of these are below each link that comes, or goes.
        coming = search(cells, grown) - search(lost, grown)
        going = search(cells, lost) - torch.arange(lost.numel(), device=cells.device)
        new = coming + torch.arange(grown.numel(), device=cells.device)
        # From behind each new link on, places fall back by one; from where a lost link was on, they go ahead by one.
        shifts = torch.zeros(n_after + 1, dtype=torch.int64, device=cells.device)
        shifts.index_add_(0, new + 1, torch.full_like(new, -1))
        shifts.index_add_(0, going + torch.searchsorted(coming, going, right=True), torch.ones_like(going))
        places = shifts[:-1].add_(1).cumsum(0).sub_(1).clamp_(max=max(cells.numel() - 1, 0))
        after = cells[places] if cells.numel() else torch.zeros_like(places)
        after[new] = grown
        return cls(lost, grown, after, places, new)

    @classmethod
    def between(cls, before: Tensor, after: Tensor) -> LinkChange:
        """Return the change from one sorted list of links to another; a link in both stays."""
        places = search(before, after).clamp_(max=max(before.numel() - 1, 0))
        stays = before[places] == after if before.numel() else torch.zeros_like(after, dtype=torch.bool)
        new = (~stays).nonzero().squeeze(1)
        return cls(without(before, after), after[new], after, places, new)

    def moved(self, state: Tensor, new: Tensor | float = 0) -> Tensor:
        """Return what belongs to the links, with ``new`` for those that have come."""
        moved = state[self.places] if state.numel() else state.new_zeros(self.cells.shape)
        moved[self.new] = new
        return moved

    def to(self, device: torch.device | str) -> LinkChange:
        """Return the change on a device."""
        return LinkChange(*(each.to(device) for each in (self.lost, self.grown, self.cells, self.places, self.new)))
