"""networkx's matchings of two sides, and projections onto one of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.integrations.networkx_backend_graph import BackendGraph

if TYPE_CHECKING:
    import networkx as nx

Nodes = Collection[Hashable]


def maximum_matching(G: BackendGraph, top_nodes: Nodes | None = None) -> dict[Hashable, Hashable]:
    """Return each matched node with the other end of its link, in a matching of as many links as there can be."""
    from topolearn.diagnostics.kernels.matching import matched_inputs

    left = _left(G, top_nodes)
    rows, columns = np.flatnonzero(left), np.flatnonzero(~left)
    links = G.adjacency[rows]
    if left[links.indices].any() or links.nnz != G.seen.n_links:
        raise NotImplementedError("links within a side are networkx's to judge")
    place = np.cumsum(~left) - 1
    matched = matched_inputs(links.indptr.astype(np.int64), place[links.indices], columns.size)
    pairs = {G.nodes[rows[i]]: G.nodes[columns[matched[i]]] for i in np.flatnonzero(matched >= 0)}
    return pairs | {second: first for first, second in pairs.items()}


def _left(graph: BackendGraph, top_nodes: Nodes | None) -> NDArray[np.bool_]:
    """Return which nodes are of the first side, as `networkx.bipartite.sets` decides."""
    import networkx as nx

    if top_nodes is not None:
        left = np.zeros(len(graph), bool)
        left[graph.numbers(set(top_nodes))] = True
        return left
    if not len(graph):
        raise NotImplementedError("networkx says what it makes of no node")
    if not graph.igraph.is_connected():
        raise nx.AmbiguousSolution("Disconnected graph: Ambiguous solution for bipartite sets.")
    if graph.sides is None:
        raise nx.NetworkXError("Graph is not bipartite.")
    return graph.sides


def projected_graph(B: BackendGraph, nodes: Nodes, multigraph: bool = False) -> nx.Graph:
    """Return the graph of those nodes that share a neighbour."""
    graph, (first, second, _) = _projected(B, nodes, B.adjacency)
    graph.add_edges_from(zip(first, second, strict=True))
    return graph


def weighted_projected_graph(B: BackendGraph, nodes: Nodes, ratio: bool = False) -> nx.Graph:
    """Return the projection with numbers of shared neighbours, or their share of the other side."""
    n_others = len(B) - len(nodes)
    if n_others < 1:
        raise NotImplementedError("networkx refuses a projection onto all nodes")
    graph, (first, second, shared) = _projected(B, nodes, B.adjacency)
    return _weighted(graph, first, second, shared / n_others if ratio else shared.astype(np.int64))


def collaboration_weighted_projected_graph(B: BackendGraph, nodes: Nodes) -> nx.Graph:
    """Return the projection in which each shared neighbour of degree d weighs 1 / (d - 1) (Newman)."""
    weights = sparse.diags_array(1 / np.maximum(B.seen.degrees - 1, 1))
    graph, (first, second, shared) = _projected(B, nodes, weights @ B.adjacency)
    return _weighted(graph, first, second, shared)


def overlap_weighted_projected_graph(B: BackendGraph, nodes: Nodes, jaccard: bool = True) -> nx.Graph:
    """Return the projection with shared neighbours over those of either, or over the fewer of the two."""
    graph, (first, second, shared) = _projected(B, nodes, B.adjacency)
    numbers = B.number
    left, right = (B.seen.degrees[[numbers[node] for node in side]] for side in (first, second))
    return _weighted(graph, first, second, shared / (left + right - shared if jaccard else np.minimum(left, right)))


Pairs = tuple[list[Hashable], list[Hashable], NDArray[np.float64]]


def _projected(graph: BackendGraph, nodes: Nodes, back: sparse.csr_array) -> tuple[nx.Graph, Pairs]:
    """Return a graph of the nodes alone, and the pairs of them that walks of two links join, with their weights."""
    import networkx as nx

    chosen = graph.numbers(nodes)
    links = sparse.triu((graph.adjacency[chosen] @ back).tocsc()[:, chosen], k=1).tocoo()
    is_chosen = np.zeros(len(graph), bool)
    is_chosen[chosen] = True
    ends = np.unique(graph.adjacency[chosen].indices)  # through which a walk might lead elsewhere
    if not is_chosen[graph.adjacency[ends].indices].all():
        raise NotImplementedError("a walk of two links leaves the nodes: networkx decides what is projected")
    projection = nx.Graph(**graph.graph_data)
    projection.add_nodes_from((node, graph.node_data[node]) for node in nodes)
    names = list(nodes)
    first, second = ([names[i] for i in side.tolist()] for side in links.coords)
    return projection, (first, second, links.data)


def _weighted(graph: nx.Graph, first: list[Hashable], second: list[Hashable], weights: NDArray[np.number]) -> nx.Graph:
    graph.add_weighted_edges_from(zip(first, second, weights.tolist(), strict=True))
    return graph
