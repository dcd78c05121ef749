"""The lattice null model of one-mode graphs: the same degrees, with links between near places of a ring."""

import numpy as np

from topolearn.graph import Graph

_MAX_ROUNDS = 2000
_PATIENCE = 50  # rounds after which the search ends when they have swapped too few
_FEW = 0.005  # swaps in all these rounds, for each link


def lattice_one_mode(graph: Graph, *, order: np.ndarray | None = None, seed: int = 0) -> Graph:
    r"""Return a lattice in which every node keeps its number of links; see `latticise`, which calls this.

    The nodes lie on a ring, and links become as short as swaps make them: two links exchange ends,
    :math:`(a, b), (c, d) \to (a, d), (c, b)` or :math:`(a, c), (b, d)`, whichever is the better, whenever both pairs
    are free and the sum of the squares of the two lengths around the ring falls. In each round the links, in the order
    of one of their ends, are paired with those so many places further on, a number drawn log-uniformly. The search ends
    when 50 rounds have made fewer swaps than 0.5 % of the links, after 2000 rounds at most. Draws come from a stream of
    their own, so that a graph has one lattice for each seed.

    Parameters
    ----------
    graph : Graph
    order : array of int, shape (n_nodes,), optional
        The nodes along the ring; default by their numbers.
    seed : int
        Searches of small graphs end in lattices that differ.

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
    from topolearn.generators.lattice_kernel import shorten  # compiled

    n = graph.n_nodes
    ring = np.arange(n) if order is None else np.asarray(order)
    place = np.empty(n, np.int64)
    place[ring] = np.arange(n)
    a, b = place[graph.edges()].T.copy()
    if graph.n_links > 1:
        shorten(a, b, n, np.random.default_rng(seed), _MAX_ROUNDS, _PATIENCE, _FEW)
    return Graph(ring[np.column_stack([a, b])], n, names=graph.names)
