"""Draw new links once their scores are known."""

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
    """A request for k non-links, either the best or a sample, without the barred ones.

    Attributes
    ----------
    k : int
        Number of links to choose.
    field : RandomField
        Breaks ties and draws the sample.
    soft : bool
        Sample in proportion to the scores instead of taking the best.
    barred : Tensor of int64, optional
        Non-links that must not be chosen, as sorted cells.
    """

    k: int
    field: RandomField
    soft: bool
    barred: Tensor | None = None

    @classmethod
    def by_seed(cls, k: int, seed: int | None, *, soft: bool) -> Draw:
        """Return a draw with the random field of a seed, a random one for None."""
        return cls(k, RandomField(check_seed(seed), purpose="select"), soft)

    def excluded(self, links: Tensor) -> Tensor:
        """Return the sorted cells that must not be chosen: links and barred non-links."""
        return links if self.barred is None else torch.cat((links, self.barred.to(links.device))).sort().values

    def check(self, n_free: int, n_cells: int) -> None:
        """Raise an error if k is not an integer, or larger than the number of available cells.

        Raises
        ------
        InvalidTypeError, InvalidValueError
        """
        if isinstance(self.k, bool) or not isinstance(self.k, Integral):
            raise InvalidTypeError(f"k={self.k!r} must be an integer")
        if not 0 <= self.k <= n_free:
            raise InvalidValueError(
                f"k={self.k} links requested, but {n_free} of {n_cells} pairs are non-links: k must be in 0..{n_free}"
            )

    def by_scores(self, cells: Tensor, scores: Tensor, n_cells: int, excluded: Tensor) -> tuple[Tensor, Tensor]:
        """Choose among candidates, then at random if they are too few; return sorted cells and their scores."""
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
        """Choose uniformly, with the draws that `choose` makes for cells without a score; their scores are 0."""
        chosen = fill(int(self.k), n_cells, excluded, replace(self.field, purpose=f"{self.field.purpose}, filled"))
        return chosen, torch.zeros(chosen.numel(), dtype=dtype, device=chosen.device)
