"""Every measure by name."""

from collections.abc import Iterable

from topolearn.diagnostics.active_neurons import active_neuron_rate
from topolearn.diagnostics.assortativity import assortativity, degree_correlation
from topolearn.diagnostics.betweenness import betweenness
from topolearn.diagnostics.closeness import closeness
from topolearn.diagnostics.closure import closure
from topolearn.diagnostics.components import largest_component, n_components
from topolearn.diagnostics.credit_assignment import credit_paths, hub_share
from topolearn.diagnostics.degree_laws import gamma, gamma_in, gamma_out, gamma_p
from topolearn.diagnostics.efficiency import efficiency
from topolearn.diagnostics.inequality import degree_gini, fan_in_gini, fan_out_gini
from topolearn.diagnostics.latapy import latapy_clustering
from topolearn.diagnostics.local_community import lcp_correlation
from topolearn.diagnostics.matching import structural_rank
from topolearn.diagnostics.measure import Measure
from topolearn.diagnostics.modularity import barber_modularity, modularity
from topolearn.diagnostics.path_length import path_length
from topolearn.diagnostics.radiality import radiality
from topolearn.diagnostics.redundancy import redundancy
from topolearn.diagnostics.rich_club import rich_club_p, rich_club_peak
from topolearn.diagnostics.small_world import omega, sigma
from topolearn.diagnostics.spectral_gap import spectral_gap
from topolearn.diagnostics.structural_consistency import structural_consistency
from topolearn.diagnostics.triangles import clustering, transitivity
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.registry import Registry


def _authors_rate(network: LayeredNetwork) -> float:
    """Return the share of active neurons by the authors' definition; see `active_neuron_rate`."""
    return active_neuron_rate(network, "authors")


_MEASURES = (
    Measure("closure", closure, "closure (4-cycles)", is_share=True),
    Measure("latapy_clustering", latapy_clustering, "Latapy clustering", is_share=True),
    Measure("redundancy", redundancy, "redundancy of neighbours", is_quick=False, is_share=True),
    Measure("clustering", clustering, "mean local clustering (triangles)", "one-mode", is_share=True),
    Measure("transitivity", transitivity, "transitivity (triangles)", "one-mode", is_share=True),
    Measure("path_length", path_length, "path length", "any", draws=True),
    Measure("efficiency", efficiency, "global efficiency", "any", draws=True, is_share=True),
    Measure("n_components", n_components, "components", "any"),
    Measure("largest_component", largest_component, "neurons in the largest component", "any", is_share=True),
    Measure("gamma", gamma, "power-law exponent of all degrees", "any", is_fit=True),
    Measure("gamma_in", gamma_in, "power-law exponent of the fan-in", is_fit=True),
    Measure("gamma_out", gamma_out, "power-law exponent of the fan-out", is_fit=True),
    Measure("gamma_p", gamma_p, "p-value of the power law", "any", is_quick=False, draws=True),
    Measure("fan_in_gini", fan_in_gini, "Gini coefficient of the fan-in"),
    Measure("fan_out_gini", fan_out_gini, "Gini coefficient of the fan-out"),
    Measure("degree_gini", degree_gini, "Gini coefficient of the degrees", "one-mode"),
    Measure("assortativity", assortativity, "assortativity", "any"),
    Measure("degree_correlation", degree_correlation, "correlation of fan-out and fan-in over links"),
    Measure("sigma", sigma, "small-world coefficient sigma", "graph", is_quick=False, draws=True, reference=1.0),
    Measure("omega", omega, "small-world measure omega", "graph", is_quick=False, draws=True),
    Measure("closeness", closeness, "harmonic closeness", "any", draws=True),
    Measure("betweenness", betweenness, "mean betweenness", "any", draws=True),
    Measure("radiality", radiality, "radiality", "any", draws=True),
    Measure("modularity", modularity, "Newman's modularity", "any", is_quick=False, draws=True),
    Measure("barber_modularity", barber_modularity, "Barber's modularity", is_quick=False, draws=True),
    Measure("rich_club", rich_club_peak, "rich club: excess density", "graph", is_quick=False, draws=True),
    Measure("rich_club_p", rich_club_p, "rich club: p-value", "graph", is_quick=False, draws=True),
    Measure("lcp_correlation", lcp_correlation, "LCP correlation", "graph", is_quick=False),
    Measure(
        "structural_consistency", structural_consistency, "structural consistency", "graph", is_quick=False, draws=True
    ),
    Measure("spectral_gap", spectral_gap, "spectral gap", "graph", is_quick=False),
    Measure("structural_rank", structural_rank, "structural rank", "graph"),
    Measure("active_neurons", active_neuron_rate, "active hidden neurons", "network", is_share=True),
    Measure("active_neurons_authors", _authors_rate, "active neurons, authors' count", "network", is_share=True),
    Measure("credit_paths", credit_paths, "credit assignment paths, log10", "network"),
    Measure("hub_share", hub_share, "credit assignment paths through hubs", "network", is_share=True),
)
MEASURES: Registry[Measure] = Registry("measure", {each.name: each for each in _MEASURES})


def measures_of(graph: BipartiteGraph | Graph | LayeredNetwork, names: Iterable[str] | None) -> list[Measure]:
    """Return measures by name, or all quick ones that are defined for this kind of graph.

    Raises
    ------
    UnknownNameError, InvalidValueError
        When a measure does not exist or is not defined for this kind of graph.
    """
    of_one = ("graph",) if isinstance(graph, BipartiteGraph | Graph) else ()
    kind = "layer" if isinstance(graph, BipartiteGraph) else "one-mode" if isinstance(graph, Graph) else "network"
    fits = (kind, *of_one, "any")
    if names is None:
        return [measure for measure in MEASURES.values() if measure.is_quick and measure.of in fits]
    if isinstance(names, str):
        names = [names]
    chosen = [MEASURES[name] for name in names]
    for measure in chosen:
        if measure.of not in fits:
            known = ", ".join(each.name for each in MEASURES.values() if each.of in fits)
            raise InvalidValueError(f"{measure.name!r} is not a measure of a {type(graph).__name__}: use {known}")
    return chosen
