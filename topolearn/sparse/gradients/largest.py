"""The gradient of weights that do not exist, which RigL and similar methods need, without a dense weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling import Pool, RandomField
from topolearn.sparse.gradients.record import GradientRecord
from topolearn.sparse.linear import SparseLinear

BLOCK = 2**18  # cells whose gradients exist at a time: they fit into cache, and the first block's best rule most out

NOT_FINITE = "its gradient is not finite: lower the learning rate, or look for NaN in the data"


@contextmanager
def recorded(layers: Iterable[SparseLinear]) -> Iterator[None]:
    """Record what `largest_gradients` needs, from each backward pass in the block that accumulates gradients.

    The forward pass must also be in the block. `torch.autograd.grad` accumulates no gradients.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> layer = tl.SparseLinear(8, 6, graph=tl.generators.erdos_renyi(8, 6, 0.2, seed=0), backend="csr")
    >>> with recorded([layer]):
    ...     layer(torch.randn(4, 8)).square().sum().backward()
    ...     cells, scores = largest_gradients(layer, 3, RandomField(0))
    >>> cells.shape, bool((scores > 0).all())
    (torch.Size([3]), True)
    """
    layers = list(layers)
    for layer in layers:
        layer.start_recording()
    try:
        yield
    finally:
        for layer in layers:
            layer.stop_recording()


def largest_gradients(
    layer: SparseLinear, k: int, field: RandomField, *, soft: bool = False, block: int = BLOCK
) -> tuple[Tensor, Tensor]:
    r"""Return the k non-links with the largest gradient magnitude over all recorded backward passes.

    The gradient of a weight, whether or not it is a link, is :math:`\partial L / \partial W = \sum dY^T X` over the
    passes; it is in float32, or in float64 for a layer in float64. On the csr backend it exists for only one block of
    rows at a time.

    Parameters
    ----------
    layer : SparseLinear
        A layer within `recorded`.
    k : int
        How many non-links to return; at most all of them.
    field : RandomField
        Breaks ties, or provides the random draws.
    soft : bool
        Sample without replacement in proportion to the magnitudes, instead of taking the largest.
    block : int
        Cells whose gradients exist at a time; at least one row.

    Returns
    -------
    cells : Tensor of int64, shape (k,)
        Sorted flat positions, ``output * in_features + input``; fewer than k if fewer have a gradient.
    magnitudes : Tensor, shape (k,)

    Raises
    ------
    InvalidValueError
        When nothing was recorded, a gradient is not finite, or k is out of range.

    References
    ----------
    Evci et al. (2020), "Rigging the lottery: making all tickets winners", ICML.
    """
    if layer.record is None:
        raise InvalidValueError("no backward pass was recorded: run forward and backward within recorded([layer])")
    return largest_recorded(layer.record, k, field, soft=soft, excluded=layer.cells(), block=block)


@torch.no_grad()
def largest_recorded(
    record: GradientRecord, k: int, field: RandomField, *, soft: bool, excluded: Tensor, block: int = BLOCK
) -> tuple[Tensor, Tensor]:
    """Return the k cells with the largest recorded gradients, apart from excluded ones; see `largest_gradients`.

    Parameters
    ----------
    excluded : Tensor of int64, sorted
        Cells that must not be chosen.
    """
    n_out, n_in = record.shape
    if record.is_empty:
        raise InvalidValueError("no backward pass was recorded: run forward and backward after recording has started")
    if not 0 <= k <= n_out * n_in - excluded.numel():
        raise InvalidValueError(f"k={k} is out of range: the layer has {n_out * n_in - excluded.numel()} non-links")
    pool = Pool(k, field, soft)
    step = max(block // n_in, 1)
    bounds = torch.arange(0, n_out + step, step, device=excluded.device).clamp_(max=n_out)
    places = torch.searchsorted(excluded, bounds * n_in).tolist()
    for i, first in enumerate(range(0, n_out, step)):
        scores = recorded_magnitudes(record, first, min(first + step, n_out)).flatten()
        scores[excluded[places[i] : places[i + 1]] - first * n_in] = 0
        cells = _candidates(scores, pool)
        pool.offer(cells + first * n_in, scores[cells])
    cells, magnitudes = pool.best()
    order = cells.argsort()
    return cells[order], magnitudes[order]


def recorded_magnitudes(record: GradientRecord, first: int, last: int) -> Tensor:
    """Return the gradient magnitudes of some rows, shape (last - first, n_in), averaging gradients over all ranks.

    Raises
    ------
    InvalidValueError
        When one is not finite.
    """
    magnitudes = mean_magnitudes(record, first, last)
    if not bool(torch.isfinite(magnitudes.sum())):
        raise InvalidValueError(NOT_FINITE)
    return magnitudes


@torch.no_grad()
def mean_magnitudes(record: GradientRecord, first: int, last: int) -> Tensor:
    """Return the same as `recorded_magnitudes`, but leave it to the caller to check that all are finite."""
    gradient = record.rows(first, last)
    if record.average is not None:
        gradient = gradient.clone()  # the record may be read again, and must not be averaged twice
        record.average(gradient)
    return gradient.abs()


def _candidates(scores: Tensor, pool: Pool) -> Tensor:
    """Return the positions of positive scores that can enter a pool."""
    level = 0.0 if pool.soft else pool.bound.level
    return ((scores >= level) if level else (scores > 0)).nonzero().squeeze(1)
