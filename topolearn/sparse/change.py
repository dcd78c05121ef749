"""`LinkChange`: how a layer's list of links changes, so that all data stored per link can follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.graph.cells import search, without


@dataclass(frozen=True)
class LinkChange:
    """The links that a layer loses and grows; the others stay.

    Attributes
    ----------
    lost, grown : Tensor of int64, shape (n_lost,) and (n_grown,), sorted
        A link may be in both, and then starts over.
    cells : Tensor of int64, shape (n_links,)
        The links afterwards, sorted.
    places : Tensor of int64, shape (n_links,)
        The place of each link in the previous list; arbitrary for new links.
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
        """Return the change in which some of the sorted links are lost and other cells grow.

        Only the lost and the grown are searched for, so a small change costs little.

        Examples
        --------
        >>> import torch
        >>> change = LinkChange.of(torch.tensor([1, 4, 7]), torch.tensor([4]), torch.tensor([0]))
        >>> change.cells.tolist(), change.moved(torch.tensor([10.0, 40.0, 70.0])).tolist()
        ([0, 1, 7], [0.0, 10.0, 70.0])
        """
        n_after = cells.numel() - lost.numel() + grown.numel()
        # Ranks among the links that stay: how many of them come before each new or lost link.
        coming = search(cells, grown) - search(lost, grown)
        going = search(cells, lost) - torch.arange(lost.numel(), device=cells.device)
        new = coming + torch.arange(grown.numel(), device=cells.device)
        # After each new link, places shift back by one; from the position of a lost link on, they shift ahead by one.
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
        """Return a tensor with one value per link, moved along with the links; new links get ``new``."""
        moved = state[self.places] if state.numel() else state.new_zeros(self.cells.shape)
        moved[self.new] = new
        return moved

    def to(self, device: torch.device | str) -> LinkChange:
        """Return the change with its tensors on a device."""
        return LinkChange(*(each.to(device) for each in (self.lost, self.grown, self.cells, self.places, self.new)))
