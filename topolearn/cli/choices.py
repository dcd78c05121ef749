"""The names that commands accept, written out so that ``--help`` is instant: it imports none of the registries.

A test compares each list with its registry.
"""

GENERATORS = ("er", "bsw", "bsf", "csti", "brf", "fixed_fan_in")
GENERATOR_PARAMETERS: dict[str, tuple[type, tuple[str, ...]]] = {  # type, and the generators that take it
    "beta": (float, ("bsw",)),
    "r": (float, ("brf",)),
    "degree": (str, ("brf",)),
}
PREDICTORS = (
    "ch3_l3p", "ch3_l3n", "ch2_l3n", "ch2_l3p", "ch31_l3n", "ch1_l3", "ra_l3", "common_neighbours", "adamic_adar",
    "resource_allocation", "preferential_attachment", "random",
)  # fmt: skip
GRAPH_FORMATS = ("saved", "arrays", "matrix market", "graphml", "pajek", "gml", "matrix", "links")
EXECUTORS = ("processes", "dask", "slurm")
DOWNLOADS = ("mnist", "fashion_mnist", "emnist_balanced", "cifar10")
MEASURES = (
    "closure", "latapy_clustering", "redundancy", "clustering", "transitivity", "path_length", "efficiency",
    "n_components", "largest_component", "gamma", "gamma_in", "gamma_out", "gamma_p", "fan_in_gini", "fan_out_gini",
    "degree_gini", "assortativity", "degree_correlation", "sigma", "omega", "closeness", "betweenness", "radiality",
    "modularity", "barber_modularity", "rich_club", "rich_club_p", "lcp_correlation", "structural_consistency",
    "spectral_gap", "structural_rank", "active_neurons", "active_neurons_authors", "credit_paths", "hub_share",
)  # fmt: skip
