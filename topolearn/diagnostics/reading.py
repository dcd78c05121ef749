"""Inputs of measures: graphs of this and other libraries, and their conversion to neighbour lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.errors import InvalidTypeError
from topolearn.graph import AnyGraph, BipartiteGraph, Graph, LayeredNetwork, as_graph

if TYPE_CHECKING:
    import igraph

GraphLike: TypeAlias = Any  # anything that `topolearn.graph.as_graph` accepts


def read_graph(graph: GraphLike) -> AnyGraph:
    """Convert a graph to one of this library's classes with `topolearn.graph.as_graph`."""
    return as_graph(graph)


def read_layer(graph: GraphLike, measure: str) -> BipartiteGraph:
    """Return a graph with two sides; raise for one-mode graphs and whole networks, which lack the measure."""
    read = as_graph(graph, sides=2)
    if not isinstance(read, BipartiteGraph):
        raise InvalidTypeError(f"{measure} is a measure of one layer, a graph with two sides, not of {read!r}")
    return read


def read_one_mode(graph: GraphLike, measure: str, instead: str) -> Graph:
    """Return a one-mode graph; for others raise an error that names the measure to use instead."""
    read = as_graph(graph, sides=1)
    if not isinstance(read, Graph):
        raise InvalidTypeError(f"{measure} is a measure of graphs of one kind of node, not of {read!r}: use {instead}")
    return read


def read_single(graph: GraphLike, measure: str) -> BipartiteGraph | Graph:
    """Return a graph with two sides or of one kind of node; raise for a whole network, which lacks the measure."""
    read = as_graph(graph)
    if isinstance(read, LayeredNetwork):
        raise InvalidTypeError(f"{measure} is a measure of one graph, not of a network of {len(read)} layers")
    return read


def read_network(network: LayeredNetwork, measure: str) -> LayeredNetwork:
    """Return a network; for a single layer raise an error that shows how to wrap it."""
    if not isinstance(network, LayeredNetwork):
        raise InvalidTypeError(
            f"{measure} is a measure of a whole network, not of a {type(network).__name__}: "
            "pass LayeredNetwork({'layer': graph}), or topology_of(model)"
        )
    return network


@dataclass(frozen=True)
class Neighbours:
    """An undirected simple graph, stored as the neighbours of each node.

    Attributes
    ----------
    pointers : array of int64, shape (n_nodes + 1,)
        Where the neighbours of each node begin.
    ends : array of int32, shape (2 * n_links,)
        The neighbours, sorted for each node.
    """

    pointers: NDArray[np.int64]
    ends: NDArray[np.int32]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.pointers.size - 1

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.ends.size // 2

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """Number of neighbours of each node."""
        return np.diff(self.pointers)

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Each link once, as sorted rows (node, later node)."""
        nodes = np.repeat(np.arange(self.n_nodes), self.degrees)
        later = self.ends > nodes
        return np.column_stack([nodes[later], self.ends[later]]).astype(np.int64)

    def to_scipy(self) -> sparse.csr_array:
        """Return the symmetric adjacency as a float64 matrix of ones."""
        shape = (self.n_nodes, self.n_nodes)
        return sparse.csr_array((np.ones(self.ends.size), self.ends, self.pointers), shape=shape)

    def to_igraph(self) -> igraph.Graph:
        """Return an igraph graph without attributes."""
        import igraph

        return igraph.Graph(n=self.n_nodes, edges=self.edges)


def neighbours(graph: GraphLike) -> Neighbours:
    """Return a graph as neighbour lists: inputs first, then outputs; the neurons of a network in its own order.

    Examples
    --------
    >>> import numpy as np
    >>> seen = neighbours(np.array([[1, 0], [1, 1]]))
    >>> seen.degrees, seen.edges.tolist()
    (array([2, 1, 1, 2]), [[0, 2], [0, 3], [1, 3]])
    """
    read = read_graph(graph)
    if isinstance(read, BipartiteGraph):
        by_output, by_input = read.to_scipy(), read.to_scipy().tocsc()
        pointers = np.concatenate([by_input.indptr, by_input.indptr[-1] + by_output.indptr[1:].astype(np.int64)])
        ends = np.concatenate([by_input.indices + read.n_in, by_output.indices])
    elif isinstance(read, Graph):
        pointers, ends = read.indptr, read.indices
    else:
        links = read.to_scipy()
        both = (links + links.T).tocsr()
        both.sort_indices()
        pointers, ends = both.indptr, both.indices
    return Neighbours(pointers.astype(np.int64), ends.astype(np.int32))
