"""How new links are drawn once their scores are known: what is asked for, and the draw itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.linkpred.random import check_seed
from topolearn.sampling import RandomField, choose, fill


@dataclass(frozen=True)
class Draw:
    """What is asked for: so many non-links, the best or a sample, none of them barred.

    Attributes
    ----------
    k : int
        How many.
    field : RandomField
        Breaks ties, and draws the sample.
    soft : bool
        Sample in proportion to the scores, instead of taking the best.
    barred : Tensor of int64, optional
        Non-links that are not chosen, as cells, sorted.
    """

    k: int
    field: RandomField
    soft: bool
    barred: Tensor | None = None

    @classmethod
    def by_seed(cls, k: int, seed: int | None, *, soft: bool) -> Draw:
        """Return a draw by the field of a seed, of a fresh one for None."""
        return cls(k, RandomField(check_seed(seed), purpose="select"), soft)

    def excluded(self, links: Tensor) -> Tensor:
        """Return the cells, sorted, that may not be chosen: links, and barred non-links."""
        return links if self.barred is None else torch.cat((links, self.barred.to(links.device))).sort().values

    def check(self, n_free: int, n_cells: int) -> None:
        """Refuse a k that is not an integer, or larger than the number of cells that may be chosen.

        Raises
        ------
        InvalidTypeError, InvalidValueError
        """
        if isinstance(self.k, bool) or not isinstance(self.k, Integral):
            raise InvalidTypeError(f"k={self.k!r} must be an integer")
        if not 0 <= self.k <= n_free:
            raise InvalidValueError(
                f"k={self.k} links asked for, but {n_free} of {n_cells} pairs are non-links: k lies in 0..{n_free}"
            )

    def by_scores(self, cells: Tensor, scores: Tensor, n_cells: int, excluded: Tensor) -> tuple[Tensor, Tensor]:
        """Choose among candidates, and at random where they do not suffice; return cells, sorted, and scores."""
        if cells.numel() == self.k and bool((scores > 0).all()):
            cells, order = cells.sort()
            return cells, scores[order]
        chosen = choose(cells, scores, int(self.k), self.field, soft=self.soft, n_cells=n_cells, excluded=excluded)
        if not cells.numel():
            return chosen, scores.new_zeros(chosen.numel())
        cells, order = cells.sort()
        places = torch.searchsorted(cells, chosen).clamp_(max=cells.numel() - 1)
        return chosen, torch.where(cells[places] == chosen, scores[order][places], 0)

    def at_random(self, n_cells: int, excluded: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Choose uniformly, by the draws that `choose` makes for those that have no score; their scores are 0."""
        chosen = fill(int(self.k), n_cells, excluded, replace(self.field, purpose=f"{self.field.purpose}, filled"))
        return chosen, torch.zeros(chosen.numel(), dtype=dtype, device=chosen.device)
