"""`LinkList`: the links of a layer at one time, in the form in which the layer itself stores them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class LinkList(Protocol):
    """Links that stay as they are when their layer gets other ones."""

    @property
    def cells(self) -> Tensor:
        """The links as sorted flat positions, ``output * n_in + input``; possibly computed at each access."""

    @property
    def n_links(self) -> int:
        """Number of links."""

    @property
    def device(self) -> torch.device:
        """Where the links are."""


class ListedCells(NamedTuple):
    """Links as their sorted flat positions.

    Examples
    --------
    >>> ListedCells(torch.tensor([1, 4])).n_links
    2
    """

    cells: Tensor

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.cells.numel()

    @property
    def device(self) -> torch.device:
        """Where the links are."""
        return self.cells.device
