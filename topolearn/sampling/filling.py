"""Choosing k of a layer's free cells uniformly, without listing the free cells."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling.field import RandomField
from topolearn.waiting import is_asynchronous, positions


def fill(k: int, n_cells: int, excluded: Tensor, field: RandomField) -> Tensor:
    """Draw k cells uniformly, without replacement, from those of ``range(n_cells)`` that are not excluded.

    Draw i of the field selects the free cell of rank ``floor(u_i * n_free)``; repeated cells are rejected. Time and
    memory are proportional to ``k`` and the number of excluded cells, never to ``n_cells``.

    Parameters
    ----------
    k : int
        How many cells to draw.
    n_cells : int
        Number of cells of the layer, ``n_out * n_in``.
    excluded : Tensor of int64, sorted, without repeats
        Cells that must not be drawn: links, and cells that are already chosen.
    field : RandomField
        The source of the draws.

    Returns
    -------
    Tensor of int64, shape (k,)
        The drawn cells, sorted.

    Raises
    ------
    InvalidValueError
        When k is negative or fewer than k cells are free.

    Examples
    --------
    >>> import torch
    >>> fill(2, 5, torch.tensor([0, 1, 3]), RandomField(0))
    tensor([2, 4])
    """
    n_free = n_cells - excluded.numel()
    if not 0 <= k <= n_free:
        raise InvalidValueError(f"cannot draw k={k} cells: {n_free} of {n_cells} are free, so k must be in 0..{n_free}")
    # Beyond one half it is cheaper to draw the cells that stay free.
    ranks = _distinct(min(k, n_free - k), n_free, field, excluded.device)
    if 2 * k > n_free:
        left_out = ranks
        ranks = torch.ones(n_free, dtype=torch.bool, device=excluded.device)
        ranks[left_out] = False
        ranks = positions(ranks, k)
    # e_i - i free cells precede the i-th excluded cell e_i, so a free rank shifts by the number of gaps <= itself.
    gaps = excluded - torch.arange(excluded.numel(), device=excluded.device)
    ranks = ranks.sort().values
    return ranks + torch.searchsorted(gaps, ranks, right=True)


def _distinct(k: int, n: int, field: RandomField, device: torch.device) -> Tensor:
    """Return the first k distinct integers of the sequence ``floor(u_i * n)``, i = 0, 1, ..., for 2 k <= n."""

    def draw(first: int, stop: int) -> Tensor:
        bits = field.bits(torch.arange(first, stop, device=device))
        return (bits.to(torch.float64) * 2.0**-53 * n).to(torch.int64)

    if is_asynchronous(device):
        return _first_distinct(draw, k, n)
    chosen = draw(0, k)
    if bool((chosen.sort().values.diff() > 0).all()):  # nearly always, when k is small
        return chosen
    chosen, drawn = chosen[:0], 0
    while chosen.numel() < k:
        missing = k - chosen.numel()
        draws = torch.cat((chosen, draw(drawn, drawn + 2 * missing)))
        drawn += 2 * missing
        values, inverse = torch.unique(draws, return_inverse=True)
        first = torch.full_like(values, draws.numel())
        first.scatter_reduce_(0, inverse, torch.arange(draws.numel(), device=device), "amin")
        chosen = draws[first.sort().values[:k]]
    return chosen


def _first_distinct(draw: Callable[[int, int], Tensor], k: int, n: int) -> Tensor:
    """Return the first k distinct of ``n`` equally likely integers; draw enough to synchronize only once, as a rule."""
    if not k:
        return draw(0, 0)
    # This many draws contain k distinct values on average, with a standard deviation below the square root of k.
    n_draws = math.ceil(-n * math.log1p(-k / n)) + 8 * math.isqrt(k) + 8
    while True:
        draws = draw(0, n_draws)
        values, order = draws.sort(stable=True)
        is_first = torch.ones_like(values, dtype=torch.bool)
        is_first[1:] = values[1:] != values[:-1]
        in_turn = torch.empty_like(is_first)
        in_turn[order] = is_first
        if bool(in_turn.sum() >= k):
            return draws[positions(in_turn, k)[:k]]
        n_draws *= 2
