"""Converted networkx graphs: nodes by number, and the neighbours of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.diagnostics.reading import Neighbours
from topolearn.graph.two_way_csr import TwoWayCsr

if TYPE_CHECKING:
    import igraph
    import networkx as nx

NAME = "topolearn"


class BackendGraph:
    """An undirected simple graph, converted from networkx.

    Parameters
    ----------
    seen : Neighbours
    nodes : sequence
        The networkx names of the nodes, in order.
    graph_data, node_data : mappings
        networkx's attributes of the graph and of its nodes, unchanged.
    """

    __networkx_backend__ = NAME

    def __init__(
        self,
        seen: Neighbours,
        nodes: list[Hashable],
        graph_data: Mapping[str, Any],
        node_data: Mapping[Hashable, Mapping[str, Any]],
    ) -> None:
        self.seen, self.nodes = seen, nodes
        self.graph_data, self.node_data = graph_data, node_data

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.nodes)

    def __contains__(self, node: object) -> bool:
        return node in self.number

    def is_directed(self) -> bool:
        """Return False; networkx asks for it."""
        return False

    def is_multigraph(self) -> bool:
        """Return False; networkx asks for it."""
        return False

    @cached_property
    def number(self) -> dict[Hashable, int]:
        """The number of each node."""
        return {node: i for i, node in enumerate(self.nodes)}

    @cached_property
    def igraph(self) -> igraph.Graph:
        """The graph as an igraph object."""
        return self.seen.to_igraph()

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """The symmetric adjacency matrix of ones, in float64."""
        return self.seen.to_scipy()

    @cached_property
    def both_ways(self) -> TwoWayCsr:
        """A bipartite graph with all nodes on both sides, for kernels that follow walks of two links."""
        return TwoWayCsr(self.seen.pointers, self.seen.ends, self.seen.pointers, self.seen.ends)

    @cached_property
    def sides(self) -> NDArray[np.bool_] | None:
        """The side of each node of a bipartite graph; None if the graph is not bipartite."""
        is_bipartite, types = self.igraph.is_bipartite(return_types=True)
        return np.array(types, dtype=bool) if is_bipartite else None

    def numbers(self, nodes: Iterable[Hashable]) -> NDArray[np.int64]:
        """Return the numbers of some nodes; duplicate or unknown nodes are left to networkx.

        Raises
        ------
        NotImplementedError
        """
        try:
            numbers = np.array([self.number[node] for node in nodes], dtype=np.int64)
        except (KeyError, TypeError):
            raise NotImplementedError("a node is not in the graph: networkx reports which") from None
        if np.unique(numbers).size != numbers.size:
            raise NotImplementedError("a node is given twice")
        return numbers

    def by_node(self, values: NDArray[Any]) -> dict[Hashable, Any]:
        """Return values by node, like networkx."""
        return dict(zip(self.nodes, values.tolist(), strict=True))


def from_networkx(graph: nx.Graph, **_: Any) -> BackendGraph:
    """Convert a networkx graph; edge data are dropped.

    Raises
    ------
    NotImplementedError
        When the graph is directed, or has parallel edges or self-loops.
    """
    if graph.is_directed() or graph.is_multigraph():
        raise NotImplementedError("topolearn only supports undirected graphs without parallel edges")
    nodes, adjacency = list(graph), graph._adj.values()
    degrees = np.fromiter(map(len, adjacency), np.int64, len(nodes))
    ends: Iterable[int] = chain.from_iterable(adjacency)
    if nodes != list(range(len(nodes))):
        ends = map({node: i for i, node in enumerate(nodes)}.__getitem__, ends)
    linked = np.fromiter(ends, np.int32, int(degrees.sum()))
    pointers = np.concatenate([[0], np.cumsum(degrees)])
    if (linked == np.repeat(np.arange(len(nodes)), degrees)).any():
        raise NotImplementedError("topolearn only supports graphs without self-loops")
    links = sparse.csr_array((np.ones(linked.size, bool), linked, pointers), shape=(len(nodes), len(nodes)))
    links.sort_indices()
    seen = Neighbours(pointers.astype(np.int64), links.indices.astype(np.int32))
    return BackendGraph(seen, nodes, graph.graph, graph._node)


def to_networkx(result: Any, **_: Any) -> Any:
    """Convert a `BackendGraph` to a networkx graph; return any other result unchanged."""
    if not isinstance(result, BackendGraph):
        return result
    import networkx as nx

    graph = nx.Graph(**result.graph_data)
    graph.add_nodes_from((node, result.node_data.get(node, {})) for node in result.nodes)
    graph.add_edges_from((result.nodes[i], result.nodes[j]) for i, j in result.seen.edges)
    return graph
