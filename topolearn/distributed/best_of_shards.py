r"""The k cells with the largest gradients of a layer whose rows are spread over ranks, without gathering the gradient.

Cells are ordered by a key (the magnitude of their gradient or, for soft draws, ``log(magnitude) + gumbel(cell)``), then
by the random field, then by position. Key and field depend on the cell alone, so the order is total, and the same on
all ranks.

A cell among the global best k has fewer than k cells before it, and so fewer than k in the rows of its rank: it is
among the best k of that rank. The union of these contains the global best k, and the owner finds them by sorting the
union in the same order. Ties and draws are decided as in one process. If fewer than k cells have a gradient, all of
them are in the union, and the owner draws the others as one process does.

Fewer cells suffice. Let rank r have :math:`c_r` cells with a gradient, of :math:`C` in total, let :math:`q_r = \lceil k
c_r / C \rceil`, and let :math:`\tau` be the minimum over the ranks of the key of rank r's :math:`q_r`-th cell. As
:math:`\sum q_r \ge k`, at least k cells have a key of :math:`\tau` or more, so no cell below is among the best k: each
rank sends only those of its best k that reach :math:`\tau`. If gradients are similar on all ranks, these are about k
cells in total, instead of k from each rank.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from topolearn.distributed.exchange import Exchange
from topolearn.distributed.shard_record import ShardRecord
from topolearn.distributed.sharded_linear import ShardedLinear
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField, largest, soft_keys
from topolearn.sparse import NOT_FINITE, GradientRecord
from topolearn.sparse.weights.packed_links import packed, unpacked


@dataclass(frozen=True)
class Growth:
    """A layer, or an attention head of a layer, in which links may grow according to their gradients.

    Attributes
    ----------
    layer : str
    first, last : int
        Its first row, and the row after its last.
    field : RandomField
        The random field of the draws, with cells counted from its first row.
    """

    layer: str
    first: int
    last: int
    field: RandomField


class Asked(NamedTuple):
    """The request of a layer's owner: the number of cells for each `Growth`, and the cells that are excluded."""

    counts: Sequence[int]
    excluded: Tensor


class CollectedRecord(GradientRecord[Tensor]):
    """The gradients of a layer that its owner has collected; 0 elsewhere."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape, self.average = shape, None
        self._cells: Tensor | None = None
        self._scores: Tensor | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was collected."""
        return self._cells is None

    def collect(self, cells: Tensor, scores: Tensor) -> None:
        """Store sorted cells and the magnitudes of their gradients."""
        self._cells, self._scores = cells, scores

    def rows(self, first: int, last: int) -> Tensor:
        """Return the magnitudes in a range of rows."""
        assert self._cells is not None and self._scores is not None
        n_in = self.shape[1]
        bounds = torch.tensor([first * n_in, last * n_in], device=self._cells.device)
        low, high = torch.searchsorted(self._cells, bounds).tolist()
        block = self._scores.new_zeros((last - first) * n_in)
        block[self._cells[low:high] - first * n_in] = self._scores[low:high]
        return block.view(last - first, n_in)


class Candidates(NamedTuple):
    """A rank's cells with a gradient, counted from the first row of their `Growth`, with magnitudes and keys."""

    cells: Tensor
    scores: Tensor
    keys: Tensor

    def level(self, k: int, total: int) -> float:
        """Return the key of the last cell within this rank's quota of the best k; infinite if the quota is 0."""
        if total <= k:
            return -math.inf
        n = quota(k, self.cells.numel(), total)
        return float(torch.topk(self.keys, n, sorted=False).values.min()) if n else math.inf

    def best(self, k: int, level: float, field: RandomField) -> Candidates:
        """Return the cells among the best k whose key reaches a level."""
        reach = (self.keys >= level).nonzero().squeeze(1)
        cells, scores, keys = (each[reach] for each in self)
        if keys.numel() > k:
            kept = largest(keys, k, lambda tied: field.uniform(cells[tied])).sort().values
            cells, scores, keys = cells[kept], scores[kept], keys[kept]
        return Candidates(cells, scores, keys)


def candidates_among(scores: Tensor, first_cell: int, field: RandomField, *, soft: bool) -> Candidates:
    """Return the cells with a positive score in a block, whose first cell is number `first_cell`."""
    places = (scores > 0).nonzero().squeeze(1)
    cells, scores = places + first_cell, scores[places]
    keys = soft_keys(cells, scores, field) if soft else scores.to(torch.float64)
    return Candidates(cells, scores, keys)


