"""One-mode graphs: networks with one kind of node, such as proteins, friends or airports."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

# The methods of each format are in a separate file, which imports this one only for type hints.
from topolearn.graph import checks, exploring
from topolearn.graph.bipartite.graph import percent
from topolearn.graph.immutable import Immutable, read_only
from topolearn.graph.one_mode import convert, files, frames, pairs
from topolearn.showing import shown_by

if TYPE_CHECKING:
    from topolearn.graph.reading.source import Source

Integers = NDArray[np.int64]
Names = Iterable[str] | None


class Graph(Immutable):
    """A network with one kind of node, and undirected links between pairs of different nodes.

    A graph is immutable. Its properties are plain values and read-only arrays; its methods return new copies. The
    topology of a layer, which has two kinds of nodes, is a `BipartiteGraph`.

    Parameters
    ----------
    edges : array of int, shape (n_links, 2)
        Pairs of different nodes, each link once, in either order.
    n_nodes : int
        Number of nodes, at least two.
    names : sequence of str, optional
        One name for each node; names must be unique.

    Raises
    ------
    InvalidTypeError
        When `edges` are not integers, or a name is not a string.
    InvalidValueError
        When a node is out of range, a link is a self-loop or repeated, or names are too few, too many or repeated.

    Examples
    --------
    >>> import networkx as nx
    >>> Graph.from_networkx(nx.karate_club_graph())
    Graph(34 nodes, 78 links, density 13.90%, degrees 1-17)
    >>> Graph([(0, 1), (1, 2)], 3, names=["a", "b", "c"]).degrees
    array([1, 2, 1])
    """

    __slots__ = ("_cells", "_indices", "_indptr", "_n_nodes", "_names", "_source")

    _n_nodes: int
    _cells: Integers
    _indptr: Integers
    _indices: Integers
    _names: tuple[str, ...] | None
    _source: Source | None

    def __init__(self, edges: ArrayLike, n_nodes: int, *, names: Names = None) -> None:
        n_nodes = pairs.n_nodes_of(n_nodes)
        known = checks.distinct_names(names, n_nodes, "names", "nodes")
        self._fill_cells(pairs.cells_of_edges(edges, n_nodes, known), n_nodes, known)

    def _fill_cells(self, cells: Integers, n_nodes: int, names: tuple[str, ...] | None) -> None:
        i, j = pairs.pairs_of_cells(cells, n_nodes).T
        ends = np.concatenate([j, i])  # a link appears at both of its nodes
        nodes = np.concatenate([i, j])
        degrees = np.bincount(nodes, minlength=n_nodes)
        self._fill(
            _n_nodes=n_nodes,
            _cells=read_only(cells),
            _indptr=read_only(np.concatenate([[0], np.cumsum(degrees)])),
            _indices=read_only(ends[np.lexsort((ends, nodes))]),
            _names=names,
            _source=None,
        )

    @classmethod
    def from_cells(cls, cells: ArrayLike, n_nodes: int, *, names: Names = None) -> Self:
        """Make a graph from its cells, in any order, each once; `n_cells` explains their numbering.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When a cell is not integer, out of range or repeated; the message quotes it.

        Examples
        --------
        >>> Graph.from_cells([2, 0], 3).edges().tolist()
        [[0, 1], [1, 2]]
        """
        n_nodes = pairs.n_nodes_of(n_nodes)
        graph = cls.__new__(cls)
        known = checks.distinct_names(names, n_nodes, "names", "nodes")
        graph._fill_cells(pairs.sorted_cells(cells, n_nodes), n_nodes, known)
        return graph

    from_adjacency = classmethod(convert.from_adjacency)
    from_networkx = classmethod(convert.from_networkx)
    from_igraph = classmethod(convert.from_igraph)
    from_frame = classmethod(frames.from_frame)
    from_pairs = classmethod(frames.from_pairs)
    load = classmethod(files.load)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self._n_nodes

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the adjacency: (n_nodes, n_nodes)."""
        return self._n_nodes, self._n_nodes

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self._cells.size

    @property
    def density(self) -> float:
        """Share of pairs of nodes that are linked: 2 * n_links / (n_nodes * (n_nodes - 1))."""
        return self.n_links / self.n_cells

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the nodes, or None."""
        return self._names

    @property
    def source(self) -> Source | None:
        """How `read_graph` interpreted the file; None for a graph that was not read from one."""
        return self._source

    def with_source(self, source: Source | None) -> Self:
        """Return the same graph with another `source`, which equality ignores."""
        graph = type(self).__new__(type(self))
        graph._fill(**{slot: getattr(self, slot) for slot in Graph.__slots__} | {"_source": source})
        return graph

    @property
    def degrees(self) -> Integers:
        """Number of links of each node, shape (n_nodes,)."""
        return read_only(np.diff(self._indptr))

    @property
    def indptr(self) -> Integers:
        """Where in `indices` the neighbours of each node begin, as in scipy's csr_array; shape (n_nodes + 1,)."""
        return self._indptr

    @property
    def indices(self) -> Integers:
        """The neighbours of each node, grouped by node and sorted within each group; shape (2 * n_links,)."""
        return self._indices

    @property
    def cells(self) -> Integers:
        """The cell of each link, sorted, shape (n_links,); see `n_cells`."""
        return self._cells

    @property
    def n_cells(self) -> int:
        """Number of pairs of nodes; each is a cell, numbered in the order (0, 1), (0, 2), ..., (1, 2), ..."""
        return self._n_nodes * (self._n_nodes - 1) // 2

    @property
    def starts(self) -> Integers:
        """The offset of each node in the numbering of cells: the pair (i, j), i < j, is cell ``starts[i] + j``."""
        return pairs.starts(self._n_nodes)

    def edges(self, cells: Integers | None = None) -> Integers:
        """Return the links, or the pairs of the given cells, as rows (i, j) with i < j."""
        return pairs.pairs_of_cells(self._cells if cells is None else cells, self._n_nodes)

    def to_scipy(self) -> sparse.csr_array:
        """Return the symmetric adjacency as a boolean csr_array with sorted rows."""
        links = np.ones(self._indices.size, dtype=bool)
        return sparse.csr_array((links, self._indices, self._indptr), shape=self.shape, copy=True)

    to_torch = convert.to_torch
    to_networkx = convert.to_networkx
    to_igraph = convert.to_igraph
    to_frame = frames.to_frame
    save = files.save
    explore = exploring.explore

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return self.shape == other.shape and np.array_equal(self._cells, other._cells) and self.names == other.names

    def __hash__(self) -> int:
        return hash((self._n_nodes, self._cells.tobytes(), self._names))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(_rebuilt, type(self), names=self._names), (self._source, self._cells, self._n_nodes)

    _repr_html_ = shown_by("topolearn.plotting.cards:graph_card")

    def __repr__(self) -> str:
        if self.n_links == 0:
            return f"Graph({self.n_nodes} nodes, no links)"
        low, high = self.degrees.min(), self.degrees.max()
        span = f"{low}" if low == high else f"{low}-{high}"
        return f"Graph({self.n_nodes} nodes, {self.n_links} links, density {percent(self.density)}, degrees {span})"


def one_mode(graph: object) -> Graph | None:
    """Return a `Graph`, or a networkx or igraph graph without sides, as a one-mode graph; None for anything else."""
    if isinstance(graph, Graph):
        return graph
    networkx, igraph = sys.modules.get("networkx"), sys.modules.get("igraph")
    if networkx is not None and isinstance(graph, networkx.Graph):
        sided = any("bipartite" in data for _, data in graph.nodes(data=True))
        return None if sided else Graph.from_networkx(graph)
    if igraph is not None and isinstance(graph, igraph.Graph):
        return None if "type" in graph.vs.attributes() else Graph.from_igraph(graph)
    return None


def _rebuilt(cls: type[Graph], source: Source | None, cells: Integers, n_nodes: int, names: Names) -> Graph:
    return cls.from_cells(cells, n_nodes, names=names).with_source(source)
