"""The last values of the former links of a layer, for links that grow again: as a list, or as a matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from topolearn.graph import are_among
from topolearn.graph.cells import search
from topolearn.sparse import CsrLinear, LinkChange, SparseLinear

NEVER = math.nan  # marks cells that are links or have never been one; no link has this value


class Prepared(NamedTuple):
    """The values of the links after an update, and the function that stores the values of the lost links."""

    values: Tensor
    commit: Callable[[], None]


class FormerValues(Protocol):
    """The last values of former links."""

    def prepare(self, before: Tensor, values: Tensor, after: Tensor) -> Prepared:
        """Prepare for an update; nothing changes before the commit, which allocates no memory.

        Parameters
        ----------
        before : Tensor of int64, shape (n_before,)
            The links before the update, sorted.
        values : Tensor, shape (n_before,)
            Their values.
        after : Tensor of int64, shape (n_after,)
            The links after the update, sorted. Links that stay keep their value; the others get their last value, or 0
            if they have never been links.
        """

    def of_others(self, links: Tensor) -> tuple[Tensor, Tensor]:
        """Return the former links that are not links now, sorted, and their values, on the CPU."""

    def restore(self, cells: Tensor, values: Tensor) -> None:
        """Restore former links, sorted, and their values."""


class FormerList:
    """Former links as a list: 8 bytes and a value per former link, regardless of the size of the layer.

    Parameters
    ----------
    values : Tensor
        The values of the links, which determine dtype and device.

    Examples
    --------
    >>> former = FormerList(torch.zeros(0))
    >>> before = torch.tensor([1, 4])
    >>> values, commit = former.prepare(before, torch.tensor([10.0, 40.0]), after := torch.tensor([1, 7]))
    >>> commit()
    >>> former.prepare(after, torch.tensor([11.0, 70.0]), torch.tensor([1, 4, 7])).values
    tensor([11., 40., 70.])
    """

    def __init__(self, values: Tensor) -> None:
        self._cells = torch.empty(0, dtype=torch.int64, device=values.device)
        self._values = values.new_empty(0)

    def prepare(self, before: Tensor, values: Tensor, after: Tensor) -> Prepared:
        """Prepare for an update; see `FormerValues.prepare`."""
        cells, known = self._cells.to(before.device), self._values.to(values)
        change = LinkChange.between(before, after)
        begin = change.moved(values, _looked_up(cells, known, change.grown))
        gone = cells[are_among(cells, after) | are_among(cells, change.lost)]
        kept = LinkChange.of(cells, gone, change.lost)
        known = kept.moved(known, values[search(before, change.lost)])

        def commit() -> None:
            self._cells, self._values = kept.cells, known

        return Prepared(begin, commit)

    def of_others(self, links: Tensor) -> tuple[Tensor, Tensor]:
        """Return the former links that are not links now, and their values."""
        others = ~are_among(self._cells, links.to(self._cells.device))
        return self._cells[others].cpu(), self._values[others].cpu()

    def restore(self, cells: Tensor, values: Tensor) -> None:
        """Restore former links and their values."""
        device = self._cells.device  # not the dtype: the model may have been converted since it was sparsified
        self._cells, self._values = cells.to(device), values.to(device)


class FormerMatrix:
    """Former links as a matrix with a value for each cell of the layer, which avoids counting the former links.

    The matrix is allocated at the first update.

    Parameters
    ----------
    n_cells : int
        Number of cells of the layer.
    values : Tensor
        The values of the links, which determine dtype and device.

    Examples
    --------
    >>> former = FormerMatrix(8, torch.zeros(0))
    >>> before = torch.tensor([1, 4])
    >>> values, commit = former.prepare(before, torch.tensor([10.0, 40.0]), after := torch.tensor([1, 7]))
    >>> commit()
    >>> former.prepare(after, torch.tensor([11.0, 70.0]), torch.tensor([1, 4, 7])).values
    tensor([11., 40., 70.])
    >>> former.of_others(after)
    (tensor([4]), tensor([40.]))
    """

    def __init__(self, n_cells: int, values: Tensor) -> None:
        self._n_cells, self._values = n_cells, values.new_empty(0)

    def prepare(self, before: Tensor, values: Tensor, after: Tensor) -> Prepared:
        """Prepare for an update; see `FormerValues.prepare`."""
        known = self._values.to(values) if self._values.numel() else values.new_full((self._n_cells,), NEVER)
        places = search(before, after).clamp_(max=before.numel() - 1)
        last = known[after]
        begin = torch.where(before[places] == after, values[places], torch.where(last.isnan(), 0, last))

        def commit() -> None:
            self._values = known.index_copy_(0, before, values).index_fill_(0, after, NEVER)

        return Prepared(begin, commit)

    def of_others(self, links: Tensor) -> tuple[Tensor, Tensor]:
        """Return the former links that are not links now, and their values."""
        if not self._values.numel():
            return torch.empty(0, dtype=torch.int64), self._values.cpu()
        values = self._values.index_fill(0, links.to(self._values.device), NEVER).cpu()
        cells = values.isnan().logical_not_().nonzero().squeeze(1)
        return cells, values[cells]

    def restore(self, cells: Tensor, values: Tensor) -> None:
        """Restore former links and their values."""
        device = self._values.device
        self._values = values.new_full((self._n_cells,), NEVER, device=device)
        self._values[cells.to(device)] = values.to(device)


def former_values(layer: SparseLinear) -> FormerValues:
    """Return storage for the former links of a layer: a value per cell or per link, as the layer itself stores.

    Examples
    --------
    >>> import topolearn as tl
    >>> graph = tl.generators.erdos_renyi(8, 4, 0.5, seed=0)
    >>> [type(former_values(tl.SparseLinear(8, 4, graph, backend=b))).__name__ for b in ("masked", "csr")]
    ['FormerMatrix', 'FormerList']
    """
    values = layer.link_parameter.detach()
    return FormerList(values) if isinstance(layer, CsrLinear) else FormerMatrix(values.numel(), values)


def _looked_up(cells: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """Return the values of the wanted cells among sorted cells, 0 for missing ones."""
    if not cells.numel():
        return values.new_zeros(wanted.shape)
    places = search(cells, wanted).clamp_(max=cells.numel() - 1)
    return torch.where(cells[places] == wanted, values[places], 0)
