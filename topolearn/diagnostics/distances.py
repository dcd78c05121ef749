"""Distances between nodes: breadth-first search from all nodes, or from a sample of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.checks import check_size, random_generator
from topolearn.diagnostics.components import nodes_of_largest
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.reading import GraphLike, Neighbours, neighbours
from topolearn.errors import InvalidValueError
from topolearn.threads import for_each

EXACT = 20_000  # number of nodes up to which, by default, all are sources
SAMPLE = 256  # default number of sources in larger graphs; one search handles them together


@dataclass(frozen=True)
class Distances:
    """Distances from some nodes, the sources, to all nodes that they reach.

    Attributes
    ----------
    n_nodes : int
        The number of nodes considered.
    sources : array of int64, shape (n_sources,)
    counts : array of int64
        ``counts[d]`` is the number of pairs (source, node) at distance d, up to the largest distance.
    reached, total, inverse, farthest : arrays of float64, shape (n_sources,)
        For each source: the number of other nodes it reaches, the sum of the distances to them, the sum of the inverse
        distances, and the largest distance (0 for a node without links).
    """

    n_nodes: int
    sources: NDArray[np.int64]
    counts: NDArray[np.int64]
    reached: NDArray[np.float64]
    total: NDArray[np.float64]
    inverse: NDArray[np.float64]
    farthest: NDArray[np.float64]

    @property
    def is_exact(self) -> bool:
        """Whether all nodes are sources."""
        return self.sources.size == self.n_nodes

    def mean(self, values: NDArray[np.float64]) -> Estimate:
        """Return the mean of a value over the sources, with its standard error if they are a sample."""
        return self.ratio(values, np.ones(values.size))

    def ratio(self, above: NDArray[np.float64], below: NDArray[np.float64]) -> Estimate:
        """Return the ratio of two sums over the sources, with its standard error if they are a sample."""
        value = float(above.sum() / below.sum())
        if self.is_exact:
            return Estimate(value)
        n, rest = self.sources.size, 1 - self.sources.size / self.n_nodes
        spread = float(np.square(above - value * below).sum()) / (n - 1)
        return Estimate(value, error=float(np.sqrt(rest * spread / n) / below.mean()))


def distances(
    graph: GraphLike,
    *,
    within: str = "all",
    sample: int | None = None,
    seed: int | np.random.Generator | None = 0,
) -> Distances:
    """Return the distances between the nodes of a graph, whose links count in both directions.

    The search handles 256 sources at once, one bit each, on as many threads as torch uses.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph
    within : {"all", "component"}
        All nodes, or only those of the largest component.
    sample : int, optional
        Number of sources to draw at random, at least 2; default all nodes of a graph of up to 20,000, else 256. If
        there are no more nodes than that, all are sources.
    seed : int, numpy.random.Generator or None
        For the sample.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For another value of `within`, or a sample that is not an integer of at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> lengths = distances(np.array([[1, 0], [1, 1]]))
    >>> lengths.counts, lengths.farthest
    (array([0, 6, 4, 2]), array([2., 3., 3., 2.]))
    """
    if within not in ("all", "component"):
        raise InvalidValueError(f"within={within!r} must be 'all' or 'component'")
    if sample is not None and check_size("sample", sample) < 2:
        raise InvalidValueError(f"sample={sample} must be at least 2, for a standard error; None uses the default")
    seen = neighbours(graph)
    nodes = nodes_of_largest(seen) if within == "component" else np.arange(seen.n_nodes)
    n_sources = sample or (nodes.size if nodes.size <= EXACT else SAMPLE)
    if n_sources < nodes.size:  # sorted, because neighbours in a ring then share most of a search
        sources = np.sort(random_generator(seed).choice(nodes, n_sources, replace=False))
    else:
        sources = nodes
    return _searched(seen, sources, nodes.size)


def distances_between(seen: Neighbours) -> Distances:
    """Return the distances from all nodes, even in a large graph."""
    return _searched(seen, np.arange(seen.n_nodes), seen.n_nodes)


def _searched(seen: Neighbours, sources: NDArray[np.int64], n_nodes: int) -> Distances:
    from topolearn.diagnostics.kernels.distances import WORDS, search

    size = 64 * WORDS
    chunks = [slice(first, first + size) for first in range(0, sources.size, size)]
    totals = np.zeros((sources.size, 4))
    counts: list[NDArray[np.int64]] = []

    def work(chunk: slice) -> None:
        counted = np.zeros(seen.n_nodes, np.int64)
        search(seen.pointers, seen.ends, sources[chunk], counted, totals[chunk])
        counts.append(counted[: int(totals[chunk, 3].max()) + 1])

    for_each(work, chunks)
    together = np.zeros(max(counted.size for counted in counts), np.int64)
    for counted in counts:
        together[: counted.size] += counted
    return Distances(n_nodes, sources, together, *totals.T)
