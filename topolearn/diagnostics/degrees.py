"""`degrees_of`: the degrees of a graph, for functions that accept samples or a graph."""

import sys
from typing import Any

from scipy import sparse

from topolearn.diagnostics.reading import neighbours, read_layer
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.registry import suggest

ALL = "all"
SIDES = (ALL, "fan_in", "fan_out")


def is_graph(given: Any) -> bool:
    """Return whether an object is a graph rather than a list of numbers; a dense matrix is neither.

    Examples
    --------
    >>> import numpy as np
    >>> is_graph(BipartiteGraph(np.eye(2))), is_graph([1, 2, 2])
    (True, False)
    """
    if isinstance(given, BipartiteGraph | Graph | LayeredNetwork) or sparse.issparse(given):
        return True
    kinds = (("networkx", "Graph"), ("igraph", "Graph"), ("pandas", "DataFrame"))
    return any(name in sys.modules and isinstance(given, getattr(sys.modules[name], kind)) for name, kind in kinds)


def degrees_of(given: Any, side: str | None = None) -> Any:
    """Return the degrees of a graph; return anything else unchanged.

    Parameters
    ----------
    given : graph, or numbers
        A `BipartiteGraph`, `Graph` or `LayeredNetwork`, a networkx or igraph graph, a pandas
        table of links, or a scipy matrix.
    side : {"all", "fan_in", "fan_out"}, optional
        For a graph with two sides: the degrees of all nodes, of the outputs, or of the inputs. Default all.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For an unknown side, or a side of numbers or of a graph without sides.

    Examples
    --------
    >>> import numpy as np
    >>> degrees_of(BipartiteGraph(np.array([[1, 1], [0, 1]])), "fan_in")
    array([2, 1])
    """
    if side is not None and side not in SIDES:
        raise InvalidValueError(f"side={side!r} is unknown: {suggest(str(side), list(SIDES))}")
    if not is_graph(given):
        if side is not None:
            raise InvalidTypeError(f"side={side!r} requires a graph, but numbers were given: leave it out")
        return given
    if side in (None, ALL):
        return neighbours(given).degrees
    return getattr(read_layer(given, f"side={side!r}"), str(side))
