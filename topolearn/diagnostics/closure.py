"""Closure: how many paths of length three are closed, the clustering of a bipartite graph."""

import numpy as np

from topolearn.graph import BipartiteGraph


def closure(graph: BipartiteGraph) -> float:
    r"""Return the share of paths of length three whose ends are linked.

    .. math:: C = \frac{4 \, C_4}{L_3}, \quad C_4 = \sum_{u < z} \binom{D_{uz}}{2}, \quad
              L_3 = \sum_{(u, v)} (d_u - 1)(d_v - 1)

    with :math:`D = A A^T` the numbers of shared neighbours and the second sum over the links. Triangles, which other
    clustering coefficients count, do not exist in a bipartite graph. For an Erdős-Rényi graph the closure is its
    density.

    Parameters
    ----------
    graph : BipartiteGraph

    Returns
    -------
    float
        In [0, 1]; 0 when there is no path of length three.

    References
    ----------
    Robins, Alexander (2004), "Small worlds among interlocking directors".

    Examples
    --------
    >>> import numpy as np
    >>> closure(BipartiteGraph(np.ones((2, 2)))), closure(BipartiteGraph(np.eye(2)))
    (1.0, 0.0)
    """
    edges = graph.edges()
    n_paths = int(((graph.fan_out[edges[:, 0]] - 1) * (graph.fan_in[edges[:, 1]] - 1)).sum())
    if n_paths == 0:
        return 0.0
    adjacency = graph.to_scipy().astype(np.int64)
    if graph.n_out > graph.n_in:
        adjacency = adjacency.T.tocsr()
    shared = (adjacency @ adjacency.T).tocoo()
    pairs = shared.data[shared.row < shared.col]
    return float(4 * int((pairs * (pairs - 1) // 2).sum()) / n_paths)
