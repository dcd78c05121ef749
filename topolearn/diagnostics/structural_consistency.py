"""Structural consistency: how predictable hidden links are from the others."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from topolearn.checks import check_size, random_generator
from topolearn.diagnostics.checks import check_fraction
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import InvalidValueError, UndefinedMeasureError
from topolearn.graph import BipartiteGraph, Graph
from topolearn.sampling.ties import precision_at

LARGEST = 2048  # maximum size of the smaller side, or number of nodes: all singular vectors are computed
SAME = 1e-9  # singular values that differ by less than this share of the largest count as equal
DIGITS = 9  # decimals to which cells are ranked: a link has about 1, and rounding errors are below 1e-10


def structural_consistency(
    graph: GraphLike,
    *,
    fraction: float = 0.1,
    repeats: int = 10,
    seed: int | np.random.Generator | None = 0,
) -> Estimate:
    r"""Return the share of hidden links among the top-ranked cells after a first-order perturbation.

    A fraction of the links, :math:`\Delta A`, is hidden. The rest, :math:`A_R = \sum_k \sigma_k u_k v_k^T`, is
    perturbed:

    .. math:: \tilde A = \sum_k (\sigma_k + u_k^T \Delta A \, v_k) \, u_k v_k^T

    and the cells that are not links of :math:`A_R` are ranked by it; the result is the share of hidden links among as
    many top cells, in expectation over random tie-breaking. Vectors of equal singular values are rotated so that
    :math:`\Delta A` is diagonal among them. This is the form for a graph with two sides, where the eigenvalues of the
    whole adjacency are the singular values with both signs. A one-mode graph uses the eigenvalues and eigenvectors of
    its symmetric adjacency, as in the paper.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
        With up to 2,048 nodes, or neurons on the smaller side.
    fraction : float
        Fraction of the links to hide, in (0, 1).
    repeats : int
        Number of repetitions to average over.
    seed : int, numpy.random.Generator or None

    Returns
    -------
    Estimate
        In [0, 1], with the standard error of the mean over the repeats.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the graph is larger, or `fraction` or `repeats` is not a number in its range.
    UndefinedMeasureError
        When the graph has fewer than two links.

    References
    ----------
    Lü, Pan, Zhou, Zhang, Stanley (2015), "Toward link predictability of complex networks", PNAS 112.

    Examples
    --------
    >>> import numpy as np
    >>> structural_consistency(np.kron(np.eye(2), np.ones((6, 6))))
    1.0
    """
    layer = read_single(graph, "structural_consistency")
    if min(layer.shape) > LARGEST:
        raise InvalidValueError(
            f"{layer!r} is too large for structural_consistency, which computes all singular vectors (limit "
            f"{LARGEST} nodes, or neurons on the smaller side): measure a subgraph"
        )
    fraction, repeats = check_fraction("fraction", fraction), check_size("repeats", repeats)
    if layer.n_links < 2:
        raise UndefinedMeasureError("structural_consistency is undefined with fewer than two links")
    shares = np.array([_foreseen(layer, fraction, rng) for rng in random_generator(seed).spawn(repeats)])
    error = shares.std(ddof=1) / np.sqrt(repeats) if repeats > 1 else 0.0
    return Estimate(float(shares.mean()), error=float(error))


def _foreseen(layer: BipartiteGraph | Graph, fraction: float, rng: np.random.Generator) -> float:
    n_hidden = min(max(round(fraction * layer.n_links), 1), layer.n_links - 1)
    hidden = np.sort(rng.choice(layer.cells, n_hidden, replace=False))
    kept = np.setdiff1d(layer.cells, hidden, assume_unique=True)
    if isinstance(layer, Graph):
        matrix = _symmetrically_perturbed(_matrix(layer, kept), _matrix(layer, hidden))
        likely = matrix[np.triu_indices(layer.n_nodes, 1)]  # in the order of cells
    else:
        likely = _perturbed(_matrix(layer, kept), _matrix(layer, hidden)).ravel()
    likely[kept] = -np.inf
    is_hidden = np.zeros(likely.size, dtype=bool)
    is_hidden[hidden] = True
    return precision_at(n_hidden, is_hidden, likely.round(DIGITS))


def _matrix(layer: BipartiteGraph | Graph, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a matrix with ones at some cells; for a one-mode graph in both triangles."""
    matrix = np.zeros(layer.shape)
    if isinstance(layer, Graph):
        i, j = layer.edges(cells).T
        matrix[i, j] = matrix[j, i] = 1
    else:
        matrix.flat[cells] = 1
    return matrix


def _symmetrically_perturbed(kept: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(kept)
    bounds = [0, *(np.flatnonzero(np.diff(values) > SAME * np.abs(values).max()) + 1), values.size]
    for first, last in pairwise(bounds):
        if last - first > 1:
            block = vectors[:, first:last]
            vectors[:, first:last] = block @ np.linalg.eigh(block.T @ change @ block)[1]
    shifted = values + np.einsum("ik,ik->k", vectors, change @ vectors)
    return np.asarray((vectors * shifted) @ vectors.T)


def _perturbed(kept: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    left, values, right = np.linalg.svd(kept, full_matrices=False)
    rank = int((values > SAME * values[0]).sum())
    left, values, right = left[:, :rank].copy(), values[:rank], right[:rank].copy()
    bounds = [0, *(np.flatnonzero(np.diff(values) < -SAME * values[0]) + 1), rank]
    for first, last in pairwise(bounds):
        if last - first > 1:
            block = left[:, first:last].T @ change @ right[first:last].T
            turn = np.linalg.eigh((block + block.T) / 2)[1]
            left[:, first:last] = left[:, first:last] @ turn
            right[first:last] = turn.T @ right[first:last]
    shifted = values + np.einsum("ok,ok->k", left, change @ right.T)
    outside = change - left @ (left.T @ change)  # where the singular value is 0, only the change remains
    return (left * shifted) @ right + outside - (outside @ right.T) @ right
