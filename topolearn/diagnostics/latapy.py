"""Latapy's clustering: how much the neighbourhoods of neurons on one side overlap."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_layer
from topolearn.errors import InvalidValueError
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.threads import Rows, cut, for_each

MODES = ("dot", "min", "max")  # in the kernel's order


def latapy_clustering(graph: GraphLike) -> float:
    r"""Return Latapy's clustering coefficient, averaged over all neurons.

    .. math:: c_u = \frac{1}{|N(N(u))|} \sum_{z \in N(N(u))} \frac{|N(u) \cap N(z)|}{|N(u) \cup N(z)|}

    with N(u) the neighbours of u, and N(N(u)) the other neurons on its side that share a neighbour with it; 0 if there
    are none.

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one
        A matrix of shape (n_out, n_in), or a networkx or igraph graph whose nodes have sides.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Latapy, Magnien, Del Vecchio (2008), "Basic notions for the analysis of large two-mode networks", Social Networks
    30.

    Examples
    --------
    >>> import numpy as np
    >>> latapy_clustering(np.array([[1, 1], [1, 1]])), latapy_clustering(np.array([[1, 0], [1, 1]]))
    (1.0, 0.5)
    """
    return float(latapy_coefficients(graph).mean())


def latapy_coefficients(graph: GraphLike, *, mode: str = "dot") -> NDArray[np.float64]:
    """Return Latapy's clustering coefficient of each neuron, inputs first, shape (n_in + n_out,).

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one
    mode : {"dot", "min", "max"}
        What the number of shared neighbours is divided by: the size of the union, or the smaller or larger of the two
        degrees.

    Raises
    ------
    InvalidValueError
        For another mode.

    Examples
    --------
    >>> import numpy as np
    >>> latapy_coefficients(np.array([[1, 0], [1, 1]]))
    array([0.5, 0.5, 0.5, 0.5])
    """
    if mode not in MODES:
        raise InvalidValueError(f"mode={mode!r} must be one of {', '.join(map(repr, MODES))}")
    links = TwoWayCsr.of(read_layer(graph, "latapy_clustering"))
    return np.concatenate([coefficients_of_rows(links.transposed, mode), coefficients_of_rows(links, mode)])


def coefficients_of_rows(links: TwoWayCsr, mode: str) -> NDArray[np.float64]:
    """Return the coefficients of the output neurons."""
    from topolearn.diagnostics.kernels.shared import mean_overlaps

    means = np.empty(links.n_out)

    def work(rows: Rows) -> None:
        mean_overlaps(*rows, MODES.index(mode), *links.arrays, means)

    for_each(work, cut(4 * links.walks_of_two() + 1))
    return means
