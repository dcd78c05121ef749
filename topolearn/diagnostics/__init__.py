"""What a topology looks like: measures that return plain numbers.

Each measure is a function of a graph. `MEASURES` lists them by name; `summary`, `network_summary` and `compare` compute
many at once. Where all pairs of a large graph would be too many, a measure takes a sample and returns an `Estimate`,
a number with its standard error.
"""

from topolearn.diagnostics.active_neurons import active_neuron_rate
from topolearn.diagnostics.assortativity import assortativity, degree_correlation
from topolearn.diagnostics.attention_heads import attention_heads
from topolearn.diagnostics.betweenness import betweenness, betweenness_centrality
from topolearn.diagnostics.catalogue import MEASURES
from topolearn.diagnostics.closeness import closeness
from topolearn.diagnostics.closure import closure
from topolearn.diagnostics.components import largest_component, n_components
from topolearn.diagnostics.credit_assignment import CAP, credit_assignment_paths
from topolearn.diagnostics.distances import Distances, distances
from topolearn.diagnostics.dynamics import LayerEvents, TopologyHistory, itop_rate
from topolearn.diagnostics.efficiency import efficiency
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.idle_links import idle_links
from topolearn.diagnostics.inequality import degree_gini, fan_in_gini, fan_out_gini, gini
from topolearn.diagnostics.latapy import latapy_clustering, latapy_coefficients
from topolearn.diagnostics.link_ages import Lifetimes, lifetimes, link_ages, oldest_links, survival
from topolearn.diagnostics.local_community import lcp_correlation, local_communities
from topolearn.diagnostics.matching import maximum_matching, structural_rank
from topolearn.diagnostics.measure import Measure
from topolearn.diagnostics.modularity import barber_modularity, communities, modularity
from topolearn.diagnostics.neuron_deaths import neuron_deaths
from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.one_mode_small_world import OneModeSmallWorld
from topolearn.diagnostics.path_length import path_length
from topolearn.diagnostics.power_law import PowerLawFit, power_law
from topolearn.diagnostics.radiality import radiality
from topolearn.diagnostics.reading import GraphLike
from topolearn.diagnostics.redundancy import redundancy
from topolearn.diagnostics.rich_club import RichClub, rich_club
from topolearn.diagnostics.small_world import SmallWorld, small_world
from topolearn.diagnostics.spectral_gap import spectral_gap
from topolearn.diagnostics.structural_consistency import structural_consistency
from topolearn.diagnostics.summary import compare, network_summary, summary, take_measures
from topolearn.diagnostics.topology_distance import hamming_distance, jaccard_distance
from topolearn.diagnostics.triangles import clustering, transitivity
from topolearn.graph import overlap

__all__ = [
    "CAP",
    "Distances",
    "Estimate",
    "GraphLike",
    "LayerEvents",
    "Lifetimes",
    "MEASURES",
    "Measure",
    "OneModeSmallWorld",
    "PowerLawFit",
    "RichClub",
    "SmallWorld",
    "TopologyHistory",
    "active_neuron_rate",
    "assortativity",
    "attention_heads",
    "barber_modularity",
    "betweenness",
    "betweenness_centrality",
    "closeness",
    "closure",
    "clustering",
    "communities",
    "compare",
    "credit_assignment_paths",
    "degree_correlation",
    "degree_gini",
    "distances",
    "efficiency",
    "fan_in_gini",
    "fan_out_gini",
    "gini",
    "hamming_distance",
    "idle_links",
    "itop_rate",
    "jaccard_distance",
    "largest_component",
    "latapy_clustering",
    "latapy_coefficients",
    "lcp_correlation",
    "lifetimes",
    "link_ages",
    "local_communities",
    "maximum_matching",
    "modularity",
    "n_components",
    "network_summary",
    "neuron_deaths",
    "null_ensemble",
    "oldest_links",
    "overlap",
    "path_length",
    "power_law",
    "radiality",
    "redundancy",
    "rich_club",
    "small_world",
    "spectral_gap",
    "structural_consistency",
    "structural_rank",
    "summary",
    "survival",
    "take_measures",
    "transitivity",
]
