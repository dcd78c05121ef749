"""Matching: the largest set of links in which no two share a neuron."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.graph import BipartiteGraph, Graph


def maximum_matching(graph: GraphLike) -> NDArray[np.int64]:
    """Return a largest set of links in which no two share a neuron.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one

    Returns
    -------
    array of int64, shape (k, 2)
        Rows (input, output), sorted by output; for a one-mode graph, sorted rows (i, j) with i < j (uses networkx,
        which handles thousands of links).

    References
    ----------
    Pothen, Fan (1990), "Computing the block triangular form of a sparse matrix", ACM Transactions on Mathematical
    Software 16; for one-mode graphs Edmonds (1965), "Paths, trees, and flowers", Canadian Journal of Mathematics 17.

    Examples
    --------
    >>> import numpy as np
    >>> maximum_matching(np.array([[1, 1, 0], [1, 0, 0]])).tolist()
    [[1, 0], [0, 1]]
    """
    layer = read_single(graph, "maximum_matching")
    if isinstance(layer, Graph):
        import networkx as nx

        matched = nx.max_weight_matching(layer.to_networkx(), maxcardinality=True)
        return np.array(sorted(sorted(pair) for pair in matched), dtype=np.int64).reshape(-1, 2)
    inputs = _matched_inputs(layer)
    outputs = np.flatnonzero(inputs >= 0)
    return np.column_stack([inputs[outputs], outputs]).astype(np.int64)


def structural_rank(graph: GraphLike) -> int:
    """Return the largest rank that a matrix with these links can have: the size of a maximum matching of its rows.

    For a one-mode graph it is the structural rank of its adjacency, which contains each link twice: a node may be
    matched with different nodes as a row and as a column.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one

    References
    ----------
    Duff, Erisman, Reid (1986), "Direct methods for sparse matrices".

    Examples
    --------
    >>> import numpy as np
    >>> structural_rank(np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0]]))
    2
    """
    return int((_matched_inputs(read_single(graph, "structural_rank")) >= 0).sum())


def _matched_inputs(graph: BipartiteGraph | Graph) -> NDArray[np.int64]:
    """Return the column that each row of the adjacency is matched with, or -1."""
    from topolearn.diagnostics.kernels.matching import matched_inputs

    matched: NDArray[np.int64] = matched_inputs(graph.indptr, graph.indices, graph.shape[1])
    return matched
