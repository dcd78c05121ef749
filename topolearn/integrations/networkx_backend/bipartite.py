"""networkx's measures of bipartite graphs, with topolearn's kernels."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np

from topolearn.diagnostics.latapy import MODES, coefficients_of_rows
from topolearn.diagnostics.redundancy import coefficients_of_columns
from topolearn.integrations.networkx_backend.graph import BackendGraph
from topolearn.integrations.networkx_backend.paths import pairs_through
from topolearn.threads import cut, for_each

Nodes = Collection[Hashable]


def robins_alexander_clustering(G: BackendGraph) -> float:
    """Return the share of paths of length three that are closed."""
    from topolearn.diagnostics.kernels.shared import count_squares

    if G.sides is None:
        raise NotImplementedError("topolearn only counts closed paths in bipartite graphs")
    degrees = G.seen.degrees
    first, second = G.seen.edges.T
    n_paths = int(((degrees[first] - 1) * (degrees[second] - 1)).sum())
    if not n_paths:
        return 0
    links, counts = G.both_ways, list[int]()
    for_each(lambda rows: counts.append(count_squares(*rows, *links.arrays)), cut(4 * links.walks_of_two() + 1))
    return 2 * int(sum(counts)) / n_paths  # each square is counted once from each side


def latapy_clustering(G: BackendGraph, nodes: Nodes | None = None, mode: str = "dot") -> dict[Hashable, float]:
    """Return Latapy's clustering of all or some nodes."""
    import networkx as nx

    if G.sides is None:
        raise nx.NetworkXError("Graph is not bipartite")
    if mode not in MODES:
        raise nx.NetworkXError("Mode for bipartite clustering must be: dot, min or max")
    values = coefficients_of_rows(G.both_ways, mode)
    if nodes is None:
        return G.by_node(values)
    return dict(zip(nodes, values[G.numbers(nodes)].tolist(), strict=True))


def average_clustering(G: BackendGraph, nodes: Nodes | None = None, mode: str = "dot") -> float:
    """Return the mean of Latapy's clustering over all or some nodes."""
    values = latapy_clustering(G, nodes, mode)
    if not values:
        raise NotImplementedError("a mean over no nodes is left to networkx")
    return sum(values.values()) / len(values)


def node_redundancy(G: BackendGraph, nodes: Nodes | None = None) -> dict[Hashable, float]:
    """Return, for all or some nodes, the share of pairs of neighbours that share another neighbour."""
    import networkx as nx

    numbers = np.arange(len(G)) if nodes is None else G.numbers(nodes)
    several = G.seen.degrees > 1
    if not several[numbers].all():
        raise nx.NetworkXError("Cannot compute redundancy coefficient for a node that has fewer than two neighbors.")
    values = np.zeros(len(G))
    values[several] = coefficients_of_columns(G.both_ways)
    return dict(zip(G if nodes is None else nodes, values[numbers].tolist(), strict=True))


def betweenness_centrality(G: BackendGraph, nodes: Nodes) -> dict[Hashable, Any]:
    """Return the betweenness of each node, divided by the maximum for a node of its side."""
    is_top = np.zeros(len(G), bool)
    is_top[G.numbers(set(nodes))] = True
    n_top, n_bottom = int(is_top.sum()), int((~is_top).sum())
    if (
        not n_top
        or not n_bottom
        or not (of_top := _largest(n_top, n_bottom))
        or not (of_bottom := _largest(n_bottom, n_top))
    ):
        raise NotImplementedError("sides that no path can lead through are left to networkx")
    return G.by_node(pairs_through(G) / np.where(is_top, of_top, of_bottom))


def _largest(n: int, m: int) -> float:
    """Return the maximum betweenness of one of n nodes that are linked to m others (Borgatti and Halgin)."""
    s, t = divmod(n - 1, m)
    return (m**2 * (s + 1) ** 2 + m * (s + 1) * (2 * t - s - 1) - t * (2 * s - t + 3)) / 2
