"""The gradient of weights that do not exist: what RigL and its kin ask of a layer, without a dense weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling import Pool, RandomField
from topolearn.sparse.csr import CsrLinear

BLOCK = 2**22  # cells whose gradients exist at a time


@contextmanager
def recorded(layers: Iterable[CsrLinear]) -> Iterator[None]:
    """Let layers keep inputs and output gradients of each backward pass within, for `largest_gradients`.

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
        layer.record = []
    try:
        yield
    finally:
        for layer in layers:
            layer.record = None


@torch.no_grad()
def largest_gradients(layer: CsrLinear, k: int, field: RandomField, *, block: int = BLOCK) -> tuple[Tensor, Tensor]:
    r"""Return the k non-links with the largest gradient magnitude, over all backward passes that were recorded.

    The gradient of a weight, whether or not there is a link, is :math:`\partial L / \partial W = \sum dY^T X` over the
    passes; it is computed in float32, or in float64 for a layer in float64, for a block of rows at a time.

    Parameters
    ----------
    layer : CsrLinear
        A layer within `recorded`.
    k : int
        How many, at most the number of non-links.
    field : RandomField
        Breaks ties.
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
        When nothing was recorded, or k is impossible.

    References
    ----------
    Evci et al. (2020), "Rigging the lottery: making all tickets winners", ICML.
    """
    if not layer.record:
        raise InvalidValueError("no backward pass was recorded: run one within recorded([layer])")
    n_free = layer.in_features * layer.out_features - layer.n_links
    if not 0 <= k <= n_free:
        raise InvalidValueError(f"k={k}: the layer has {n_free} non-links")
    pool, linked = Pool(k, field, soft=False), layer.index.rows
    step = max(block // layer.in_features, 1)
    for first in range(0, layer.out_features, step):
        rows = slice(first, min(first + step, layer.out_features))
        gradient = sum(dy[rows] @ x.t() for x, dy in layer.record)
        assert isinstance(gradient, Tensor)
        begin, end = int(layer.crow[rows.start]), int(layer.crow[rows.stop])
        outputs = linked[begin:end] - first
        scores = gradient.abs_().index_put_((outputs, layer.col[begin:end].to(torch.int64)), gradient.new_zeros(()))
        scores = scores.flatten()
        cells = scores.nonzero().squeeze(1)
        pool.offer(cells + first * layer.in_features, scores[cells])
    cells, magnitudes = pool.best()
    order = cells.argsort()
    return cells[order], magnitudes[order]
