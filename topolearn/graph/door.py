"""`as_graph`: convert whatever users pass as a graph to a graph of this library."""

from __future__ import annotations

import sys
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.one_mode.graph import Graph, one_mode
from topolearn.graph.tensors import is_tensor

if TYPE_CHECKING:
    import pandas as pd

AnyGraph: TypeAlias = BipartiteGraph | LayeredNetwork | Graph
PAIRS = ("source", "target")  # column names of other libraries, which imply no sides


def as_graph(graph: Any, *, sides: int | None = None) -> AnyGraph:
    """Convert a graph of any kind to one of this library.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, Graph, networkx or igraph graph, pandas table of links, or matrix
        A networkx or igraph graph whose nodes have no side (attribute ``bipartite`` or ``type``) is a one-mode graph.
        A table has the columns ``input`` and ``output``, or ``node`` and ``other``, as `to_frame` writes them, or
        ``source`` and ``target``. A matrix (numpy, scipy or torch) is the adjacency of a layer, (n_out, n_in).
    sides : {1, 2}, optional
        How to read a matrix or a table of sources and targets: 1 for a one-mode graph, 2 for a graph with two sides.
        Without it, such a table raises an error, as it could be either; so does a symmetric matrix with links but none
        on its diagonal.

    Returns
    -------
    BipartiteGraph, LayeredNetwork or Graph
        The graph itself if it is already one of these, whatever `sides` is.

    Raises
    ------
    InvalidTypeError
        For anything else, and for directed graphs of other libraries.
    InvalidValueError
        When `sides` is neither 1, 2 nor None, or the input could have one kind of node or two; the message names both
        options.

    Examples
    --------
    >>> as_graph(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]), sides=1)
    Graph(3 nodes, 2 links, density 66.67%, degrees 1-2)
    >>> as_graph(np.ones((2, 3)))
    BipartiteGraph(3 inputs x 2 outputs, 6 links, density 100.00%, fan-in 3, fan-out 2)
    """
    if sides is not None and (isinstance(sides, bool) or not isinstance(sides, Integral) or sides not in (1, 2)):
        raise InvalidValueError(f"sides={sides!r} must be one of None, 1, 2")
    if isinstance(graph, BipartiteGraph | LayeredNetwork | Graph):
        return graph
    if (other := _of_other_library(graph, sides)) is not None:
        return other
    if not (isinstance(graph, np.ndarray) or sparse.issparse(graph) or is_tensor(graph)):
        raise InvalidTypeError(
            f"a {type(graph).__name__} is not a graph: pass a BipartiteGraph, a Graph, a LayeredNetwork, a networkx or "
            "igraph graph, a pandas table of links, or a matrix"
        )
    if sides == 1:
        return Graph.from_adjacency(graph)
    layer = BipartiteGraph(graph)
    if sides is None:
        _reject_one_mode(layer)
    return layer


def reject_unclear(graph: Any) -> None:
    """Raise an error for a matrix that may be a one-mode network or a layer; a graph, or anything else, passes.

    Raises
    ------
    InvalidValueError
        When it is symmetric, with links but none on its diagonal.

    Examples
    --------
    >>> reject_unclear(np.ones((3, 3)))
    >>> reject_unclear(1 - np.eye(3))
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: a symmetric matrix of shape (3, 3) without links on its diagonal may be a ...
    """
    is_matrix = isinstance(graph, np.ndarray) or sparse.issparse(graph) or is_tensor(graph)
    if is_matrix and len(graph.shape) == 2 and graph.shape[0] == graph.shape[1]:
        _reject_one_mode(BipartiteGraph(graph))


def _of_other_library(graph: Any, sides: int | None) -> BipartiteGraph | Graph | None:
    if (single := one_mode(graph)) is not None:
        return single
    networkx, igraph, pandas = (sys.modules.get(name) for name in ("networkx", "igraph", "pandas"))
    if networkx is not None and isinstance(graph, networkx.Graph):
        return BipartiteGraph.from_networkx(graph)
    if igraph is not None and isinstance(graph, igraph.Graph):
        return BipartiteGraph.from_igraph(graph)
    return _of_frame(graph, sides) if pandas is not None and isinstance(graph, pandas.DataFrame) else None


def _of_frame(frame: pd.DataFrame, sides: int | None) -> BipartiteGraph | Graph:
    if {"input", "output"} <= set(frame.columns):
        return BipartiteGraph.from_frame(frame)
    if {"node", "other"} <= set(frame.columns):
        return Graph.from_frame(frame)
    if not set(PAIRS) <= set(frame.columns):
        raise InvalidValueError(
            f"a table of links needs the columns input and output, node and other, or source and target, not "
            f"{list(frame.columns)}: pass Graph.from_frame(frame, source=, target=), or frame.rename(columns=...)"
        )
    if sides == 1:
        return Graph.from_frame(frame, source="source", target="target")
    if sides == 2:
        return BipartiteGraph.from_pairs(frame[[*PAIRS]].astype(str).itertuples(index=False, name=None))
    raise InvalidValueError(
        "a table of sources and targets may have one kind of node or two: pass Graph.from_frame(frame, "
        "source='source', target='target') or BipartiteGraph.from_pairs(frame[['source', 'target']].to_numpy())"
    )


def _reject_one_mode(layer: BipartiteGraph) -> None:
    if _looks_one_mode(layer):
        raise InvalidValueError(
            f"a symmetric matrix of shape {layer.shape} without links on its diagonal may be a one-mode network or a "
            "layer: pass Graph.from_adjacency(matrix) or BipartiteGraph(matrix)"
        )


def _looks_one_mode(layer: BipartiteGraph) -> bool:
    if layer.n_in != layer.n_out or not layer.n_links:
        return False
    outputs, inputs = np.divmod(layer.cells, layer.n_in)
    return bool((outputs != inputs).all()) and np.array_equal(np.sort(inputs * layer.n_in + outputs), layer.cells)
