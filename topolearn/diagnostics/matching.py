"""Matching: how many signals can pass a layer on links that share no neuron."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_layer


def maximum_matching(graph: GraphLike) -> NDArray[np.int64]:
    """Return as many links as there can be without a shared neuron.

    Parameters
    ----------
    graph : BipartiteGraph, or what can be read as one

    Returns
    -------
    array of int64, shape (k, 2)
        Rows (input, output), sorted by output.

    References
    ----------
    Pothen, Fan (1990), "Computing the block triangular form of a sparse matrix", ACM Transactions on Mathematical
    Software 16.

    Examples
    --------
    >>> import numpy as np
    >>> maximum_matching(np.array([[1, 1, 0], [1, 0, 0]])).tolist()
    [[1, 0], [0, 1]]
    """
    from topolearn.diagnostics.kernels.matching import matched_inputs

    layer = read_layer(graph, "maximum_matching")
    inputs = matched_inputs(layer.indptr, layer.indices, layer.n_in)
    outputs = np.flatnonzero(inputs >= 0)
    return np.column_stack([inputs[outputs], outputs]).astype(np.int64)


def structural_rank(graph: GraphLike) -> int:
    """Return the largest rank that a weight matrix with these links can have: the size of a maximum matching.

    Parameters
    ----------
    graph : BipartiteGraph, or what can be read as one

    References
    ----------
    Duff, Erisman, Reid (1986), "Direct methods for sparse matrices".

    Examples
    --------
    >>> import numpy as np
    >>> structural_rank(np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0]]))
    2
    """
    return len(maximum_matching(graph))
