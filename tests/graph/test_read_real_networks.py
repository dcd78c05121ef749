"""Published networks against their published numbers; the files are not on every machine."""

import networkx as nx
import pytest

import topolearn as tl
from tests.training.idx_files import SHARED
from topolearn import errors

NETWORKS = SHARED / "networks"
pytestmark = pytest.mark.skipif(not NETWORKS.is_dir(), reason="the published networks are not here")

# nodes, links, mean clustering, components
ONE_KIND = {
    "celegans.edges": (297, 2148, 0.2924, 1),
    "karate.edges": (34, 78, 0.5706, 1),
    "netscience.edges": (1589, 2742, 0.6378, 396),
    "power.edges": (4941, 6594, 0.0801, 1),
    "usair.edges": (332, 2126, 0.6252, 1),
    "yeast_ppi.edges": (2375, 11693, 0.3057, 1),
}
TWO_KINDS = {
    "bip_southern_women.tsv": (18, 14, 89),
    "bip_drug_target_nuclear_receptor.tsv": (54, 26, 90),
    "bip_drug_target_ion_channel.tsv": (210, 204, 1476),
    "bip_drug_target_enzyme.tsv": (445, 664, 2926),
}
DIRECTED = {  # directed links, undirected links, other options
    "macaque_directed.edges": (463, 255, {}),
    "celegansneural.gml": (2345, 2148, {}),
    "us_airports_directed.edges": (8265, 4623, {"self_loops": "drop"}),
}


@pytest.mark.parametrize("name", ONE_KIND)
def test_networks_of_one_kind_of_node(name):
    graph = tl.read_graph(NETWORKS / name)
    n, links, clustering, components = ONE_KIND[name]
    peer = nx.Graph(graph.edges().tolist())
    peer.add_nodes_from(range(graph.n_nodes))
    assert (graph.n_nodes, graph.n_links, nx.number_connected_components(peer)) == (n, links, components)
    assert nx.average_clustering(peer) == pytest.approx(clustering, abs=5e-5)


@pytest.mark.parametrize("name", TWO_KINDS)
def test_networks_of_two_kinds_of_nodes(name):
    graph = tl.read_graph(NETWORKS / name)
    assert (graph.n_in, graph.n_out, graph.n_links) == TWO_KINDS[name]


@pytest.mark.parametrize("name", DIRECTED)
def test_directed_networks_raise_and_lose_nothing_silently(name):
    n_directed, n_links, options = DIRECTED[name]
    with pytest.raises(errors.InvalidValueError, match=r"has directed links, .* pass directed=True .* or sides=2"):
        tl.read_graph(NETWORKS / name)
    graph = tl.read_graph(NETWORKS / name, directed=True, **options)
    assert graph.n_links == n_links
    assert "direction of" in graph.source.line
    kept = tl.read_graph(NETWORKS / name, sides=2)
    assert (kept.n_in, kept.n_out) == (graph.n_nodes, graph.n_nodes)
    assert kept.n_links == n_directed


def test_a_table_of_names_is_not_a_network():
    with pytest.raises(errors.InvalidValueError, match="has each name only once, as a table of names does"):
        tl.read_graph(NETWORKS / "us_airports_names.txt")
