"""networkx's matchings of the two sides of a graph, and its projections onto one side."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.integrations.networkx_backend.graph import BackendGraph

if TYPE_CHECKING:
    import networkx as nx

Nodes = Collection[Hashable]


def maximum_matching(G: BackendGraph, top_nodes: Nodes | None = None) -> dict[Hashable, Hashable]:
    """Return a maximum matching, as a mapping from each matched node to its partner."""
    from topolearn.diagnostics.kernels.matching import matched_inputs

    left = _left(G, top_nodes)
    rows, columns = np.flatnonzero(left), np.flatnonzero(~left)
    links = G.adjacency[rows]
    if left[links.indices].any() or links.nnz != G.seen.n_links:
        raise NotImplementedError("links within a side are left to networkx")
    place = np.cumsum(~left) - 1
    matched = matched_inputs(links.indptr.astype(np.int64), place[links.indices], columns.size)
    pairs = {G.nodes[rows[i]]: G.nodes[columns[matched[i]]] for i in np.flatnonzero(matched >= 0)}
    return pairs | {second: first for first, second in pairs.items()}


def _left(graph: BackendGraph, top_nodes: Nodes | None) -> NDArray[np.bool_]:
    """Return which nodes are on the first side, as in `networkx.bipartite.sets`."""
    import networkx as nx

    if top_nodes is not None:
        left = np.zeros(len(graph), bool)
        left[graph.numbers(set(top_nodes))] = True
        return left
    if not len(graph):
        raise NotImplementedError("graphs without nodes are left to networkx")
    if not graph.igraph.is_connected():
        raise nx.AmbiguousSolution("Disconnected graph: Ambiguous solution for bipartite sets.")
    if graph.sides is None:
        raise nx.NetworkXError("Graph is not bipartite.")
    return graph.sides


def projected_graph(B: BackendGraph, nodes: Nodes, multigraph: bool = False) -> nx.Graph:
    """Return the projection onto some nodes, which links the nodes that share a neighbour."""
    graph, (first, second, _) = _projected(B, nodes, B.adjacency)
    graph.add_edges_from(zip(first, second, strict=True))
    return graph


def weighted_projected_graph(B: BackendGraph, nodes: Nodes, ratio: bool = False) -> nx.Graph:
    """Return the projection weighted by the number of shared neighbours, or by their share of the other side."""
    n_others = len(B) - len(nodes)
    if n_others < 1:
        raise NotImplementedError("a projection onto all nodes is left to networkx")
    graph, (first, second, shared) = _projected(B, nodes, B.adjacency)
    return _weighted(graph, first, second, shared / n_others if ratio else shared.astype(np.int64))


def collaboration_weighted_projected_graph(B: BackendGraph, nodes: Nodes) -> nx.Graph:
    """Return the projection in which each shared neighbour of degree d has weight 1 / (d - 1) (Newman)."""
    weights = sparse.diags_array(1 / np.maximum(B.seen.degrees - 1, 1))
    graph, (first, second, shared) = _projected(B, nodes, weights @ B.adjacency)
    return _weighted(graph, first, second, shared)


def overlap_weighted_projected_graph(B: BackendGraph, nodes: Nodes, jaccard: bool = True) -> nx.Graph:
    """Return the projection weighted by shared neighbours over all neighbours, or over the smaller degree."""
    graph, (first, second, shared) = _projected(B, nodes, B.adjacency)
    numbers = B.number
    left, right = (B.seen.degrees[[numbers[node] for node in side]] for side in (first, second))
    return _weighted(graph, first, second, shared / (left + right - shared if jaccard else np.minimum(left, right)))


Pairs = tuple[list[Hashable], list[Hashable], NDArray[np.float64]]


def _projected(graph: BackendGraph, nodes: Nodes, back: sparse.csr_array) -> tuple[nx.Graph, Pairs]:
    """Return a graph of the nodes without links, and the pairs joined by walks of two links, with their weights."""
    import networkx as nx

    chosen = graph.numbers(nodes)
    links = sparse.triu((graph.adjacency[chosen] @ back).tocsc()[:, chosen], k=1).tocoo()
    is_chosen = np.zeros(len(graph), bool)
    is_chosen[chosen] = True
    ends = np.unique(graph.adjacency[chosen].indices)  # a walk through these could lead elsewhere
    if not is_chosen[graph.adjacency[ends].indices].all():
        raise NotImplementedError("a walk of two links leaves the given nodes, which is left to networkx")
    projection = nx.Graph(**graph.graph_data)
    projection.add_nodes_from((node, graph.node_data[node]) for node in nodes)
    names = list(nodes)
    first, second = ([names[i] for i in side.tolist()] for side in links.coords)
    return projection, (first, second, links.data)


def _weighted(graph: nx.Graph, first: list[Hashable], second: list[Hashable], weights: NDArray[np.number]) -> nx.Graph:
    graph.add_weighted_edges_from(zip(first, second, weights.tolist(), strict=True))
    return graph
