"""Clustering by triangles, for one-mode graphs; layers have no triangles, and use `closure` instead."""

from topolearn.diagnostics.reading import GraphLike, read_one_mode


def clustering(graph: GraphLike) -> float:
    r"""Return the mean local clustering coefficient of a one-mode graph (uses igraph).

    .. math:: C = \frac{1}{N} \sum_i \frac{2 \, t_i}{d_i (d_i - 1)}

    with :math:`t_i` the number of links among the neighbours of i; nodes with fewer than two neighbours count as 0.

    Parameters
    ----------
    graph : Graph, or convertible to one
        Such as a networkx or igraph graph without sides, or a symmetric matrix.

    Raises
    ------
    InvalidTypeError
        For a graph with two sides or a network of layers, where it is always 0: use `closure`.

    References
    ----------
    Watts, Strogatz (1998), "Collective dynamics of 'small-world' networks", Nature 393.

    Examples
    --------
    >>> import networkx as nx
    >>> round(clustering(nx.karate_club_graph()), 3)
    0.571
    """
    seen = read_one_mode(graph, "clustering", "closure").to_igraph()
    return float(seen.transitivity_avglocal_undirected(mode="zero"))


def transitivity(graph: GraphLike) -> float:
    r"""Return the share of paths of length two of a one-mode graph whose ends are linked (uses igraph).

    .. math:: T = \frac{3 \times \text{triangles}}{\text{paths of length two}}

    Parameters
    ----------
    graph : Graph, or convertible to one
        Such as a networkx or igraph graph without sides, or a symmetric matrix.

    Returns
    -------
    float
        In [0, 1]; 0 if the graph has no path of length two.

    Raises
    ------
    InvalidTypeError
        For a graph with two sides or a network of layers, where it is always 0: use `closure`.

    References
    ----------
    Newman, Watts, Strogatz (2002), "Random graph models of social networks", PNAS 99.

    Examples
    --------
    >>> import networkx as nx
    >>> round(transitivity(nx.karate_club_graph()), 3)
    0.256
    """
    return float(read_one_mode(graph, "transitivity", "closure").to_igraph().transitivity_undirected(mode="zero"))
