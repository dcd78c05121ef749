"""Measures of one-mode graphs, against networkx, scipy or their definitions; and rejected input."""

import math
import warnings
from itertools import combinations

import igraph
import networkx as nx
import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.sparse import csgraph

from tests.diagnostics.graphs import LAYERS, one_mode_graphs
from topolearn import Graph, LayeredNetwork, plotting
from topolearn import diagnostics as dg
from topolearn.diagnostics import MEASURES
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError

GRAPHS = one_mode_graphs() | {
    "scale-free": nx.barabasi_albert_graph(70, 2, seed=0),  # too large for the dense spectrum
    "two parts": nx.disjoint_union(nx.complete_graph(5), nx.path_graph(4)),
    "with isolated nodes": nx.compose(nx.empty_graph(8), nx.cycle_graph(5)),
}
ODD = {
    "no link": Graph([], 4),
    "one link": Graph([(0, 1)], 2),
    "one link, more nodes": Graph([(1, 2)], 5),
    "complete": Graph.from_networkx(nx.complete_graph(5)),
    "star": Graph.from_networkx(nx.compose(nx.star_graph(5), nx.empty_graph(12))),
    "path": Graph([(0, 1), (1, 2), (2, 3)], 9),
    "matching": Graph([(0, 1), (2, 3)], 8),
    "triangle": Graph.from_networkx(nx.cycle_graph(3)),
}
OF_ONE_MODE = [measure for measure in MEASURES.values() if measure.of in ("one-mode", "graph", "any")]
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
QUICK = [measure for measure in OF_ONE_MODE if measure.name != "rich_club_p"]  # computed with rich_club
each_measure = pytest.mark.parametrize("measure", QUICK, ids=[measure.name for measure in QUICK])
KARATE = nx.karate_club_graph()


def linked_gap(graph):
    linked = graph.subgraph([node for node, degree in graph.degree if degree])
    return np.sort(linalg.eigvalsh(nx.normalized_laplacian_matrix(linked, weight=None).toarray()))[1]


def mean_radiality(graph):
    distance = np.array(igraph.Graph.from_networkx(graph).distances())
    n, finite = len(distance), np.isfinite(distance)
    return (distance[finite].max() + 1 - distance)[finite & ~np.eye(n, dtype=bool)].sum() / n / (n - 1)


ORACLES = {
    "spectral_gap": linked_gap,
    "radiality": mean_radiality,
    "structural_rank": lambda g: csgraph.structural_rank(sparse.csr_array(nx.to_numpy_array(g))),
    "degree_gini": lambda g: dg.gini([degree for _, degree in g.degree]),
}


@each_graph
@pytest.mark.parametrize("name", ORACLES)
def test_measures_agree_with_other_libraries(graph, name):
    assert MEASURES[name](graph) == pytest.approx(ORACLES[name](graph), abs=1e-9)


@each_graph
def test_a_matching_is_as_large_as_possible(graph):
    pairs = dg.maximum_matching(graph)
    assert (np.unique(pairs) == np.sort(pairs.ravel())).all()
    assert all(graph.has_edge(*pair) for pair in pairs.tolist())
    assert len(pairs) == len(nx.max_weight_matching(graph, maxcardinality=True))


@each_graph
def test_the_rich_club_is_that_of_networkx(graph):
    found = dg.rich_club(graph, n_null=2)
    theirs = nx.rich_club_coefficient(graph, normalized=False)
    assert {int(k): value for k, value in zip(found.degree, found.density, strict=True) if k in theirs} == (
        pytest.approx({k: value for k, value in theirs.items() if k < len(found.degree)})
    )


@each_graph
def test_local_communities_are_common_neighbours_and_their_links(graph):
    nodes, links = dg.local_communities(graph)
    number = {node: i for i, node in enumerate(graph)}
    renamed = nx.relabel_nodes(graph, number)
    for (i, j), n_common, n_among in zip(Graph.from_networkx(graph).edges().tolist(), nodes, links, strict=True):
        common = set(renamed[i]) & set(renamed[j])
        assert n_common == len(common)
        assert n_among == sum(renamed.has_edge(a, b) for a, b in combinations(common, 2))


def test_modularity_of_given_communities_is_that_of_networkx():
    labels = [0 if data["club"] == "Mr. Hi" else 1 for _, data in KARATE.nodes(data=True)]
    sides = [{node for node in KARATE if labels[node] == side} for side in (0, 1)]
    assert dg.modularity(KARATE, labels) == pytest.approx(nx.community.modularity(KARATE, sides, weight=None))


