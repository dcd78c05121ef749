"""Small worlds in one-mode graphs, as networkx defines them, and their null models."""

from collections import Counter

import igraph
import networkx as nx
import numpy as np
import pytest

from topolearn import BipartiteGraph, Graph, LayeredNetwork, generators
from topolearn import diagnostics as dg
from topolearn.errors import InvalidTypeError, InvalidValueError, MeasureRangeWarning, UndefinedMeasureError
from topolearn.generators.latticise_one_mode import lattice_one_mode

KARATE = nx.karate_club_graph()


def ring(beta, n=200, k=6):
    return nx.connected_watts_strogatz_graph(n, k, beta, seed=0)


def test_a_small_world_lies_between_lattice_and_random_graph():
    worlds = {beta: dg.small_world(ring(beta), n_null=3) for beta in (0, 0.1, 1)}
    omegas = [world.omega for world in worlds.values()]
    assert omegas == sorted(omegas)
    assert omegas[0] < -0.7
    assert omegas[2] > 0.8
    assert abs(omegas[1]) < 0.4
    assert worlds[0.1].sigma > 5
    assert worlds[1].sigma == pytest.approx(1, abs=0.3)


def test_sigma_and_omega_are_those_of_networkx():
    """Sigma uses the transitivity, omega the mean local clustering; the lattice is at least as clustered."""
    world = dg.small_world(KARATE, n_null=4, seed=1)
    assert world.clustering == pytest.approx(nx.average_clustering(KARATE))
    assert world.transitivity == pytest.approx(nx.transitivity(KARATE))
    assert world.path_length == pytest.approx(nx.average_shortest_path_length(KARATE))
    assert world.sigma == pytest.approx(
        (world.transitivity / world.transitivity_random) / (world.path_length / world.path_length_random)
    )
    assert world.omega == pytest.approx(
        world.path_length_random / world.path_length - world.clustering / world.clustering_lattice
    )
    assert world.clustering_lattice >= world.clustering
    assert (dg.MEASURES["sigma"](KARATE), dg.MEASURES["omega"](KARATE)) == (
        dg.small_world(KARATE).sigma, dg.small_world(KARATE).omega,
    )  # fmt: skip
    assert repr(world).startswith(
        f"OneModeSmallWorld(sigma={world.sigma:.3g}, omega={world.omega:.3g}, clustering=0.571"
    )


@pytest.mark.slow
def test_random_graphs_resemble_those_of_networkx():
    ours = dg.small_world(KARATE, n_null=200)
    theirs = [nx.random_reference(KARATE, niter=10, seed=seed) for seed in range(12)]
    for name, measure, error in (
        ("transitivity_random", nx.transitivity, 0.02),
        ("clustering_random", nx.average_clustering, 0.05),
        ("path_length_random", nx.average_shortest_path_length, 0.05),
    ):
        assert getattr(ours, name) == pytest.approx(np.mean([measure(graph) for graph in theirs]), abs=error)


@pytest.mark.parametrize("name", ["randomise", "randomise_connected", "latticise"])
def test_null_models_keep_degrees_and_names(name):
    graph = Graph.from_networkx(nx.relabel_nodes(KARATE, str))
    options = {} if name == "latticise" else {"seed": 3}
    null = getattr(generators, name)(graph, **options)
    assert null != graph
    assert null == getattr(generators, name)(graph, **options)
    assert null.names == graph.names
    np.testing.assert_array_equal(null.degrees, graph.degrees)
    if name == "randomise_connected":
        assert nx.is_connected(null.to_networkx())


def test_random_graphs_are_equally_likely():
    """Nodes of degrees 2, 2, 2, 1, 1 and isolated ones: six paths, and a triangle with a separate link."""
    graph, rng = Graph([(0, 3), (0, 1), (1, 2), (2, 4)], 40), np.random.default_rng(0)
    counts = Counter(generators.randomise(graph, seed=rng) for _ in range(700))
    assert len(counts) == 7
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 22.5  # p = 0.001, 6 degrees of freedom


def test_dense_graphs_are_random_by_their_missing_links():
    graph = Graph.from_networkx(nx.complement(nx.cycle_graph(12)))
    null = generators.randomise(graph, seed=0)
    np.testing.assert_array_equal(null.degrees, graph.degrees)
    assert null != graph
    whole = Graph.from_networkx(nx.complete_graph(5))
    assert generators.randomise(whole, seed=0) == whole


def test_a_lattice_is_clustered_as_a_ring():
    """Swaps recover the ring from a random graph with the same degrees."""
    lattice = lattice_one_mode(Graph.from_networkx(ring(1.0, n=300)))
    assert dg.clustering(lattice) > 0.8 * nx.average_clustering(ring(0, n=300))
    perfect = Graph.from_networkx(ring(0, n=30))
    assert lattice_one_mode(perfect) == perfect
    order = np.random.default_rng(0).permutation(30)
    assert lattice_one_mode(Graph(order[perfect.edges()], 30), order=order).edges().tolist() == sorted(
        map(sorted, order[perfect.edges()].tolist())
    )


def test_null_graphs_do_not_depend_on_jobs():
    worlds = [dg.small_world(KARATE, n_null=4, seed=2, n_jobs=n_jobs) for n_jobs in (1, 3)]
    assert worlds[0] == worlds[1]
    parted = nx.disjoint_union(KARATE, nx.cycle_graph(4))
    assert dg.small_world(parted, n_null=2).path_length == pytest.approx(dg.path_length(KARATE))


def test_undefined_values_raise_with_a_reason():
    tree = dg.small_world(nx.balanced_tree(2, 3), n_null=2)
    assert "sigma" not in repr(tree)
    with pytest.raises(UndefinedMeasureError, match=r"sigma is undefined: random graphs .* have transitivity 0"):
        _ = tree.sigma
    with pytest.raises(UndefinedMeasureError, match=r"omega is undefined: the lattice .* has clustering 0"):
        _ = dg.small_world(nx.star_graph(4), n_null=2).omega
    small = nx.disjoint_union_all([nx.complete_graph(4)] * 30)
    with pytest.warns(MeasureRangeWarning, match="omega = .* is above 1.*see its largest component"):
        assert dg.small_world(small, n_null=2).omega > 1
    with pytest.raises(InvalidValueError, match="is not connected"):
        generators.randomise_connected(Graph.from_networkx(small))
    with pytest.raises(InvalidTypeError, match="graph must be a Graph, not a BipartiteGraph: use randomise"):
        generators.randomise_connected(BipartiteGraph(np.eye(2)))
    with pytest.raises(InvalidTypeError, match=r"not a network of 1 layers: pass one of its graphs"):
        generators.randomise(LayeredNetwork({"a": BipartiteGraph(np.eye(2))}))


@pytest.mark.parametrize("null", [generators.randomise, generators.randomise_connected, generators.latticise])
def test_null_models_take_graphs_of_other_libraries(null):
    degrees = [degree for _, degree in KARATE.degree]
    seed = {} if null is generators.latticise else {"seed": 0}
    for graph in (KARATE, igraph.Graph.from_networkx(KARATE)):
        assert null(graph, **seed) == null(Graph.from_networkx(KARATE), **seed)
    assert dg.null_ensemble(KARATE, lambda g: g.degrees.tolist(), 2, draw=lambda g, seed: null(g)) == [degrees] * 2
