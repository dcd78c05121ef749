"""Measures that networkx or igraph also has agree with theirs."""

import tracemalloc

import igraph
import networkx as nx
import numpy as np
import pytest
from scipy import linalg, stats

from tests.diagnostics.graphs import LAYERS, needs_networks, one_mode_graphs, read_edges, read_pairs
from topolearn import BipartiteGraph, LayeredNetwork
from topolearn import diagnostics as dg
from topolearn.graph.two_way_csr import TwoWayCsr

each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
each_graph = pytest.mark.parametrize("graph", one_mode_graphs().values(), ids=one_mode_graphs())

# name, and the function of networkx
OF_ANY = {
    "efficiency": nx.global_efficiency,
    "n_components": nx.number_connected_components,
    "largest_component": lambda g: max(map(len, nx.connected_components(g))) / len(g),
    "path_length": lambda g: nx.average_shortest_path_length(g.subgraph(max(nx.connected_components(g), key=len))),
    "assortativity": nx.degree_assortativity_coefficient,
    "closeness": lambda g: np.mean(list(nx.harmonic_centrality(g).values())),
    "betweenness": lambda g: 2 * np.mean(list(nx.betweenness_centrality(g, normalized=False).values())),
}
OF_LAYERS = {
    "closure": nx.bipartite.robins_alexander_clustering,
    "latapy_clustering": nx.bipartite.average_clustering,
    "redundancy": lambda g: np.mean(list(nx.bipartite.node_redundancy(g, [v for v, d in g.degree if d > 1]).values())),
    "structural_rank": lambda g: len(matching_of(g)) // 2,
    "spectral_gap": lambda g: 1 - np.sort(linalg.eigvalsh(nx.normalized_laplacian_matrix(g).toarray()))[1],
}
OF_ONE_MODE = {"clustering": nx.average_clustering, "transitivity": nx.transitivity}


def matching_of(graph):
    tops = [node for node, side in graph.nodes(data="bipartite") if side == 0]
    return nx.bipartite.hopcroft_karp_matching(graph, tops)


def gap_of(graph):
    """1 - the second largest eigenvalue of the normalised adjacency, without isolated nodes."""
    linked = graph.subgraph([node for node, degree in graph.degree if degree])
    return np.sort(linalg.eigvalsh(nx.normalized_laplacian_matrix(linked).toarray()))[1]


OF_LAYERS["spectral_gap"] = gap_of


@each_layer
@pytest.mark.parametrize("name", [*OF_ANY, *OF_LAYERS])
def test_layers_agree_with_networkx(layer, name):
    expected = (OF_ANY | OF_LAYERS)[name](layer.to_networkx())
    assert getattr(dg, name)(layer) == pytest.approx(expected, abs=1e-12)


@each_graph
@pytest.mark.parametrize("name", [*OF_ANY, *OF_ONE_MODE])
def test_one_mode_graphs_agree_with_networkx(graph, name):
    if name == "assortativity" and len(set(dict(graph.degree).values())) == 1:
        pytest.skip("all degrees are equal")
    assert getattr(dg, name)(graph) == pytest.approx((OF_ANY | OF_ONE_MODE)[name](graph), abs=1e-12)


@each_layer
def test_layers_agree_with_igraph(layer):
    theirs = layer.to_igraph()
    assert dg.path_length(layer, pairs="finite") == pytest.approx(theirs.average_path_length(unconn=True), rel=1e-12)
    assert dg.assortativity(layer) == pytest.approx(theirs.assortativity_degree(directed=False), rel=1e-9)
    assert dg.n_components(layer) == len(theirs.connected_components())
    np.testing.assert_allclose(dg.betweenness_centrality(layer), 2 * np.array(theirs.betweenness()), atol=1e-9)
    labels = np.arange(theirs.vcount()) % 3
    assert dg.modularity(layer, labels) == pytest.approx(theirs.modularity(labels.tolist()), abs=1e-12)
    assert len(dg.maximum_matching(layer)) == len(theirs.maximum_bipartite_matching())


@each_layer
def test_coefficients_agree_with_networkx(layer):
    expected = nx.bipartite.latapy_clustering(layer.to_networkx())
    np.testing.assert_allclose(dg.latapy_coefficients(layer), list(expected.values()), atol=1e-12)


@each_layer
def test_radiality_by_hand(layer):
    distance = np.array(layer.to_igraph().distances())
    n, finite = len(distance), np.isfinite(distance)
    expected = (distance[finite].max() + 1 - distance)[finite & ~np.eye(n, dtype=bool)].sum() / n / (n - 1)
    assert dg.radiality(layer) == pytest.approx(expected, rel=1e-12)


@each_layer
def test_degree_correlation_is_pearsons(layer):
    inputs, outputs = layer.edges().T
    expected = stats.pearsonr(layer.fan_out[inputs], layer.fan_in[outputs]).statistic
    assert dg.degree_correlation(layer) == pytest.approx(expected, rel=1e-9)


@each_layer
def test_matchings_share_no_neuron_and_are_links(layer):
    found = dg.maximum_matching(layer)
    assert all(len(np.unique(side)) == len(found) for side in found.T)
    assert set(map(tuple, found.tolist())) <= set(map(tuple, layer.edges().tolist()))


@each_layer
def test_communities_are_at_least_as_good_as_networkx_finds(layer):
    theirs = nx.community.louvain_communities(layer.to_networkx(), seed=0)
    assert dg.modularity(layer) > nx.community.modularity(layer.to_networkx(), theirs) - 0.02


