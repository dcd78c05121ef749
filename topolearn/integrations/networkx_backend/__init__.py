"""topolearn as a backend of networkx: ``nx.bipartite.clustering(graph, backend="topolearn")``.

networkx finds `BACKEND` through the package's entry point ``networkx.backends``, and looks up each function by the name
under which networkx dispatches it. For calls that the backend does not support, such as those with directed or weighted
graphs, networkx falls back to its own code if the backend is in ``nx.config.backend_priority``, and raises with
``backend="topolearn"``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from topolearn.integrations.networkx_backend import bipartite, paths, sides
from topolearn.integrations.networkx_backend.graph import NAME, BackendGraph, from_networkx, to_networkx


@dataclass(frozen=True)
class Row:
    """A networkx function that topolearn implements.

    Attributes
    ----------
    function : callable
        A function with the same signature, whose first argument is a `BackendGraph`.
    left_out : tuple of str
        Arguments that are only supported with their defaults.
    is_short : bool
        Whether it takes less time than converting a graph, so that it only pays off for converted graphs.
    """

    function: Callable[..., Any]
    left_out: tuple[str, ...] = ()
    is_short: bool = False


FUNCTIONS: dict[str, Row] = {
    "robins_alexander_clustering": Row(bipartite.robins_alexander_clustering),
    "latapy_clustering": Row(bipartite.latapy_clustering),
    "bipartite_average_clustering": Row(bipartite.average_clustering),
    "node_redundancy": Row(bipartite.node_redundancy),
    "bipartite_betweenness_centrality": Row(bipartite.betweenness_centrality),
    "hopcroft_karp_matching": Row(sides.maximum_matching),
    "eppstein_matching": Row(sides.maximum_matching),
    "projected_graph": Row(sides.projected_graph, ("multigraph",)),
    "weighted_projected_graph": Row(sides.weighted_projected_graph),
    "collaboration_weighted_projected_graph": Row(sides.collaboration_weighted_projected_graph),
    "overlap_weighted_projected_graph": Row(sides.overlap_weighted_projected_graph),
    "betweenness_centrality": Row(paths.betweenness_centrality, ("k", "weight", "endpoints")),
    "average_shortest_path_length": Row(paths.average_shortest_path_length, ("weight", "method")),
    "single_source_shortest_path_length": Row(paths.single_source_shortest_path_length, is_short=True),
    "all_pairs_shortest_path_length": Row(paths.all_pairs_shortest_path_length),
    "degree_assortativity_coefficient": Row(paths.degree_assortativity_coefficient, ("weight", "nodes")),
    "degree_pearson_correlation_coefficient": Row(paths.degree_assortativity_coefficient, ("weight", "nodes")),
}


class Backend:
    """The interface for networkx's dispatcher: conversions, which calls are supported, and the functions by name."""

    convert_from_nx = staticmethod(from_networkx)
    convert_to_nx = staticmethod(to_networkx)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in FUNCTIONS:
            raise AttributeError(f"topolearn does not implement networkx's {name!r}")
        return FUNCTIONS[name].function

    def can_run(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | str:
        """Return whether a call is supported, or why not."""
        signature = inspect.signature(FUNCTIONS[name].function)
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            return str(error)
        graph, *others = given.items()
        if graph[1].is_directed() or graph[1].is_multigraph():
            return "topolearn only supports undirected graphs without parallel edges"
        for word, value in others:
            if word in FUNCTIONS[name].left_out and value is not signature.parameters[word].default:
                return f"topolearn leaves {word!r} to networkx"
            if isinstance(value, Iterator):
                return f"{word!r} is an iterator, which networkx could not read a second time"
        return True

    def should_run(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | str:
        """Return whether a call without ``backend="topolearn"`` is worth the conversion, or why not."""
        if not FUNCTIONS[name].is_short:
            return True
        graph = next(iter((*args, *kwargs.values())))
        cached = getattr(graph, "__networkx_cache__", None) or {}
        if isinstance(graph, BackendGraph) or NAME in cached.get("backends", {}):
            return True
        return "converting the graph takes longer than the call"


BACKEND = Backend()