def test_structural_consistency_is_high_for_blocks_and_low_by_chance():
    blocks = nx.disjoint_union_all([nx.complete_graph(8)] * 3)
    chance = nx.gnm_random_graph(24, blocks.number_of_edges(), seed=0)
    assert dg.structural_consistency(blocks) == 1
    assert dg.structural_consistency(chance) < 0.6
    with pytest.raises(UndefinedMeasureError, match="fewer than two links"):
        dg.structural_consistency(Graph([(0, 1)], 3))


def test_distances_of_one_mode_topologies():
    first, second = Graph([(0, 1), (1, 2)], 4), Graph([(0, 1), (2, 3)], 4)
    assert dg.jaccard_distance(first, second) == pytest.approx(2 / 3)
    assert dg.hamming_distance(first, second) == pytest.approx(2 / 6)
    for other, size in ((Graph([], 5), "5 nodes"), (LAYERS["er"], "40 x 30 neurons")):
        with pytest.raises(InvalidValueError, match=f"graphs of 4 nodes and {size} cannot be compared"):
            dg.jaccard_distance(first, other)


@each_measure
@pytest.mark.parametrize("name", ODD)
def test_odd_graphs_have_a_value_or_raise_with_a_reason(measure, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = measure(ODD[name], seed=0)
        except UndefinedMeasureError as why:
            assert str(why)
        else:
            assert math.isfinite(value)


SAME = [m for m in OF_ONE_MODE if m.is_quick or m.name in ("spectral_gap", "lcp_correlation")]


@pytest.mark.parametrize("measure", SAME, ids=[measure.name for measure in SAME])
def test_every_kind_of_graph_has_the_same_value(measure):
    graph = Graph.from_networkx(KARATE)
    expected = measure(graph)
    for same in (KARATE, igraph.Graph.from_networkx(KARATE), graph.to_frame()):
        assert measure(same) == expected
    if measure.of == "one-mode":
        for matrix in (graph.to_scipy(), graph.to_scipy().toarray(), graph.to_torch()):
            assert measure(matrix) == expected
    else:
        with pytest.raises(InvalidValueError, match=r"Graph.from_adjacency\(matrix\) or BipartiteGraph\(matrix\)"):
            measure(graph.to_scipy())


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if measure.of == "graph"])
def test_a_whole_network_is_not_a_single_graph(name):
    with pytest.raises(InvalidTypeError, match="is a measure of one graph, not of a network of 1 layers"):
        MEASURES[name](LayeredNetwork({"a": LAYERS["er"]}))


def test_a_summary_of_a_one_mode_graph_with_null_models():
    values = dg.summary(KARATE, null_models=3)
    quick = {m.name for m in OF_ONE_MODE if m.is_quick}
    assert {"n_nodes", "n_links", "density"} | quick <= values.keys()
    assert values["clustering_null"] < values["clustering"]
    assert values["clustering_z"] > 1
    assert values["degree_gini_null"] == pytest.approx(values["degree_gini"])
    assert dg.compare({"a": KARATE, "b": GRAPHS["ring"]}, ["clustering"]).loc["b", "clustering"] == 0


@pytest.mark.parametrize("order", [None, "degree", "community"])
def test_plots_accept_the_same_graphs_as_measures(order):
    graph = Graph.from_networkx(KARATE)
    for same in (graph, KARATE, igraph.Graph.from_networkx(KARATE), graph.to_frame()):
        ax = plotting.adjacency(same, order=order)
        drawn = ax.images[0].get_array()
        assert drawn.sum() == 2 * 78
        assert (drawn == drawn.T).all()
        assert ax.get_title(loc="left") == "78 links, density 13.9 %"
    nodes = ax.get_xlabel()
    assert nodes == ax.get_ylabel() == ("node" if order is None else f"34 nodes, by {order}")
    ax = plotting.degree_distribution(KARATE, fit=True)
    assert ax.lines[0].get_label() == "degrees of nodes: mean 4.59, max 17"
    assert ax.get_ylabel() == "nodes with at least k links"
    assert len(ax.lines) == 2


def test_the_small_world_plane_of_one_mode_graphs():
    ax = plotting.small_world_plane({"karate": KARATE, "ring": GRAPHS["ring"]})
    curves = [line.get_label() for line in ax.lines[:2]]
    assert curves == [f"Watts-Strogatz like {name}, β from 0 (right) to 1" for name in ("karate", "ring")]
    (karate,) = (line for line in ax.lines if line.get_label() == "karate")
    assert karate.get_xydata()[0] == pytest.approx([dg.path_length(KARATE), dg.clustering(KARATE)])
    assert ax.get_ylabel() == "mean local clustering C"
    with pytest.raises(InvalidValueError, match="separate plots"):
        plotting.small_world_plane({"karate": KARATE, "layer": LAYERS["er"]})
