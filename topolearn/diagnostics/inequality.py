"""Inequality of degrees: whether few neurons have most of the links."""

import reprlib

import numpy as np
from numpy.typing import ArrayLike

from topolearn.diagnostics.checks import check_row
from topolearn.diagnostics.degrees import degrees_of
from topolearn.diagnostics.reading import GraphLike, read_layer, read_one_mode
from topolearn.errors import InvalidValueError


def gini(values: ArrayLike | GraphLike, *, side: str | None = None) -> float:
    r"""Return the Gini coefficient: half the mean absolute difference between two values, divided by their mean.

    .. math:: G = \frac{\sum_{i, j} |x_i - x_j|}{2 n^2 \bar x}

    Parameters
    ----------
    values : array-like of shape (n,), or graph
        Numbers of at least 0, or a graph for its degrees, as in `power_law`.
    side : {"all", "fan_in", "fan_out"}, optional
        For a graph with two sides: the degrees of all nodes, of the outputs, or of the inputs. Default all.

    Returns
    -------
    float
        0 if all values are equal (even all zero), close to 1 if one value is almost the whole sum.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `values` is not a one-dimensional array of numbers of at least 0.

    References
    ----------
    Gini (1912), "Variabilità e mutabilità".

    Examples
    --------
    >>> gini([2, 2, 2]), gini([0, 0, 0, 4])
    (0.0, 0.75)
    """
    values = degrees_of(values, side)
    x = np.sort(check_row("values", values))
    if not x.size or not np.isfinite(x).all() or x[0] < 0:
        raise InvalidValueError(f"values={reprlib.repr(values)} must be at least one finite number of at least 0")
    if x[-1] == 0:
        return 0.0
    x = np.ldexp(x, -np.frexp(x[-1])[1])  # scaled by a power of two, which is exact, so that sums cannot overflow
    places = 2 * np.arange(1, x.size + 1) - x.size - 1
    return float(places @ x / (x.size * x.sum()))


def fan_in_gini(graph: GraphLike) -> float:
    """Return the Gini coefficient of the fan-in of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> fan_in_gini(np.array([[1, 1], [0, 0]]))
    0.5
    """
    return gini(read_layer(graph, "fan_in_gini").fan_in)


def fan_out_gini(graph: GraphLike) -> float:
    """Return the Gini coefficient of the fan-out of the inputs.

    Examples
    --------
    >>> import numpy as np
    >>> fan_out_gini(np.array([[1, 1], [0, 0]]))
    0.0
    """
    return gini(read_layer(graph, "fan_out_gini").fan_out)


def degree_gini(graph: GraphLike) -> float:
    """Return the Gini coefficient of the degrees of a one-mode graph.

    Examples
    --------
    >>> import networkx as nx
    >>> degree_gini(nx.cycle_graph(5)), round(degree_gini(nx.star_graph(4)), 3)
    (0.0, 0.3)
    """
    return gini(read_one_mode(graph, "degree_gini", "fan_in_gini or fan_out_gini").degrees)
