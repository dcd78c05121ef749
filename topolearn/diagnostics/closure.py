"""Closure: the share of closed paths of length three, the clustering of a bipartite graph."""

import numpy as np

from topolearn.diagnostics.reading import GraphLike, read_layer
from topolearn.graph import BipartiteGraph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.threads import cut, for_each


def closure(graph: GraphLike) -> float:
    r"""Return the share of paths of length three whose ends are linked.

    .. math:: C = \frac{4 \, C_4}{L_3}, \quad C_4 = \sum_{u < z} \binom{D_{uz}}{2}, \quad
              L_3 = \sum_{(u, v)} (d_u - 1)(d_v - 1)

    with :math:`D = A A^T` the numbers of shared neighbours and the second sum over the links. Other clustering
    coefficients count triangles, which do not exist in a bipartite graph. The closure of an Erdős-Rényi graph equals
    its density.

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one
        A matrix of shape (n_out, n_in), or a networkx or igraph graph whose nodes have sides.

    Returns
    -------
    float
        In [0, 1]; 0 if the graph has no path of length three.

    References
    ----------
    Robins, Alexander (2004), "Small worlds among interlocking directors".

    Examples
    --------
    >>> import numpy as np
    >>> closure(BipartiteGraph(np.ones((2, 2)))), closure(BipartiteGraph(np.eye(2)))
    (1.0, 0.0)
    """
    from topolearn.diagnostics.kernels.shared import count_squares

    graph = read_layer(graph, "closure")
    n_paths = _long_paths(graph)
    if n_paths == 0:
        return 0.0
    links = _from_cheaper_side(graph)
    counts: list[int] = []
    for_each(lambda rows: counts.append(count_squares(*rows, *links.arrays)), cut(4 * links.walks_of_two() + 1))
    return 4 * sum(counts) / n_paths


def _long_paths(graph: BipartiteGraph) -> int:
    """Return the number of paths of length three: a middle link, and one more link at each of its ends."""
    links = graph.to_scipy()
    outputs = np.repeat(graph.fan_in - 1, graph.fan_in)
    return int(((graph.fan_out - 1)[links.indices] * outputs).sum())


def _from_cheaper_side(graph: BipartiteGraph) -> TwoWayCsr:
    """Return the links indexed by the side with fewer walks of two links."""
    links = TwoWayCsr.of(graph)
    return min(links, links.transposed, key=lambda seen: (seen.fan_out**2).sum())
