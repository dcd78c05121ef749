"""Correlated sparse topological initialisation (CSTI): link features that are correlated in the data."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators.link_count import link_count
from topolearn.graph import BipartiteGraph

_BLOCK = 2**21  # numbers converted to float64 at once: 16 MiB
_DECIMALS = 12  # correlations that agree to this precision are ties, which rounding in the sums must not break


def correlated(
    n_in: int, n_out: int, density: float, *, data: Any, seed: int | np.random.Generator | None = None
) -> BipartiteGraph:
    r"""Generate a graph that links neurons whose features are correlated in the data (CSTI).

    Both sides are tiled with the features: neuron :math:`h` of either side stands for feature
    :math:`h \bmod n_{features}`. The strength of a cell is :math:`|r|`, with the Pearson correlation

    .. math:: r_{fg} = \frac{\sum_s (x_{sf} - \bar x_f)(x_{sg} - \bar x_g)}
              {\sqrt{\sum_s (x_{sf} - \bar x_f)^2 \sum_s (x_{sg} - \bar x_g)^2}}

    of its two features over the samples. It is 0 if both neurons stand for the same feature, or if one of the features
    is constant. The links are the ``round(density * n_in * n_out)`` strongest cells. Tiling makes strengths occur
    several times; among the weakest cells that still fit, which have the same strength (to 12 decimals), links are
    drawn uniformly using the seed. The model exists for every density in (0, 1]: once all cells with a correlation are
    links, the rest are drawn uniformly from the cells without one. Constant features get no other links. Without ties
    and tiling, every seed gives the same graph.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    data : array or Tensor, shape (n_samples, n_features)
        Finite real numbers of any dtype, such as flattened images of bytes. They are read twice, block by block; memory
        grows with n_features squared and the number of links, not with the number of samples.
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidTypeError
        When the data are not an array of real numbers.
    InvalidValueError
        For data that are empty, not two-dimensional, not finite, a single sample, or constant in every feature; for
        invalid sizes, or a density that is outside (0, 1] or leaves no link.

    References
    ----------
    Zhang et al. (2024), "Epitopological learning and Cannistraci-Hebb network shape intelligence brain-inspired theory
    for ultra-sparse advantage in deep learning", ICLR.

    Examples
    --------
    Features 0 and 1 rise together, and 2 is uncorrelated with both; neuron 3 is feature 0 again.

    >>> data = [[0, 0, 1], [1, 1, 0], [2, 2, 0], [3, 3, 1]]
    >>> correlated(4, 3, 1 / 4, data=data, seed=0).edges().tolist()
    [[0, 1], [1, 0], [3, 1]]
    """
    n_links = link_count(n_in, n_out, density)
    n_in, n_out = int(n_in), int(n_out)  # the product of small numpy integers could overflow
    rng = random_generator(seed)
    strength = _strength(_checked(data))
    n_features = len(strength)
    tiles_out, tiles_in = _tiles(n_out, n_features), _tiles(n_in, n_features)
    strength = strength[: tiles_out.size, : tiles_in.size].ravel()
    n_cells = np.outer(tiles_out, tiles_in).ravel()
    order = np.argsort(-strength, kind="stable")
    weakest = strength[order[np.searchsorted(np.cumsum(n_cells[order]), n_links)]]
    above, tied = np.flatnonzero(strength > weakest), np.flatnonzero(strength == weakest)
    n_above = int(n_cells[above].sum())
    drawn = rng.choice(int(n_cells[tied].sum()), n_links - n_above, replace=False, shuffle=False)

    def cells(pairs: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """Return the cells with these ranks among all cells of the given pairs of features."""
        ends = np.cumsum(n_cells[pairs])
        which = np.searchsorted(ends, ranks, side="right")
        output, inputs = np.divmod(pairs[which], tiles_in.size)
        row, column = np.divmod(ranks - (ends - n_cells[pairs])[which], tiles_in[inputs])
        return (output + row * n_features) * n_in + inputs + column * n_features

    links = np.concatenate((cells(above, np.arange(n_above)), cells(tied, drawn)))
    return BipartiteGraph.from_cells(links, n_in, n_out)


def _tiles(n: int, n_features: int) -> np.ndarray:
    """Return how many of n neurons stand for each feature, for the features that have any."""
    return np.bincount(np.arange(n) % n_features)


def _strength(data: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return the absolute correlations of all pairs of features; 0 on the diagonal and for constant features."""
    n_samples, n_features = data.shape
    # Subtract the first sample, to keep the precision of features that vary little around a large value.
    shift = next(_blocks(data[:1]))[0]
    total, low, high = np.zeros(n_features), np.zeros(n_features), np.zeros(n_features)
    n_read = 0
    for block in _blocks(data):
        if not np.isfinite(block).all():
            sample, feature = np.argwhere(~np.isfinite(block))[0]
            raise InvalidValueError(
                f"data[{n_read + sample}, {feature}] = {block[sample, feature]} is not finite: remove or fill it"
            )
        n_read += len(block)
        with np.errstate(over="ignore", invalid="ignore"):
            shifted = block - shift
            total += shifted.sum(axis=0)
        low, high = np.minimum(low, shifted.min(axis=0)), np.maximum(high, shifted.max(axis=0))
    varies = high > low
    if not varies.any():
        raise InvalidValueError(
            f"all {n_features} features of data are constant over its {n_samples} samples: pass data that vary"
        )
    if not np.isfinite(total).all():
        wide = (~np.isfinite(total)).argmax()
        raise InvalidValueError(f"feature {wide} of data has a range that overflows float64: scale it down")
    span = np.where(varies, np.maximum(high, -low), 1)
    products = np.zeros((n_features, n_features))
    for block in _blocks(data):
        centred = (block - shift - total / n_samples) / span
        products += centred.T @ centred
    deviation = np.where(varies, np.sqrt(products.diagonal()), 1)
    products *= varies
    products *= varies[:, None]
    strength = np.triu(np.abs(products) / np.outer(deviation, deviation), 1).round(_DECIMALS)
    return strength + strength.T


def _blocks(data: np.ndarray | torch.Tensor) -> Iterator[np.ndarray]:
    """Yield the samples in blocks, as new float64 arrays."""
    step = max(1, _BLOCK // data.shape[1])
    for start in range(0, data.shape[0], step):
        block = data[start : start + step]
        if isinstance(block, torch.Tensor):
            block = block.detach().to("cpu", torch.float64).numpy()
        yield np.array(block, dtype=np.float64)


def _checked(data: Any) -> np.ndarray | torch.Tensor:
    """Return the data as a matrix of at least two samples; raise an error if they are not one."""
    if isinstance(data, torch.Tensor):
        real = data.layout == torch.strided and not (data.is_complex() or data.is_quantized)
        kind = f"dtype {data.dtype} and layout {data.layout}"
    else:
        try:
            data = np.asarray(data)
        except ValueError as error:
            raise InvalidValueError(f"data is not a matrix: {error}") from None
        real, kind = data.dtype.kind in "buif", f"dtype {data.dtype}"
    if not real:
        raise InvalidTypeError(f"data has {kind}: pass a dense array or tensor of real numbers, (samples, features)")
    if data.ndim != 2:
        raise InvalidValueError(
            f"data has shape {tuple(data.shape)}: it must be (samples, features); flatten images with "
            "data.reshape(len(data), -1)"
        )
    if data.shape[0] < 2 or data.shape[1] < 1:
        raise InvalidValueError(
            f"data has shape {tuple(data.shape)}: a correlation needs at least 2 samples and 1 feature"
        )
    return data