def quota(k: int, own: int, total: int) -> int:
    """Return a rank's share of k in proportion to its cells, rounded up.

    Examples
    --------
    >>> [quota(3, own, 8) for own in (0, 3, 5)]
    [0, 2, 2]
    """
    return -(-k * own // total) if total else 0


def collect_best(
    exchange: Exchange,
    layers: Mapping[str, ShardedLinear],
    growths: Sequence[Growth],
    owners: Mapping[str, int],
    asked: Mapping[str, Asked],
    *,
    soft: bool,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Send the cells that may be among the best k to the owners, with the magnitudes of their gradients.

    All ranks call it with the same arguments, except for `asked`.

    Parameters
    ----------
    exchange : Exchange
    layers : Mapping of str to ShardedLinear
        The layers, with recorded gradients.
    growths : sequence of Growth
        In the order of the layers.
    owners : Mapping of str to int
        The rank that owns each layer.
    asked : Mapping of str to Asked
        The requests of this rank, for each layer that it owns.
    soft : bool
        Whether links are drawn in proportion to the magnitudes.

    Returns
    -------
    dict of str to (Tensor of int64, Tensor)
        For each layer that this rank owns: sorted cells, and magnitudes.
    """
    counts = torch.zeros(len(growths), dtype=torch.int64, device=exchange.device)
    for name, each in asked.items():
        counts[[i for i, growth in enumerate(growths) if growth.layer == name]] = torch.tensor(
            list(each.counts), device=exchange.device
        )
    ks = exchange.sum(counts).tolist()
    excluded = _excluded_rows(exchange, layers, owners, asked)
    mine = [_own_candidates(layers[each.layer], each, excluded[each.layer], soft=soft) for each in growths]
    totals = exchange.all_gather(_vector([each.cells.numel() for each in mine], exchange)).sum(dim=0).tolist()
    own = [each.level(k, total) for each, k, total in zip(mine, ks, totals, strict=True)]
    levels = exchange.min(torch.tensor(own, dtype=torch.float64, device=exchange.device))
    chosen = [
        each.best(k, level, growth.field)
        for each, k, level, growth in zip(mine, ks, levels.tolist(), growths, strict=True)
    ]
    sizes = exchange.all_gather(_vector([each.cells.numel() for each in chosen], exchange)).tolist()
    return _delivered(exchange, layers, growths, owners, chosen, sizes)


def check_finite(layers: Mapping[str, ShardedLinear]) -> None:
    """Raise if the gradients of this rank's rows are not finite.

    Raises
    ------
    InvalidValueError
    """
    for name, layer in layers.items():
        record = layer.record
        if isinstance(record, ShardRecord) and not bool(torch.isfinite(record.own_rows.sum())):
            raise InvalidValueError(f"layer {name!r}: {NOT_FINITE}")


def _vector(values: Sequence[int], exchange: Exchange) -> Tensor:
    return torch.tensor(list(values), dtype=torch.int64, device=exchange.device)


def _excluded_rows(
    exchange: Exchange, layers: Mapping[str, ShardedLinear], owners: Mapping[str, int], asked: Mapping[str, Asked]
) -> dict[str, Tensor]:
    """Exchange the excluded cells, so that each rank knows those in its own rows."""
    pieces: list[list[Tensor]] = [[] for _ in range(exchange.n_ranks)]
    for name, each in asked.items():
        layer = layers[name]
        mask = torch.zeros(layer.shape, dtype=torch.bool, device=exchange.device)
        mask.view(-1)[each.excluded] = True
        bits, bounds = packed(mask), layer.shard.bounds
        for rank, piece in enumerate(pieces):
            piece.append(bits[bounds[rank] : bounds[rank + 1]].flatten())
    none = torch.empty(0, dtype=torch.uint8, device=exchange.device)
    widths = {name: layer.bits.shape[1] for name, layer in layers.items()}
    rows = {name: layer.mask.shape[0] for name, layer in layers.items()}
    sizes = [0] * exchange.n_ranks
    for name, owner in owners.items():
        sizes[owner] += rows[name] * widths[name]
    arrived = exchange.all_to_all([torch.cat([none, *piece]) for piece in pieces], sizes)
    excluded, read = {}, [0] * exchange.n_ranks
    for name, owner in owners.items():
        first, n = read[owner], rows[name] * widths[name]
        bits = arrived[owner][first : first + n].view(rows[name], widths[name])
        excluded[name], read[owner] = unpacked(bits, layers[name].in_features), first + n
    return excluded


def _own_candidates(layer: ShardedLinear, growth: Growth, excluded: Tensor, *, soft: bool) -> Candidates:
    assert isinstance(layer.record, ShardRecord)
    first, last = max(growth.first, layer.shard.first), min(growth.last, layer.shard.last)
    own = slice(max(first - layer.shard.first, 0), max(last - layer.shard.first, 0))
    scores = layer.record.own_rows[own].abs().masked_fill_(excluded[own], 0).flatten()
    return candidates_among(scores, (first - growth.first) * layer.in_features, growth.field, soft=soft)


def _delivered(
    exchange: Exchange,
    layers: Mapping[str, ShardedLinear],
    growths: Sequence[Growth],
    owners: Mapping[str, int],
    chosen: Sequence[Candidates],
    sizes: Sequence[Sequence[int]],
) -> dict[str, tuple[Tensor, Tensor]]:
    """Send the chosen cells to the owners, and return those of the layers that this rank owns."""
    large = max(layer.out_features * layer.in_features for layer in layers.values()) > torch.iinfo(torch.int32).max
    kind = torch.int64 if large else torch.int32
    own = [i for i, growth in enumerate(growths) if owners[growth.layer] == exchange.rank]
    coming = [sum(of_rank[i] for i in own) for of_rank in sizes]
    cells = [
        (each.cells + growth.first * layers[growth.layer].in_features).to(kind)
        for each, growth in zip(chosen, growths, strict=True)
    ]
    arrived = []
    for values in (cells, [each.scores for each in chosen]):
        pieces = [
            torch.cat([values[0][:0], *(v for v, g in zip(values, growths, strict=True) if owners[g.layer] == rank)])
            for rank in range(exchange.n_ranks)
        ]
        arrived.append(exchange.all_to_all(pieces, coming))
    collected: dict[str, tuple[list[Tensor], list[Tensor]]] = {growths[i].layer: ([], []) for i in own}
    for rank, of_rank in enumerate(sizes):
        counts = [of_rank[i] for i in own]
        for i, cells, scores in zip(own, *(each[rank].split(counts) for each in arrived), strict=True):
            collected[growths[i].layer][0].append(cells.to(torch.int64))
            collected[growths[i].layer][1].append(scores)
    result = {}
    for name, lists in collected.items():
        of_layer, magnitudes = (torch.cat(each) for each in lists)
        order = of_layer.argsort()
        result[name] = of_layer[order], magnitudes[order]
    return result
