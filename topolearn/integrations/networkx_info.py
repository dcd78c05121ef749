"""The list of functions that networkx reads of its backend ``topolearn`` on import, without importing the package.

Installed packages have a copy of this file outside of topolearn, as the module ``topolearn_networkx``. The backend is
`topolearn.integrations.networkx_backend`; a test compares this list with its functions.
"""

RESTRICTIONS = "For undirected graphs without parallel edges, self-loops or weights."
FUNCTIONS = (
    "all_pairs_shortest_path_length",
    "average_shortest_path_length",
    "betweenness_centrality",
    "bipartite_average_clustering",
    "bipartite_betweenness_centrality",
    "collaboration_weighted_projected_graph",
    "degree_assortativity_coefficient",
    "degree_pearson_correlation_coefficient",
    "eppstein_matching",
    "hopcroft_karp_matching",
    "latapy_clustering",
    "node_redundancy",
    "overlap_weighted_projected_graph",
    "projected_graph",
    "robins_alexander_clustering",
    "single_source_shortest_path_length",
    "weighted_projected_graph",
)


def backend_info() -> dict[str, object]:
    """Return the information for the entry point ``networkx.backend_info``: the backend's name and functions."""
    return {
        "backend_name": "topolearn",
        "project": "topolearn",
        "package": "topolearn",
        "short_summary": "Bipartite clustering, matchings and projections, distances and betweenness, compiled.",
        "functions": {name: {"additional_docs": RESTRICTIONS} for name in FUNCTIONS},
    }
