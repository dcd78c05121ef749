"""Assortativity: whether neurons with many links are linked to neurons with many links."""

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.reading import GraphLike, neighbours, read_layer
from topolearn.errors import UndefinedMeasureError


def assortativity(graph: GraphLike) -> float:
    r"""Return the correlation of the degrees at both ends of a link, over all links in both directions.

    .. math:: r = \frac{\mathrm{cov}(d_i, d_j)}{\mathrm{var}(d_i)}

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Returns
    -------
    float
        In [-1, 1]. In a layer whose sides differ in size it is negative for that reason alone; see
        `degree_correlation`.

    Raises
    ------
    UndefinedMeasureError
        When all links have ends of one degree, or there is none.

    References
    ----------
    Newman (2002), "Assortative mixing in networks", Physical Review Letters 89.

    Examples
    --------
    >>> import numpy as np
    >>> round(assortativity(np.array([[1, 1, 1], [1, 0, 0]])), 3)
    -0.667
    """
    seen = neighbours(graph)
    first, second = (seen.degrees[end] for end in seen.edges.T)
    return _correlation(np.concatenate([first, second]), np.concatenate([second, first]), "assortativity")


def degree_correlation(graph: GraphLike) -> float:
    r"""Return the correlation, over the links of a layer, of the input's fan-out with the output's fan-in.

    .. math:: r = \frac{\mathrm{cov}(d_i, d_o)}{\sqrt{\mathrm{var}(d_i) \, \mathrm{var}(d_o)}}

    Parameters
    ----------
    graph : BipartiteGraph, or what can be read as one

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    UndefinedMeasureError
        When all links begin, or all end, at neurons of one degree, or there is none.

    References
    ----------
    Newman (2002), "Assortative mixing in networks", Physical Review Letters 89, for each side by itself.

    Examples
    --------
    >>> import numpy as np
    >>> round(degree_correlation(np.array([[1, 1, 1], [1, 0, 0]])), 3)
    -0.577
    """
    layer = read_layer(graph, "degree_correlation")
    inputs, outputs = layer.edges().T
    return _correlation(layer.fan_out[inputs], layer.fan_in[outputs], "degree_correlation")


def _correlation(first: NDArray[np.int64], second: NDArray[np.int64], name: str) -> float:
    if not first.size or first.min() == first.max() or second.min() == second.max():
        raise UndefinedMeasureError(f"{name} is undefined: the degrees at an end of all links are equal, or no link is")
    return float(np.corrcoef(first, second)[0, 1])
