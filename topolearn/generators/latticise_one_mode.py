"""The lattice null model of one-mode graphs: the same degrees, with links between near places of a ring."""

import numpy as np

from topolearn.generators.randomise_one_mode import exchanged, keys_of
from topolearn.generators.swaps import may_swap
from topolearn.graph import Graph

_MAX_ROUNDS = 2000
_PATIENCE = 50  # rounds after which the search ends when they have swapped too few
_FEW = 0.005  # swaps in all these rounds, for each link


def lattice_one_mode(graph: Graph, *, order: np.ndarray | None = None) -> Graph:
    r"""Return a lattice in which every node keeps its number of links; see `latticise`, which calls this.

    The nodes lie on a ring, and links become as short as swaps make them: two links exchange ends,
    :math:`(a, b), (c, d) \to (a, d), (c, b)` or :math:`(a, c), (b, d)`, whichever is the better, whenever both pairs
    are free and the sum of the squares of the two lengths around the ring falls. In each round the links, in the order
    of one of their ends, are paired with those so many places further on, a number drawn log-uniformly. The search ends
    when 50 rounds have made fewer swaps than 0.5 % of the links, after 2000 rounds at most. Draws come from a stream of
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
    keys = keys_of(place[graph.edges()], n)
    rng = np.random.default_rng(0)
    for _ in range(_MAX_ROUNDS // _PATIENCE if keys.size > 1 else 0):
        n_swaps = sum(_shorten(keys, n, rng) for _ in range(_PATIENCE))
        if n_swaps < _FEW * keys.size:
            break
    return Graph(ring[np.column_stack(np.divmod(keys, n))], n, names=graph.names)


def _shorten(keys: np.ndarray, n: int, rng: np.random.Generator) -> int:
    """Swap ends in place where links get shorter, in one pairing of all links; return the number of swaps."""
    i, j = np.divmod(keys, n)
    by_end = np.where(rng.random(keys.size) < 0.5, i, j)
    keys[:] = keys[np.argsort(by_end, kind="stable")]
    lag = int(np.exp(rng.uniform(0, np.log(keys.size // 2))))
    keys[:] = np.roll(keys, rng.integers(keys.size))
    n_blocks = keys.size // (2 * lag)
    blocks = keys[: 2 * lag * n_blocks].reshape(n_blocks, 2, lag)
    old = blocks[:, 0].ravel(), blocks[:, 1].ravel()
    straight, loop = exchanged(*old, n, np.zeros(old[0].size, dtype=bool))
    crossed, crossed_loop = exchanged(*old, n, np.ones(old[0].size, dtype=bool))
    lengths = [_squared(pair[0], n) + _squared(pair[1], n) for pair in (old, straight, crossed)]
    lengths[1][loop], lengths[2][crossed_loop] = np.inf, np.inf
    better = lengths[2] < lengths[1]
    new = tuple(np.where(better, crossed[side], straight[side]) for side in (0, 1))
    swaps = np.minimum(lengths[1], lengths[2]) < lengths[0]
    swaps[swaps] = may_swap(keys, (old[0][swaps], old[1][swaps]), (new[0][swaps], new[1][swaps]))
    for side in (0, 1):
        np.copyto(blocks[:, side], new[side].reshape(n_blocks, lag), where=swaps.reshape(n_blocks, lag))
    return int(np.count_nonzero(swaps))


def _squared(keys: np.ndarray, n: int) -> np.ndarray:
    """Return the square of the distance of each link's ends around the ring."""
    i, j = np.divmod(keys, n)
    distance = j - i
    return np.minimum(distance, n - distance).astype(np.float64) ** 2
