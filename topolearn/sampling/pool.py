"""Choosing k of the candidates in a stream of batches, in memory proportional to k."""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField
from topolearn.sampling.selection import largest, soft_keys

SLACK = 2**13  # the pool is pruned when it holds more than 2 k + SLACK candidates
MARGIN, SPREAD, DEVIATIONS = 0.02, 2.5, 5.0  # slack of a guess: minimum, for unequal scores, in standard deviations


@dataclass(frozen=True)
class Bound:
    """The threshold that a candidate must reach to enter a full pool.

    Attributes
    ----------
    level : float
        Soft: the candidate's exponential draw ``-log(u)``, divided by its score, must not exceed the level. Hard: the
        score must exceed the level, or equal it with enough random bits.
    bits : int
        Hard: the random bits that a candidate needs at least when its score equals the level.
    """

    level: float
    bits: int


@dataclass
class Pool:
    """The k best of the candidates offered so far, ordered by the keys of `top` or `sample`.

    In the end the pool holds what `choose` would take from the list of all candidates. Callers can skip candidates
    that miss `bound`.

    Parameters
    ----------
    k : int
        How many candidates to keep.
    field : RandomField
        The source of the draws.
    soft : bool
        Whether to order the candidates as `sample` does, rather than as `top` does.
    barred : Tensor of int64, optional
        Cells to ignore when they are offered.

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
        """The bound of the k best, or the expected bound; with neither, all candidates with a positive score pass."""
        anything = Bound(math.inf, 0) if self.soft else Bound(0.0, 2**53)
        known = [bound for bound in (self._bound, self._expected) if bound]
        return min(known, key=lambda bound: bound.level, default=anything)

    def expect(self, n: int, total: float) -> None:
        """Guess the final bound of a sample from the number of candidates and the sum of their scores.

        A candidate with score s reaches level L with probability :math:`1 - e^{-Ls} \\approx Ls - (Ls)^2/2`, so that
        about ``L * total`` of them do. The guess is slightly higher, so that at least k candidates nearly always reach
        it. If fewer do, the pool `is_short` and its contents are useless.
        """
        if self.soft and self.k and total > 0:
            share = self.k / n
            margin = MARGIN + SPREAD * share + DEVIATIONS / math.sqrt(self.k)
            self._expected = Bound(self.k / total * (1 + margin), 0)

    @property
    def is_short(self) -> bool:
        """Whether fewer than k candidates reached the expected bound; offer them all again to a pool without one."""
        return self._expected is not None and self._size < self.k

    def offer(self, cells: Tensor, scores: Tensor) -> None:
        """Add candidates with positive scores; each cell must be offered only once."""
        if self.barred is not None and self.barred.numel():
            admitted = ~torch.isin(cells, self.barred)
            cells, scores = cells[admitted], scores[admitted]
        self._new.append((cells, scores))
        self._size += cells.numel()
        is_first = self._bound is None and self._expected is None and self._size > self.k
        if is_first or self._size > 2 * self.k + SLACK:
            self._prune()

    def best(self) -> tuple[Tensor, Tensor]:
        """Return the cells and scores of the k best, or of all if there are fewer, in no particular order."""
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
        if self.soft:  # slightly higher, as the last digit of a logarithm varies between libraries
            return Bound(math.exp(-least) * (1 + 1e-9), 0)
        return Bound(least, int(self.field.bits(cells[scores == least]).min()))