@each_layer
def test_barbers_modularity_by_hand(layer):
    labels = np.arange(layer.n_in + layer.n_out) % 4
    adjacency = layer.to_scipy().toarray().astype(float)
    chance = np.outer(layer.fan_in, layer.fan_out) / layer.n_links
    same = labels[layer.n_in :, None] == labels[: layer.n_in]
    expected = ((adjacency - chance) * same).sum() / layer.n_links
    assert dg.barber_modularity(layer, labels) == pytest.approx(expected, abs=1e-12)
    assert dg.barber_modularity(layer) >= dg.barber_modularity(layer, dg.communities(layer)) - 1e-12


@each_layer
def test_the_best_communities_are_those_of_all_gains(layer):
    from topolearn.diagnostics.modularity import _joined

    for n in (3, 60):
        inputs = np.random.default_rng(0).integers(0, n - 1, layer.n_in)
        members = np.eye(n)[inputs]
        gains = layer.to_scipy() @ members - np.outer(layer.fan_in, layer.fan_out @ members) / layer.n_links
        np.testing.assert_array_equal(_joined(TwoWayCsr.of(layer), inputs, n), gains.argmax(axis=1))


@pytest.mark.parametrize(
    ("measure", "links", "value"),
    [
        (dg.barber_modularity, [(i, i) for i in range(2000)], 1 - 1 / 2000),
        (dg.redundancy, [*((i, 0) for i in range(2000)), (0, 1), (1, 1)], 0.75),
    ],
)
def test_memory_does_not_grow_with_pairs(measure, links, value):
    layer = BipartiteGraph.from_edges(links, 2000, 2000)
    measure(BipartiteGraph(np.ones((2, 2))))  # compiles
    tracemalloc.start()
    try:
        assert measure(layer) == pytest.approx(value, abs=1e-6)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


@each_layer
def test_local_communities_by_hand(layer):
    graph = layer.to_networkx()
    nodes = list(graph)
    neurons, links = dg.local_communities(layer)
    for k, cell in enumerate(layer.cells):
        o, i = nodes[layer.n_in + cell // layer.n_in], nodes[cell % layer.n_in]
        ours, theirs = set(graph[i]) - {o}, set(graph[o]) - {i}
        paths = [(a, b) for a in ours for b in theirs if graph.has_edge(a, b)]
        assert links[k] == len(paths)
        assert neurons[k] == len({a for a, _ in paths}) + len({b for _, b in paths})


@each_layer
def test_structural_consistency_by_the_whole_adjacency(layer):
    """The form for two sides equals that of the paper, which uses eigenvectors of the adjacency of all neurons."""
    from topolearn.diagnostics.structural_consistency import _perturbed

    rng = np.random.default_rng(0)
    kept = layer.to_scipy().toarray().astype(float)
    change = kept * (rng.random(kept.shape) < 0.1)
    kept -= change
    n, both = sum(kept.shape), slice(kept.shape[1], None)
    whole, delta = np.zeros((n, n)), np.zeros((n, n))
    for matrix, part in ((whole, kept), (delta, change)):
        matrix[both, : kept.shape[1]] = part
        matrix[: kept.shape[1], both] = part.T
    values, vectors = linalg.eigh(whole)
    groups = np.split(np.arange(n), np.flatnonzero(np.diff(values) > 1e-9) + 1)
    for group in groups:
        block = vectors[:, group]
        vectors[:, group] = block @ linalg.eigh(block.T @ delta @ block)[1]
    shifted = values + np.einsum("ik,ij,jk->k", vectors, delta, vectors)
    expected = ((vectors * shifted) @ vectors.T)[both, : kept.shape[1]]
    np.testing.assert_allclose(_perturbed(kept, change), expected, atol=1e-8)


REAL = {  # mean local clustering, transitivity, nodes of the largest component, its mean shortest path
    "celegans": (0.2924, 0.1807, 297, 2.4553),
    "power": (0.0801, 0.1032, 4941, 18.9892),
    "usair": (0.6252, 0.3964, 332, 2.7381),
    "netscience": (0.6378, 0.6934, 379, 6.0419),
    "polblogs": (0.3203, 0.226, 1222, 2.7375),
    "yeast_ppi": (0.3057, 0.4687, 2375, 5.096),
}


@needs_networks
@pytest.mark.parametrize("name", REAL)
def test_real_networks_have_their_reference_values(name):
    graph = read_edges(f"{name}.edges")
    found = dg.clustering(graph), dg.transitivity(graph), dg.largest_component(graph) * len(graph)
    assert (*found, dg.path_length(graph)) == pytest.approx(REAL[name], abs=5.1e-5)


@needs_networks
@pytest.mark.parametrize("name", ["southern_women", "drug_target_ion_channel", "drug_target_dtinet"])
def test_real_layers_agree_with_networkx(name):
    layer = read_pairs(f"bip_{name}.tsv")
    theirs = layer.to_networkx()
    assert dg.closure(layer) == pytest.approx(nx.bipartite.robins_alexander_clustering(theirs), rel=1e-12)
    assert dg.latapy_clustering(layer) == pytest.approx(nx.bipartite.average_clustering(theirs), rel=1e-12)
    ours = igraph.Graph(n=layer.n_in + layer.n_out, edges=layer.edges() + np.array([0, layer.n_in]))
    assert dg.path_length(layer, pairs="finite") == pytest.approx(ours.average_path_length(unconn=True), rel=1e-12)


def test_a_network_is_measured_as_one_graph():
    network = LayeredNetwork({"a": LAYERS["er"], "b": LAYERS["er, in parts"]})
    theirs = network.to_networkx().to_undirected()
    for name in ("efficiency", "n_components", "path_length", "betweenness"):
        assert getattr(dg, name)(network) == pytest.approx(OF_ANY[name](theirs), rel=1e-12), name
