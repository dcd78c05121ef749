"""Choosing k of candidates that come in batches: the k best so far, in memory proportional to k."""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField
from topolearn.sampling.selection import largest, soft_keys

SLACK = 2**13  # candidates above 2 k that are kept before the pool is pruned
MARGIN, SPREAD, DEVIATIONS = 0.02, 2.5, 5.0  # of a guess: at least; for unequal scores; standard deviations of a count


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
    _best: list[tuple[Tensor, Tensor, Tensor]] = dataclasses.field(default_factory=list)  # cells, scores, keys
    _new: list[tuple[Tensor, Tensor]] = dataclasses.field(default_factory=list)  # cells, scores
    _size: int = 0
    _bound: Bound | None = None
    _expected: Bound | None = None

    @property
    def bound(self) -> Bound:
        """The bound of the k best, or the expected one; without any, all candidates with a positive score pass."""
        anything = Bound(math.inf, 0) if self.soft else Bound(0.0, 2**53)
        known = [bound for bound in (self._bound, self._expected) if bound]
        return min(known, key=lambda bound: bound.level, default=anything)

    def expect(self, n: int, total: float) -> None:
        """Guess which bound a sample will have in the end, from the number of candidates and the sum of their scores.

        A candidate with score s reaches level L with probability :math:`1 - e^{-Ls} \\approx Ls - (Ls)^2/2`, so that
        about ``L * total`` of them do. The guess is a little higher, that hardly ever fewer than k reach it: then the
        pool `is_short`, and what it holds is worth nothing.
        """
        if self.soft and self.k and total > 0:
            share = self.k / n
            margin = MARGIN + SPREAD * share + DEVIATIONS / math.sqrt(self.k)
            self._expected = Bound(self.k / total * (1 + margin), 0)

    @property
    def is_short(self) -> bool:
        """Whether fewer than k candidates reached the expected bound: all are to be offered again, without it."""
        return self._expected is not None and self._size < self.k

    def offer(self, cells: Tensor, scores: Tensor) -> None:
        """Take candidates, each cell once in all, with positive scores."""
        if self.barred is not None and self.barred.numel():
            admitted = ~torch.isin(cells, self.barred)
            cells, scores = cells[admitted], scores[admitted]
        self._new.append((cells, scores))
        self._size += cells.numel()
        is_first = self._bound is None and self._expected is None and self._size > self.k
        if is_first or self._size > 2 * self.k + SLACK:
            self._prune()

    def best(self) -> tuple[Tensor, Tensor]:
        """Return the cells of the k best, or of all if there are fewer, and their scores, in no order."""
        self._prune()
        return self._best[0][:2] if self._best else (torch.empty(0, dtype=torch.int64), torch.empty(0))

    def _prune(self) -> None:
        if not self._new:
            return
        cells, scores = (torch.cat(tensors) for tensors in zip(*self._new, strict=True))
        keys = soft_keys(cells, scores, self.field) if self.soft else scores
        cells, scores, keys = map(torch.cat, zip(*self._best, (cells, scores, keys), strict=True))
        if cells.numel() > self.k:
            kept = largest(keys, self.k, lambda tied: self.field.uniform(cells[tied]))
            cells, scores, keys = cells[kept], scores[kept], keys[kept]
            self._bound = self._reach(cells, scores, keys)
        self._best, self._new, self._size = [(cells, scores, keys)], [], cells.numel()

    def _reach(self, cells: Tensor, scores: Tensor, keys: Tensor) -> Bound:
        if self.k == 0:
            return Bound(0.0 if self.soft else math.inf, 2**53)
        least = float(keys.min())
        if self.soft:  # a little higher, since logarithms differ in the last digit between libraries
            return Bound(math.exp(-least) * (1 + 1e-9), 0)
        return Bound(least, int(self.field.bits(cells[scores == least]).min()))
