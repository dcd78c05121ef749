"""The gradient of weights that do not exist: what RigL and its kin ask of a layer, without a dense weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling import Pool, RandomField
from topolearn.sparse.gradient_record import GradientRecord
from topolearn.sparse.linear import SparseLinear

BLOCK = 2**18  # cells whose gradients exist at a time: in cache, and the first block's best keep most others out

NOT_FINITE = "its gradient is not finite: lower the learning rate, or look for NaN in the data"


@contextmanager
def recorded(layers: Iterable[SparseLinear]) -> Iterator[None]:
    """Let layers keep what `largest_gradients` needs of each backward pass within that accumulates their gradients.

    The forward pass must lie within, too. `torch.autograd.grad` accumulates none.

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
    r"""Return the k non-links with the largest gradient magnitude, over all backward passes that were recorded.

    The gradient of a weight, whether or not there is a link, is :math:`\partial L / \partial W = \sum dY^T X` over the
    passes; it is in float32, or in float64 for a layer in float64. On the csr backend it exists for a block of rows
    at a time.

    Parameters
    ----------
    layer : SparseLinear
        A layer within `recorded`.
    k : int
        How many, at most the number of non-links.
    field : RandomField
        Breaks ties, or is the source of the draws.
    soft : bool
        Sample without replacement in proportion to the magnitudes, instead of taking the largest.
    block : int
        Cells whose gradients exist at a time, one row at least.

    Returns
    -------
    cells : Tensor of int64, shape (k,)
        Sorted flat positions, ``output * in_features + input``. Fewer than k when fewer have a gradient.
    magnitudes : Tensor, shape (k,)

    Raises
    ------
    InvalidValueError
        When nothing was recorded, a gradient is not finite, or k is impossible.

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
    """Return the k cells with the largest recorded gradient magnitude, excluded ones aside; see `largest_gradients`.

    Parameters
    ----------
    excluded : Tensor of int64, sorted
        Cells that may not be chosen.
    """
    n_out, n_in = record.shape
    if record.is_empty:
        raise InvalidValueError("no backward pass was recorded: forward and backward must both follow the start")
    if not 0 <= k <= n_out * n_in - excluded.numel():
        raise InvalidValueError(f"k={k}: the layer has {n_out * n_in - excluded.numel()} non-links")
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
    """Return the gradient magnitudes of some rows, shape (last - first, n_in), of the mean over all ranks.

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
    """Return what `recorded_magnitudes` does, and leave it to the caller to look whether all are finite."""
    gradient = record.rows(first, last)
    if record.average is not None:
        gradient = gradient.clone()  # the record may be read again, and its mean must not be averaged
        record.average(gradient)
    return gradient.abs()


def _candidates(scores: Tensor, pool: Pool) -> Tensor:
    """Return the positions of positive scores that may enter a pool."""
    level = 0.0 if pool.soft else pool.bound.level
    return ((scores >= level) if level else (scores > 0)).nonzero().squeeze(1)
