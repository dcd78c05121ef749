"""Assortativity: whether neurons with many links tend to be linked to each other."""

import math
from typing import NamedTuple

import numpy as np

from topolearn.diagnostics.reading import AnyGraph, GraphLike, neighbours, read_graph, read_layer
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import BipartiteGraph


def assortativity(graph: GraphLike) -> float:
    r"""Return the correlation of the degrees at both ends of a link, over all links in both directions.

    .. math:: r = \frac{\mathrm{cov}(d_i, d_j)}{\mathrm{var}(d_i)}

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or a networkx or igraph graph

    Returns
    -------
    float
        In [-1, 1]. In a layer whose sides differ in size it is negative for that reason alone: see
        `degree_correlation`.

    Raises
    ------
    UndefinedMeasureError
        When all ends of links have the same degree, or the graph has no links.

    References
    ----------
    Newman (2002), "Assortative mixing in networks", Physical Review Letters 89.

    Examples
    --------
    >>> import numpy as np
    >>> round(assortativity(np.array([[1, 1, 1], [1, 0, 0]])), 3)
    -0.667
    """
    first, second, both = _moments(read_graph(graph), "assortativity")
    low, high = min(first.low, second.low), max(first.high, second.high)
    if low == high:
        raise UndefinedMeasureError("assortativity is undefined: all ends of links have the same degree")
    mean = (first.mean + second.mean) / 2
    variance = (first.square + second.square) / 2 - mean**2
    return (both - mean**2) / variance


def degree_correlation(graph: GraphLike) -> float:
    r"""Return the correlation over the links of a layer between the input's fan-out and the output's fan-in.

    .. math:: r = \frac{\mathrm{cov}(d_i, d_o)}{\sqrt{\mathrm{var}(d_i) \, \mathrm{var}(d_o)}}

    Parameters
    ----------
    graph : BipartiteGraph, or convertible to one

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    UndefinedMeasureError
        When the inputs, or the outputs, of all links have the same degree, or the layer has no links.

    References
    ----------
    Newman (2002), "Assortative mixing in networks", Physical Review Letters 89, for each side by itself.

    Examples
    --------
    >>> import numpy as np
    >>> round(degree_correlation(np.array([[1, 1, 1], [1, 0, 0]])), 3)
    -0.577
    """
    first, second, both = _moments(read_layer(graph, "degree_correlation"), "degree_correlation")
    if first.low == first.high or second.low == second.high:
        raise UndefinedMeasureError(
            "degree_correlation is undefined: the inputs, or the outputs, of all links have the same degree"
        )
    variance = (first.square - first.mean**2) * (second.square - second.mean**2)
    return (both - first.mean * second.mean) / math.sqrt(variance)


class _Ends(NamedTuple):
    """Degrees at one end of all links: minimum, maximum, mean and mean square; the last two relative to the pivot."""

    low: int
    high: int
    mean: float
    square: float


def _moments(graph: AnyGraph, name: str) -> tuple[_Ends, _Ends, float]:
    """Return the moments of the degrees at both ends of all links, and the mean of their product.

    In a graph without sides each link counts in both directions. Degrees are measured from their mean, the pivot, so
    that subtracting squares loses no digits.
    """
    from topolearn.diagnostics.kernels.ends import end_moments, mean_product

    seen = graph if isinstance(graph, BipartiteGraph) else neighbours(graph)
    if not seen.n_links:
        raise UndefinedMeasureError(f"{name} is undefined without links")
    if isinstance(seen, BipartiteGraph):
        first, second, links = seen.fan_out, seen.fan_in, (seen.indptr, seen.indices)
    else:
        first, second, links = seen.degrees, seen.degrees, (seen.pointers, seen.ends.astype(np.int64))
    pivot = seen.n_links / first.size
    product = mean_product(*links, first, pivot)
    return _Ends(*end_moments(first, pivot)), _Ends(*end_moments(second, pivot)), product
