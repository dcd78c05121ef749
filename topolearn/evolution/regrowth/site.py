"""`Site`: where new links may grow."""

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
        The links that are left, as sorted flat positions ``output * n_in + input``.
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
        """The links that are left, as a graph."""
        n_out, n_in = self.shape
        return BipartiteGraph.from_cells(self.links.cpu().numpy(), n_in, n_out)

    @property
    def n_cells(self) -> int:
        """Number of cells of the layer."""
        return self.shape[0] * self.shape[1]

    @property
    def excluded(self) -> Tensor:
        """The cells, sorted, that are links already or must not grow."""
        return torch.cat((self.links, self.barred)).sort().values if self.barred.numel() else self.links


@dataclass(frozen=True)
class RegrowthScore:
    """A score of non-links, by which new links are chosen.

    Attributes
    ----------
    choose : callable
        From `Site`, k, random field, and whether to sample, to k cells, sorted. When fewer than k have a score, the
        others are drawn uniformly.
    needs_gradient : bool
        Whether it asks for the gradient of all cells.
    matrix : callable, optional
        From sites of one shape to the scores of all their cells, shape (n_sites, n_cells), where the links are: a
        tensor of its own. On an accelerator links of all these layers are then chosen at once; by `choose`, one layer
        after the other, the host waits for each.
    """

    choose: Callable[[Site, int, RandomField, bool], Tensor]
    needs_gradient: bool = False
    matrix: Callable[[Sequence[Site]], Tensor] | None = None
