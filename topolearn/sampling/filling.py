"""Choosing cells uniformly: the k of a layer's free cells, without a list of them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling.field import RandomField
from topolearn.waiting import positions, works_behind


def fill(k: int, n_cells: int, excluded: Tensor, field: RandomField) -> Tensor:
    """Draw k cells uniformly, without replacement, from those of ``range(n_cells)`` that are not excluded.

    Draw number i of the field names the free cell of rank ``floor(u_i * n_free)``; one that came before is rejected.
    Time and memory are proportional to ``k`` and the number of excluded cells, never to ``n_cells``.

    Parameters
    ----------
    k : int
        How many to draw.
    n_cells : int
        Number of cells of the layer, ``n_out * n_in``.
    excluded : Tensor of int64, sorted, without repeats
        Cells that may not be drawn: links, and cells that were chosen already.
    field : RandomField
        The source of the draws.

    Returns
    -------
    Tensor of int64, shape (k,)
        The drawn cells, sorted.

    Raises
    ------
    InvalidValueError
        When fewer than k cells are free.

    Examples
    --------
    >>> import torch
    >>> fill(2, 5, torch.tensor([0, 1, 3]), RandomField(0))
    tensor([2, 4])
    """
    n_free = n_cells - excluded.numel()
    if not 0 <= k <= n_free:
        raise InvalidValueError(f"k={k} cells asked for, but {n_free} of {n_cells} are free")
    # Beyond one half it is cheaper to draw the free cells that stay free.
    ranks = _distinct(min(k, n_free - k), n_free, field, excluded.device)
    if 2 * k > n_free:
        left_out = ranks
        ranks = torch.ones(n_free, dtype=torch.bool, device=excluded.device)
        ranks[left_out] = False
        ranks = positions(ranks, k)
    # Before the i-th excluded cell e_i lie e_i - i free ones, so a free rank is shifted by those not above it.
    gaps = excluded - torch.arange(excluded.numel(), device=excluded.device)
    ranks = ranks.sort().values
    return ranks + torch.searchsorted(gaps, ranks, right=True)


def _distinct(k: int, n: int, field: RandomField, device: torch.device) -> Tensor:
    """Return the first k distinct integers of the sequence ``floor(u_i * n)``, i = 0, 1, ..., for 2 k <= n."""

    def draw(first: int, stop: int) -> Tensor:
        bits = field.bits(torch.arange(first, stop, device=device))
        return (bits.to(torch.float64) * 2.0**-53 * n).to(torch.int64)

    if works_behind(device):
        return _first_distinct(draw, k, n)
    chosen = draw(0, k)
    if bool((chosen.sort().values.diff() > 0).all()):  # as is the rule when they are few
        return chosen
    chosen, drawn = chosen[:0], 0
    while chosen.numel() < k:
        missing = k - chosen.numel()
        draws = torch.cat((chosen, draw(drawn, drawn + 2 * missing)))
        drawn += 2 * missing
        values, positions = torch.unique(draws, return_inverse=True)
        first = torch.full_like(values, draws.numel())
        first.scatter_reduce_(0, positions, torch.arange(draws.numel(), device=device), "amin")
        chosen = draws[first.sort().values[:k]]
    return chosen


def _first_distinct(draw: Callable[[int, int], Tensor], k: int, n: int) -> Tensor:
    """Return the first k distinct integers of a sequence of n alike, from so many that there is one question to ask."""
    if not k:
        return draw(0, 0)
    # So many draws have k distinct ones on average; their number varies by less than the square root of k.
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
