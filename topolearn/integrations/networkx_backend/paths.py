"""networkx's shortest paths, betweenness and degree assortativity, with topolearn's kernels and igraph."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.assortativity import assortativity
from topolearn.diagnostics.distances import distances_between
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import Graph
from topolearn.integrations.networkx_backend.graph import BackendGraph


def betweenness_centrality(
    G: BackendGraph,
    k: int | None = None,
    normalized: bool = True,
    weight: str | None = None,
    endpoints: bool = False,
    seed: Any = None,
) -> dict[Hashable, float]:
    """Return the betweenness of each node."""
    n, values = len(G), pairs_through(G)
    if normalized and n > 2:
        values = values * (2 / ((n - 1) * (n - 2)))
    return G.by_node(values)


def pairs_through(graph: BackendGraph) -> NDArray[np.float64]:
    """Return, for each node, the number of pairs of other nodes whose shortest paths lead through it."""
    return np.array(graph.igraph.betweenness(directed=False), dtype=np.float64)


def average_shortest_path_length(G: BackendGraph, weight: str | None = None, method: str | None = None) -> float:
    """Return the mean distance between the nodes of a connected graph."""
    import networkx as nx

    n = len(G)
    if n < 2:
        raise NotImplementedError("topolearn only supports graphs with at least two nodes")
    if not G.igraph.is_connected():
        raise nx.NetworkXError("Graph is not connected.")
    lengths = distances_between(G.seen)
    return int(lengths.total.sum()) / (n * (n - 1))


def single_source_shortest_path_length(
    G: BackendGraph, source: Hashable, cutoff: float | None = None
) -> dict[Hashable, int]:
    """Return the distance to each node that can be reached."""
    import networkx as nx

    if source not in G:
        raise nx.NodeNotFound(f"Source {source} is not in G")
    return next(_lengths(G, np.array([G.number[source]]), cutoff))[1]


def all_pairs_shortest_path_length(
    G: BackendGraph, cutoff: float | None = None
) -> Iterator[tuple[Hashable, dict[Hashable, int]]]:
    """Yield each node with its distances to the nodes that can be reached."""
    return _lengths(G, np.arange(len(G)), cutoff)


def _lengths(
    graph: BackendGraph, sources: NDArray[np.int64], cutoff: float | None
) -> Iterator[tuple[Hashable, dict[Hashable, int]]]:
    """Yield each source with its distances, nearest first."""
    from topolearn.diagnostics.kernels.breadth_first import breadth_first

    most = len(graph) if cutoff is None else max(math.ceil(min(cutoff, len(graph))), 0)
    distance, order = np.full(len(graph), -1, np.int64), np.empty(len(graph), np.int64)
    names = np.fromiter(graph.nodes, dtype=object, count=len(graph))
    for source in sources.tolist():
        n_reached = breadth_first(graph.seen.pointers, graph.seen.ends, source, most, distance, order)
        reached = order[:n_reached]
        lengths = dict(zip(names[reached].tolist(), distance[reached].tolist(), strict=True))
        distance[reached] = -1
        yield graph.nodes[source], lengths


def degree_assortativity_coefficient(
    G: BackendGraph,
    x: str = "out",
    y: str = "in",
    weight: str | None = None,
    nodes: Collection[Hashable] | None = None,
) -> float:
    """Return the correlation of the degrees at both ends of an edge; `x` and `y` have no effect."""
    if len(G) < 2:
        raise NotImplementedError("topolearn only supports graphs with at least two nodes")
    try:
        return float(assortativity(Graph(G.seen.edges, len(G))))
    except UndefinedMeasureError as error:
        raise NotImplementedError(str(error)) from None
