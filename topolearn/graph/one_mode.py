"""One-mode graphs: networks of one kind of node, such as those of proteins, friends or airports."""

from __future__ import annotations

import copy
import sys
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.errors import InvalidTypeError, InvalidValueError

if TYPE_CHECKING:
    import igraph
    import networkx as nx

    from topolearn.graph.reading.source import Source


class Graph:
    """A simple undirected graph: what link prediction and diagnostics see of a graph of others without two sides.

    Parameters
    ----------
    edges : array of int, shape (n_links, 2)
        Pairs of different nodes, each link once, in either order.
    n_nodes : int
        Number of nodes.
    labels : sequence, optional
        What each node is called; default its number.

    Raises
    ------
    InvalidValueError
        When there are fewer than two nodes, a node is out of range, or a link leads to its own node or is repeated.

    Examples
    --------
    >>> import networkx as nx
    >>> Graph.from_networkx(nx.karate_club_graph())
    Graph(34 nodes, 78 links)
    """

    source: Source | None = None  # what `read_graph` understood of the file it comes from

    def __init__(self, edges: Any, n_nodes: int, *, labels: Sequence[Hashable] | None = None) -> None:
        self.n_nodes = int(n_nodes)
        self.labels: tuple[Hashable, ...] = tuple(range(self.n_nodes)) if labels is None else tuple(labels)
        if self.n_nodes < 2 or self.n_nodes >= 2**31 or len(self.labels) != self.n_nodes:
            raise InvalidValueError(f"n_nodes={n_nodes} with {len(self.labels)} labels: a graph has two nodes or more")
        pairs = np.sort(np.asarray(edges, dtype=np.int64).reshape(-1, 2), axis=1)
        if pairs.size and not (pairs.min() >= 0 and pairs.max() < self.n_nodes):
            bad = pairs[(pairs < 0) | (pairs >= self.n_nodes)][0]
            raise InvalidValueError(f"an edge names node {bad}: nodes are 0..{self.n_nodes - 1}")
        loops = pairs[pairs[:, 0] == pairs[:, 1]]
        if loops.size:
            node = self.labels[loops[0, 0]]
            raise InvalidValueError(f"node {node!r} is linked to itself: remove self-loops before scoring")
        self.cells = np.unique(_cells(pairs, self.n_nodes))
        if self.cells.size != len(pairs):
            raise InvalidValueError("a link is there twice: pass a simple graph, such as networkx.Graph(graph)")

    @classmethod
    def from_networkx(cls, graph: nx.Graph) -> Graph:
        """Make a one-mode graph from an undirected networkx graph; nodes keep its order and are called as there."""
        _refuse_directed(graph.is_directed(), "networkx")
        number = {label: i for i, label in enumerate(graph)}
        edges = [(number[a], number[b]) for a, b in graph.edges()]
        return cls(np.array(edges, dtype=np.int64), len(number), labels=list(graph))

    @classmethod
    def from_igraph(cls, graph: igraph.Graph) -> Graph:
        """Make a one-mode graph from an undirected igraph graph; nodes are called by ``name``, where there is one."""
        _refuse_directed(graph.is_directed(), "igraph")
        labels = graph.vs["name"] if "name" in graph.vs.attributes() else None
        return cls(np.array(graph.get_edgelist(), dtype=np.int64), graph.vcount(), labels=labels)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the adjacency: (n_nodes, n_nodes)."""
        return self.n_nodes, self.n_nodes

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.cells.size

    @property
    def n_cells(self) -> int:
        """Number of pairs of nodes: a pair is a cell, numbered in the order (0, 1), (0, 2), ..., (1, 2), ..."""
        return self.n_nodes * (self.n_nodes - 1) // 2

    @property
    def starts(self) -> NDArray[np.int64]:
        """For each node what makes a cell of a later one: the pair (i, j), i < j, is cell ``starts[i] + j``."""
        return _starts(self.n_nodes)

    def edges(self, cells: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the links, or the pairs of other cells, as rows (i, j) with i < j."""
        cells = self.cells if cells is None else cells
        first_cells = self.starts + np.arange(1, self.n_nodes + 1)
        nodes = np.searchsorted(first_cells[:-1], cells, side="right") - 1
        return np.column_stack([nodes, cells - self.starts[nodes]])

    def to_scipy(self) -> sparse.csr_array:
        """Return the symmetric adjacency as a boolean csr_array."""
        i, j = self.edges().T
        ones = np.ones(2 * self.n_links, dtype=bool)
        return sparse.coo_array((ones, (np.concatenate([i, j]), np.concatenate([j, i]))), shape=self.shape).tocsr()

    def with_source(self, source: Source | None) -> Graph:
        """Return the same graph with another `source`."""
        graph = copy.copy(self)
        graph.source = source
        return graph

    def __repr__(self) -> str:
        return f"Graph({self.n_nodes} nodes, {self.n_links} links)"


def one_mode(graph: object) -> Graph | None:
    """Return a networkx or igraph graph whose nodes have no sides as a one-mode graph; None for anything else."""
    if isinstance(graph, Graph):
        return graph
    networkx, igraph = sys.modules.get("networkx"), sys.modules.get("igraph")
    if networkx is not None and isinstance(graph, networkx.Graph):
        sided = any("bipartite" in data for _, data in graph.nodes(data=True))
        return None if sided else Graph.from_networkx(graph)
    if igraph is not None and isinstance(graph, igraph.Graph):
        return None if "type" in graph.vs.attributes() else Graph.from_igraph(graph)
    return None


def _starts(n: int) -> NDArray[np.int64]:
    i = np.arange(n, dtype=np.int64)
    return i * (2 * n - i - 1) // 2 - i - 1


def _cells(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return _starts(n)[pairs[:, 0]] + pairs[:, 1]


def _refuse_directed(directed: bool, library: str) -> None:
    if directed:
        raise InvalidTypeError(f"the {library} graph is directed: pass graph.to_undirected()")
