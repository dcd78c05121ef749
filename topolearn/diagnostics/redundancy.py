"""Redundancy: how many projected links between a neuron's neighbours would remain without the neuron."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, read_layer
from topolearn.errors import UndefinedMeasureError
from topolearn.graph.two_way_csr import TwoWayCsr


def redundancy(graph: GraphLike) -> float:
    r"""Return the mean redundancy coefficient of the neurons on both sides with at least two links.

    .. math:: rc(v) = \frac{|\{\{u, w\} \subseteq N(v) : \exists\, v' \neq v, \; u, w \in N(v')\}|}{\binom{d_v}{2}}

    the share of pairs of v's neighbours that have another neighbour in common, that is, of the links between them in
    the projection to their side that would remain without v.

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one
        A matrix of shape (n_out, n_in), or a networkx or igraph graph whose nodes have sides.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    UndefinedMeasureError
        When no neuron has at least two links.

    References
    ----------
    Latapy, Magnien, Del Vecchio (2008), "Basic notions for the analysis of large two-mode networks", Social Networks
    30.

    Examples
    --------
    >>> redundancy(np.array([[1, 1], [1, 1]])), redundancy(np.array([[1, 1, 0], [0, 1, 1]]))
    (1.0, 0.0)
    """
    links = TwoWayCsr.of(read_layer(graph, "redundancy"))
    coefficients = np.concatenate([coefficients_of_columns(links), coefficients_of_columns(links.transposed)])
    if not coefficients.size:
        raise UndefinedMeasureError("redundancy is undefined: no neuron has at least two links")
    return float(coefficients.mean())


def coefficients_of_columns(links: TwoWayCsr) -> NDArray[np.float64]:
    """Return the coefficients of the input neurons with at least two links."""
    from topolearn.diagnostics.kernels.shared import pairs_that_meet_again

    pairs, degrees = pairs_that_meet_again(*links.arrays), links.fan_out
    several = degrees > 1
    return np.asarray(pairs[several] / (degrees[several] * (degrees[several] - 1)))
