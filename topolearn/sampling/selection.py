"""Choosing k candidates: the best (`top`), in proportion to a score (`sample`), or with a fallback (`choose`).

`best` and `drawn` are `top` and `sample` without the check of the scores, which would make the host wait for the
device: their callers check the scores themselves.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling.field import RandomField
from topolearn.sampling.filling import fill
from topolearn.waiting import is_asynchronous

INVALID = "scores must be at least 0: negative scores and NaN cannot be ranked"


def largest(keys: Tensor, k: int, tie_keys: Callable[[Tensor | slice], Tensor]) -> Tensor:
    """Return the positions of the k largest keys, ties broken by the largest ``tie_keys(positions)``.

    Parameters
    ----------
    keys : Tensor, shape (n,)
    k : int
        How many, 0 <= k <= n.
    tie_keys : callable
        From positions, or a slice of them, to a number in (0, 1] for each.
    """
    if k == 0:
        return torch.empty(0, dtype=torch.int64, device=keys.device)
    if k == keys.numel():
        return torch.arange(k, device=keys.device)
    threshold = torch.topk(keys, k, sorted=False).values.min()
    if is_asynchronous(keys.device):  # compute all tie keys: counting the ties would synchronize
        return torch.topk(ranks(keys, threshold, tie_keys(slice(None))), k, sorted=False).indices
    above = (keys > threshold).nonzero().squeeze(1)
    tied = (keys == threshold).nonzero().squeeze(1)
    missing = k - above.numel()
    if missing < tied.numel():
        tied = tied[torch.argsort(tie_keys(tied), descending=True, stable=True)[:missing]]
    return torch.cat((above, tied))


def ranks(keys: Tensor, threshold: Tensor, ties: Tensor) -> Tensor:
    """Return ranking keys: keys above the threshold first, then keys equal to it, ordered by ``ties`` in (0, 1].

    Examples
    --------
    >>> ranks(torch.tensor([5.0, 2.0, 2.0, 1.0]), torch.tensor(2.0), torch.tensor([0.9, 0.3, 0.6, 0.7]))
    tensor([   inf, 0.3000, 0.6000,   -inf])
    """
    return torch.where(keys > threshold, torch.inf, torch.where(keys == threshold, ties, -torch.inf))


def _check(cells: Tensor, scores: Tensor, k: int) -> None:
    _check_numbers(cells, scores, k)
    if not bool(are_valid(scores)):
        raise InvalidValueError(INVALID)


def are_valid(scores: Tensor) -> Tensor:
    """Return whether all scores are at least 0 and not NaN, as a bool tensor."""
    return (scores >= 0).all()


def _check_numbers(cells: Tensor, scores: Tensor, k: int) -> None:
    if cells.shape != scores.shape or cells.dim() != 1:
        raise InvalidValueError(
            f"cells {tuple(cells.shape)} and scores {tuple(scores.shape)} must be 1-D and of equal length"
        )
    if not 0 <= k <= cells.numel():
        raise InvalidValueError(f"cannot choose k={k} of {cells.numel()} candidates: k must be in 0..{cells.numel()}")


def top(cells: Tensor, scores: Tensor, k: int, field: RandomField) -> Tensor:
    """Return the k candidates with the highest scores (hard selection); ties are broken by the field.

    Parameters
    ----------
    cells : Tensor of int64, shape (n,)
        The candidates, each once, in any order.
    scores : Tensor, shape (n,)
        Their scores, at least 0.
    k : int
        How many to choose, 0 <= k <= n.
    field : RandomField
        Breaks ties, so that candidates of equal score are equally likely to be chosen.

    Returns
    -------
    Tensor of int64, shape (k,)
        The chosen cells, sorted.

    Raises
    ------
    InvalidValueError
        For scores that are NaN or negative, or an impossible k.

    Examples
    --------
    >>> import torch
    >>> top(torch.tensor([4, 9, 2]), torch.tensor([0.5, 3.0, 1.0]), 2, RandomField(0))
    tensor([2, 9])
    """
    _check(cells, scores, k)
    return best(cells, scores, k, field)


def best(cells: Tensor, scores: Tensor, k: int, field: RandomField) -> Tensor:
    """Return what `top` returns, for scores known to be valid; -inf marks cells that are not candidates."""
    _check_numbers(cells, scores, k)
    chosen = largest(scores, k, lambda tied: field.uniform(cells[tied]))
    return cells[chosen].sort().values


def sample(cells: Tensor, scores: Tensor, k: int, field: RandomField, *, exponent: float = 1.0) -> Tensor:
    r"""Draw k candidates without replacement, with probability proportional to ``scores ** exponent``.

    The distribution is that of successive sampling: drawing one candidate after another from the remaining ones. It is
    computed as Gumbel top-k: the k largest of ``exponent * log(score) + gumbel(cell)``, which neither overflows nor
    limits the number of candidates. Candidates with score 0 are drawn, uniformly, only after all those with a positive
    score.

    Parameters
    ----------
    cells, scores, k, field
        As for `top`.
    exponent : float
        :math:`\delta / (1 - \delta)` of eq. 2; 1 draws in proportion to the scores themselves, 0 uniformly among
        candidates with a positive score.

    Returns
    -------
    Tensor of int64, shape (k,)
        The chosen cells, sorted.

    References
    ----------
    Kool, van Hoof, Welling (2019), "Stochastic beams and where to find them", ICML; Zhang et al., eq. 2.

    Examples
    --------
    >>> import torch
    >>> cells, scores = torch.arange(3), torch.tensor([0.0, 1.0, 5.0])
    >>> sample(cells, scores, 2, RandomField(0))
    tensor([1, 2])
    """
    _check(cells, scores, k)
    return drawn(cells, scores, k, field, exponent=exponent)


def drawn(cells: Tensor, scores: Tensor, k: int, field: RandomField, *, exponent: float = 1.0) -> Tensor:
    """Return what `sample` returns, for scores known to be valid."""
    _check_numbers(cells, scores, k)
    if not 0 <= exponent < float("inf"):
        raise InvalidValueError(f"exponent={exponent} must be finite and at least 0")
    keys = soft_keys(cells, scores, field, exponent)
    chosen = largest(keys, k, lambda tied: field.uniform(cells[tied]))
    return cells[chosen].sort().values


def soft_keys(cells: Tensor, scores: Tensor, field: RandomField, exponent: float = 1.0) -> Tensor:
    """Return ``exponent * log(score) + gumbel(cell)`` in float64: the k largest form a sample."""
    keys = exponent * torch.log(scores.to(torch.float64)) + field.gumbel(cells)
    return keys.masked_fill_(scores == 0, -torch.inf)  # changes only exponent 0, where 0 * -inf is NaN


def choose(
    cells: Tensor,
    scores: Tensor,
    k: int,
    field: RandomField,
    *,
    soft: bool,
    n_cells: int,
    excluded: Tensor,
) -> Tensor:
    """Choose k cells by score, and uniformly among the other free cells when too few have a score.

    Only candidates with a positive score get a draw, so a list of these gives the same result as the full matrix of
    scores.

    Parameters
    ----------
    cells, scores
        Candidates and their scores; free cells that are not listed count as score 0.
    k : int
        How many cells to choose.
    field : RandomField
        The source of the draws.
    soft : bool
        Choose with `sample` if true, with `top` if false.
    n_cells : int
        Number of cells of the layer, ``n_out * n_in``.
    excluded : Tensor of int64, sorted
        Cells that must not be chosen: the links. Candidates must not be among them.

    Returns
    -------
    Tensor of int64, shape (k,)
        The chosen cells, sorted.

    Examples
    --------
    >>> import torch
    >>> cells, scores, links = torch.tensor([1, 3]), torch.tensor([2.0, 0.0]), torch.tensor([0, 4])
    >>> choose(cells, scores, 3, RandomField(0), soft=True, n_cells=5, excluded=links)
    tensor([1, 2, 3])
    """
    _check(cells, scores, min(k, cells.numel()))
    positive = scores > 0
    cells, scores = cells[positive], scores[positive]
    n_scored = min(k, cells.numel())
    chosen = sample(cells, scores, n_scored, field) if soft else top(cells, scores, n_scored, field)
    return filled_up(chosen, k, n_cells, field, excluded)


def filled_up(chosen: Tensor, k: int, n_cells: int, field: RandomField, excluded: Tensor) -> Tensor:
    """Return the chosen cells, filled up to k with uniformly drawn ones, sorted."""
    n_missing = k - chosen.numel()
    if not n_missing:
        return chosen
    taken = torch.cat((excluded, chosen)).sort().values
    others = fill(n_missing, n_cells, taken, replace(field, purpose=f"{field.purpose}, filled"))
    return torch.cat((chosen, others)).sort().values
