"""`Site`: where new links can grow, and `RegrowthScore`: how they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from topolearn.graph import BipartiteGraph
from topolearn.sampling import RandomField
from topolearn.sparse import GradientRecord


@dataclass(frozen=True)
class Site:
    """A layer after removal and percolation.

    Attributes
    ----------
    links : Tensor of int64, shape (n_links,)
        The remaining links, as sorted flat positions ``output * n_in + input``.
    shape : (int, int)
        Numbers of output and input neurons.
    barred : Tensor of int64, shape (n_barred,), sorted
        Non-links that must not grow.
    record : GradientRecord or None
        The gradient of all cells.
    """

    links: Tensor
    shape: tuple[int, int]
    barred: Tensor
    record: GradientRecord | None = None

    @cached_property
    def graph(self) -> BipartiteGraph:
        """The remaining links as a graph."""
        n_out, n_in = self.shape
        return BipartiteGraph.from_cells(self.links.cpu().numpy(), n_in, n_out)

    @property
    def n_cells(self) -> int:
        """Number of cells of the layer."""
        return self.shape[0] * self.shape[1]

    @property
    def excluded(self) -> Tensor:
        """The cells that are links already or must not grow, sorted."""
        return torch.cat((self.links, self.barred)).sort().values if self.barred.numel() else self.links


@dataclass(frozen=True)
class RegrowthScore:
    """A score of non-links by which new links are chosen.

    Attributes
    ----------
    choose : callable
        Maps a `Site`, k, a random field, and whether to sample, to k sorted cells. If fewer than k cells have a score,
        the others are drawn uniformly.
    needs_gradient : bool
        Whether it needs the gradient of all cells.
    matrix : callable, optional
        Maps equally shaped sites to the scores of all their cells, shape (n_sites, n_cells): a new tensor on the device
        of the links. On an accelerator the links of all these layers are then chosen at once; with `choose`, the host
        waits for each layer.
    """

    choose: Callable[[Site, int, RandomField, bool], Tensor]
    needs_gradient: bool = False
    matrix: Callable[[Sequence[Site]], Tensor] | None = None
