"""The strongest paths through the weights of a chain of layers."""

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from topolearn.checks import check_size
from topolearn.errors import InvalidTypeError, InvalidValueError

Path = tuple[float, tuple[int, ...]]
Weights = Any  # an array, a tensor, nested lists, or a sparse array or matrix of scipy


def find_strongest(weights: Sequence[Weights], k: int) -> list[Path]:
    """Return the paths with the largest products of absolute weights, as (logarithm, neurons), the largest first.

    First the strength of the best continuation from each neuron is computed, layer by layer from the end. Then a
    best-first search follows only paths that can be among the k best. Time and memory grow linearly with the links.

    Examples
    --------
    >>> find_strongest([np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 4.0]])], 2)
    [(1.3862943611198906, (1, 1, 0)), (0.6931471805599453, (0, 0, 0))]
    """
    check_size("k", k)
    layers = [_by_source(w) for w in _checked(weights)]
    ahead = _best_ways_on(layers)
    starts = np.flatnonzero(ahead[0] > -np.inf)
    starts = starts[np.argsort(-ahead[0][starts], kind="stable")[:k]]
    # Each entry: minus the strength that can be reached, the path so far, and its strength.
    waiting: list[tuple[float, tuple[int, ...], float]] = [
        (-float(ahead[0][node]), (int(node),), 0.0) for node in starts
    ]
    heapq.heapify(waiting)
    strongest: list[Path] = []
    while waiting and len(strongest) < k:
        _, path, so_far = heapq.heappop(waiting)
        depth = len(path) - 1
        if depth == len(layers):
            strongest.append((so_far, path))
            continue
        layer = layers[depth]
        links = slice(layer.indptr[path[-1]], layer.indptr[path[-1] + 1])
        nodes, strengths = layer.indices[links], layer.data[links]
        reach = strengths + ahead[depth + 1][nodes]
        for i in np.argsort(-reach, kind="stable")[:k]:
            if reach[i] > -np.inf:
                here = so_far + float(strengths[i])
                entry = (-(so_far + float(reach[i])), (*path, int(nodes[i])), here)
                heapq.heappush(waiting, entry)
    if not strongest:
        raise InvalidValueError("there is no path from an input to an output, so there is nothing to draw")
    return sorted(strongest, key=lambda each: (-each[0], each[1]))


def _by_source(w: Weights) -> sparse.csr_array:
    """Return the logarithms of absolute weights, with a row for each input."""
    layer = sparse.csr_array(abs(sparse.csr_array(w)).T)
    layer.eliminate_zeros()
    layer.sort_indices()
    layer.data = np.log(layer.data.astype(np.float64))
    return layer


def _best_ways_on(layers: Sequence[sparse.csr_array]) -> list[NDArray[np.float64]]:
    """Return the strength of the best path from each neuron of each column to any output; -inf if there is none."""
    ahead = [np.zeros(layers[-1].shape[1])]
    for layer in reversed(layers):
        best = np.full(layer.shape[0], -np.inf)
        linked = np.flatnonzero(np.diff(layer.indptr))
        if linked.size:
            best[linked] = np.maximum.reduceat(layer.data + ahead[0][layer.indices], layer.indptr[linked])
        ahead.insert(0, best)
    return ahead


def as_matrix(weights: Weights) -> Weights:
    """Return a sparse matrix of scipy as it is, and a tensor or nested lists as an array of float64."""
    if sparse.issparse(weights):
        return weights
    if isinstance(weights, torch.Tensor):
        weights = weights.detach().to("cpu", torch.float64).to_dense().numpy()
    try:
        return np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidTypeError(
            f"weights={weights!r}: pass a matrix of numbers, (n_out, n_in), for each layer"
        ) from None


def _checked(weights: Sequence[Weights]) -> Sequence[Weights]:
    if not len(weights):
        raise InvalidValueError("weights is empty: pass the weights of at least one layer")
    for w in weights:
        if w.ndim != 2 or not math.isfinite(float(abs(w).sum())):
            raise InvalidValueError(f"weights of shape {w.shape} must be a finite matrix, (n_out, n_in)")
    for before, after in pairwise(weights):
        if before.shape[0] != after.shape[1]:
            raise InvalidValueError(f"weights of shapes {before.shape} and {after.shape} do not form a chain of layers")
    return weights
