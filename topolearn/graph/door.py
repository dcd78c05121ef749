"""The one door for graphs of others: what measures and pictures take, as one of this library's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.one_mode import Graph, one_mode
from topolearn.graph.tensors import is_tensor

if TYPE_CHECKING:
    import pandas as pd

AnyGraph: TypeAlias = BipartiteGraph | LayeredNetwork | Graph
PAIRS = ("source", "target")  # as columns of a table are called elsewhere, which says nothing of sides


def as_graph(graph: Any, *, sides: int | None = None) -> AnyGraph:
    """Return a graph of any kind as one of this library's.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, Graph, networkx or igraph graph, pandas table of links, or matrix
        A networkx or igraph graph whose nodes have no side (attribute ``bipartite``, or ``type``) is a one-mode graph.
        A table has the columns ``input`` and ``output``, or ``node`` and ``other``, as `to_frame` writes them, or
        ``source`` and ``target``. A matrix (numpy, scipy or torch) is the adjacency of a layer, (n_out, n_in).
    sides : {1, 2}, optional
        What is asked of a matrix, and of a table of sources and targets: 1, a one-mode graph; 2, one with two sides.
        Without it, a symmetric matrix with links but none on its diagonal, which looks like that of a one-mode graph,
        and such a table are refused, as one cannot know.

    Returns
    -------
    BipartiteGraph, LayeredNetwork or Graph
        The graph itself where it is one of these, whatever `sides`.

    Raises
    ------
    InvalidTypeError
        For anything else, and for directed graphs of other libraries.
    InvalidValueError
        When one cannot know whether there are two kinds of node; the message names both options.

    Examples
    --------
    >>> as_graph(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]), sides=1)
    Graph(3 nodes, 2 links, density 66.67%, degrees 1-2)
    >>> as_graph(np.ones((2, 3)))
    BipartiteGraph(3 inputs x 2 outputs, 6 links, density 100.00%, fan-in 3, fan-out 2)
    """
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
    if sides is None and _looks_one_mode(layer):
        raise InvalidValueError(
            f"a symmetric matrix of shape {layer.shape} without links on its diagonal may be a network of one kind of "
            "node or a layer: pass Graph.from_adjacency(matrix) or BipartiteGraph(matrix)"
        )
    return layer


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
            f"a table of links has the columns input and output, node and other, or source and target, not "
            f"{list(frame.columns)}: pass Graph.from_frame(frame, source=, target=), or frame.rename(columns=...)"
        )
    if sides == 1:
        return Graph.from_frame(frame, source="source", target="target")
    if sides == 2:
        return BipartiteGraph.from_pairs(frame[[*PAIRS]].astype(str).itertuples(index=False, name=None))
    raise InvalidValueError(
        "a table of sources and targets may be of one kind of node or of two: pass Graph.from_frame(frame, "
        "source='source', target='target') or BipartiteGraph.from_pairs(frame[['source', 'target']].to_numpy())"
    )


def _looks_one_mode(layer: BipartiteGraph) -> bool:
    if layer.n_in != layer.n_out or not layer.n_links:
        return False
    outputs, inputs = np.divmod(layer.cells, layer.n_in)
    return bool((outputs != inputs).all()) and np.array_equal(np.sort(inputs * layer.n_in + outputs), layer.cells)
