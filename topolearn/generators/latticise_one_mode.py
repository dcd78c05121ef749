"""The lattice null model of one-mode graphs: the same degrees, with links between near places of a ring."""

import numpy as np

from topolearn.generators.swaps import may_swap
from topolearn.graph import Graph

_MAX_ROUNDS = 2000
_PATIENCE = 50  # rounds after which the search ends when they have swapped too few
_FEW = 0.01  # swaps in all these rounds, for each link


def lattice_one_mode(graph: Graph, *, order: np.ndarray | None = None) -> Graph:
    r"""Return a lattice in which every node keeps its number of links; see `latticise`, which calls this.

    The nodes lie on a ring, and links become as short as swaps make them: two links exchange ends,
    :math:`(a, b), (c, d) \to (a, d), (c, b)` or :math:`(a, c), (b, d)`, whichever is the better, whenever both pairs
    are free and the sum of the squares of the two lengths around the ring falls. In each round the links, in the order
    of one of their ends, are paired with those so many places further on, a number drawn log-uniformly. The search ends
    when 50 rounds have made fewer swaps than 1 % of the links, after 2000 rounds at most. Draws come from a stream of
    their own, always the same, so that a graph has one lattice.

    Parameters
    ----------
    graph : Graph
    order : array of int, shape (n_nodes,), optional
        The nodes along the ring; default by their numbers.

    References
    ----------
    Sporns, Zwi (2004), "The small world of the cerebral cortex", Neuroinformatics 2. networkx's ``lattice_reference``
    measures one exchange and makes another, so that its links do not always shorten.

    Examples
    --------
    >>> import networkx as nx
    >>> shuffled = Graph.from_networkx(nx.watts_strogatz_graph(12, 4, 1.0, seed=1))
    >>> lattice = lattice_one_mode(shuffled)
    >>> bool((lattice.degrees == shuffled.degrees).all())
    True
    """
    n = graph.n_nodes
    ring = np.arange(n) if order is None else np.asarray(order)
    place = np.empty(n, np.int64)
    place[ring] = np.arange(n)
    ends = place[graph.edges()].T.copy()
    rng = np.random.default_rng(0)
    for _ in range(_MAX_ROUNDS // _PATIENCE if graph.n_links > 1 else 0):
        n_swaps = 0
        for _ in range(_PATIENCE):
            ends, swapped = _shortened(ends, n, rng)
            n_swaps += swapped
        if n_swaps < _FEW * graph.n_links:
            break
    return Graph(ring[ends.T], n, names=graph.names)


def _shortened(ends: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return the two ends of all links after swaps, where these shorten links, in one pairing; and their number."""
    n_links = ends.shape[1]
    ends = np.where(rng.random(n_links) < 0.5, ends, ends[::-1])
    ends = ends[:, np.roll(np.argsort(ends[0]), rng.integers(n_links))]
    lag = int(np.exp(rng.uniform(0, np.log(n_links // 2))))
    first = np.arange(n_links // (2 * lag) * 2 * lag).reshape(-1, 2, lag)[:, 0].ravel()
    (a, b), (c, d) = ends[:, first], ends[:, first + lag]
    straight = _squared(a, d, n) + _squared(c, b, n)  # to (a, d), (c, b), or crossed to (a, c), (d, b)
    crossed = _squared(a, c, n) + _squared(d, b, n)
    shorter = np.flatnonzero(np.minimum(straight, crossed) < _squared(a, b, n) + _squared(c, d, n))
    is_crossed = (crossed < straight)[shorter]
    first, a, b, c, d = first[shorter], a[shorter], b[shorter], c[shorter], d[shorter]
    c, d = np.where(is_crossed, d, c), np.where(is_crossed, c, d)
    old = _keys(a, b, n), _keys(c, d, n)
    new = _keys(a, d, n), _keys(c, b, n)
    swaps = may_swap(_keys(ends[0], ends[1], n), old, new) & (a != d) & (c != b)
    first = first[swaps]
    ends[:, first], ends[:, first + lag] = (a[swaps], d[swaps]), (c[swaps], b[swaps])
    return ends, first.size


def _keys(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    return np.minimum(a, b) * n + np.maximum(a, b)


def _squared(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Return the square of the distance of two places around the ring, large where they are one."""
    distance = np.abs(a - b)
    return np.where(distance == 0, float(n) ** 2, np.minimum(distance, n - distance) ** 2)
