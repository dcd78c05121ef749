"""Choosing k of candidates that come in batches: the k best so far, in memory proportional to k."""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField
from topolearn.sampling.selection import largest, soft_keys

SLACK = 2**13  # candidates above 2 k that are kept before the pool is pruned


@dataclass(frozen=True)
class Bound:
    """What a candidate must reach to enter a full pool.

    Attributes
    ----------
    level : float
        Soft: the candidate's exponential draw ``-log(u)`` over its score must not exceed it. Hard: the score must.
    bits : int
        Hard: a candidate whose score equals the level needs at least these random bits.
    """

    level: float
    bits: int


@dataclass
class Pool:
    """The k best of the candidates that were offered so far, by the keys of `top` or `sample`.

    What is left in the end is what `choose` would take from the list of all candidates. Candidates that miss `bound`
    need not be offered.

    Parameters
    ----------
    k : int
        How many to keep.
    field : RandomField
        The source of the draws.
    soft : bool
        Whether `sample`, not `top`, orders the candidates.
    barred : Tensor of int64, optional
        Cells that are left out when they are offered.

    Examples
    --------
    >>> import torch
    >>> pool = Pool(2, RandomField(0), soft=False)
    >>> pool.offer(torch.tensor([5, 1]), torch.tensor([1.0, 3.0]))
    >>> pool.offer(torch.tensor([7]), torch.tensor([2.0]))
    >>> [tensor.tolist() for tensor in pool.best()]
    [[1, 7], [3.0, 2.0]]
    """

    k: int
    field: RandomField
    soft: bool
    barred: Tensor | None = None
    _batches: list[tuple[Tensor, Tensor, Tensor]] = dataclasses.field(default_factory=list)
    _size: int = 0
    _bound: Bound | None = None

    @property
    def bound(self) -> Bound:
        """The bound of the k best; any candidate with a positive score passes it while there are fewer than k."""
        return self._bound or (Bound(math.inf, 0) if self.soft else Bound(0.0, 2**53))

    def offer(self, cells: Tensor, scores: Tensor) -> None:
        """Take candidates, each cell once in all, with positive scores."""
        if self.barred is not None and self.barred.numel():
            admitted = ~torch.isin(cells, self.barred)
            cells, scores = cells[admitted], scores[admitted]
        keys = soft_keys(cells, scores, self.field) if self.soft else scores
        self._batches.append((cells, scores, keys))
        self._size += cells.numel()
        if self._size > 2 * self.k + SLACK or (self._bound is None and self._size > self.k):
            self._prune()

    def best(self) -> tuple[Tensor, Tensor]:
        """Return the cells of the k best, or of all if there are fewer, and their scores, in no order."""
        self._prune()
        return self._batches[0][:2] if self._batches else (torch.empty(0, dtype=torch.int64), torch.empty(0))

    def _prune(self) -> None:
        if not self._batches:
            return
        cells, scores, keys = (torch.cat(tensors) for tensors in zip(*self._batches, strict=True))
        if cells.numel() > self.k:
            kept = largest(keys, self.k, lambda tied: self.field.uniform(cells[tied]))
            cells, scores, keys = cells[kept], scores[kept], keys[kept]
            self._bound = self._reach(cells, scores, keys)
        self._batches, self._size = [(cells, scores, keys)], cells.numel()

    def _reach(self, cells: Tensor, scores: Tensor, keys: Tensor) -> Bound:
        if self.k == 0:
            return Bound(0.0 if self.soft else math.inf, 2**53)
        least = float(keys.min())
        if self.soft:  # a little higher, since logarithms differ in the last digit between libraries
            return Bound(math.exp(-least) * (1 + 1e-9), 0)
        return Bound(least, int(self.field.bits(cells[scores == least]).min()))
