"""The lattice null model of one-mode graphs: the same degrees, with links between nearby places of a ring."""

import numpy as np

from topolearn.graph import Graph

MAX_ROUNDS = 2000
PATIENCE = 50  # an even number of rounds, after which the search ends if they made too few swaps
FEW = 0.005  # swaps per link in all these rounds


def lattice_one_mode(graph: Graph, *, order: np.ndarray | None = None, seed: int = 0) -> Graph:
    r"""Return a lattice in which every node keeps its number of links; see `latticise`, which calls this.

    The nodes are placed on a ring, and swaps shorten the links: two links exchange ends,
    :math:`(a, b), (c, d) \to (a, d), (c, b)` or :math:`(a, c), (b, d)`, whichever is shorter, if both pairs are free
    and the sum of the squared lengths around the ring decreases. In each round the links are sorted by one of their
    ends, and each is paired with the link a fixed number of places further on, which is drawn log-uniformly. The search
    ends when 50 rounds make fewer swaps than 0.5 % of the links, or after 2000 rounds. The same graph and seed always
    give the same lattice.

    Parameters
    ----------
    graph : Graph
    order : array of int, shape (n_nodes,), optional
        The nodes in their order along the ring; by default 0, 1, 2, ...
    seed : int
        The seed of the search. In small graphs, different seeds can give different lattices.

    References
    ----------
    Sporns, Zwi (2004), "The small world of the cerebral cortex", Neuroinformatics 2. networkx's ``lattice_reference``
    evaluates one exchange but makes another, so its links do not always get shorter.

    Examples
    --------
    >>> import networkx as nx
    >>> shuffled = Graph.from_networkx(nx.watts_strogatz_graph(12, 4, 1.0, seed=1))
    >>> lattice = lattice_one_mode(shuffled)
    >>> bool((lattice.degrees == shuffled.degrees).all())
    True
    """
    from topolearn.generators.lattice_kernel import shorten  # imports numba

    n = graph.n_nodes
    ring = np.arange(n) if order is None else np.asarray(order)
    place = np.empty(n, np.int64)
    place[ring] = np.arange(n)
    a, b = place[graph.edges()].T.copy()
    if graph.n_links > 1:
        shorten(a, b, n, np.random.default_rng(seed), MAX_ROUNDS, PATIENCE, FEW)
    return Graph(ring[np.column_stack([a, b])], n, names=graph.names)
