"""Resort: hubs meet hubs, and each layer keeps its graph up to isomorphism."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_scale_free, erdos_renyi, resort
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup


def stack(*sizes, density=0.1, seed=0, model=bipartite_scale_free):
    return LayeredNetwork({f"fc{i}": model(a, b, density, seed=seed + i) for i, (a, b) in enumerate(pairwise(sizes))})


def n_paths(network):
    """The number of paths from inputs to outputs, 1^T A_L ... A_1 1."""
    reached = np.ones(next(iter(network.graphs.values())).n_in)
    for graph in network.graphs.values():
        reached = graph.to_scipy().astype(float) @ reached
    return reached.sum()


def named(graph):
    """The links of a graph, with neurons by name."""
    return {(graph.input_names[i], graph.output_names[o]) for i, o in graph.edges()}


def with_names(network):
    graphs = {
        name: BipartiteGraph(
            graph.to_scipy(),
            input_names=[f"i{j}" for j in range(graph.n_in)],
            output_names=[f"o{j}" for j in range(graph.n_out)],
        )
        for name, graph in network.graphs.items()
    }
    return LayeredNetwork(graphs, network.groups)


@examples(40)
@given(sizes=st.lists(st.integers(1, 12), min_size=2, max_size=5), density=st.floats(0, 1), seed=st.integers(0, 99))
def test_ranks_meet_and_every_graph_stays_isomorphic(sizes, density, seed):
    rng = np.random.default_rng(seed)
    graphs = {f"fc{i}": BipartiteGraph(rng.random((sizes[i + 1], sizes[i])) < density) for i in range(len(sizes) - 1)}
    network = with_names(LayeredNetwork(graphs))
    result = resort(network)
    assert list(result) == list(network) and result.groups == network.groups
    for group in result.groups:
        assert (np.diff(result[group.writers[0]].fan_in) >= 0).all()
        assert (np.diff(result[group.readers[0]].fan_out) >= 0).all()
    for name, graph in network.graphs.items():
        assert named(result[name]) == named(graph)
    assert result["fc0"].input_names == network["fc0"].input_names
    assert result[f"fc{len(sizes) - 2}"].output_names == network[f"fc{len(sizes) - 2}"].output_names
    np.testing.assert_array_equal(result["fc0"].fan_out, network["fc0"].fan_out)
    np.testing.assert_array_equal(result[f"fc{len(sizes) - 2}"].fan_in, network[f"fc{len(sizes) - 2}"].fan_in)
    assert resort(result) == result
    if len(sizes) == 3:
        assert n_paths(result) >= n_paths(network)


def test_by_hand():
    first = BipartiteGraph(np.array([[1, 1, 1], [0, 0, 1], [0, 1, 1]]), output_names=["three", "one", "two"])
    second = BipartiteGraph(np.array([[1, 1, 0], [0, 1, 1]]), input_names=["a", "b", "c"])
    result = resort(LayeredNetwork({"fc1": first, "fc2": second}))
    assert result["fc1"].to_scipy().toarray().astype(int).tolist() == [[0, 0, 1], [0, 1, 1], [1, 1, 1]]
    assert result["fc1"].output_names == ("one", "two", "three")
    assert result["fc2"].to_scipy().toarray().astype(int).tolist() == [[1, 0, 1], [0, 1, 1]]
    assert result["fc2"].input_names == ("a", "c", "b")  # ties by index


@pytest.mark.parametrize("seed", range(8))
def test_two_layers_have_the_most_paths_of_all_permutations(seed):
    network = stack(5, 6, 4, density=0.5, seed=10 * seed, model=erdos_renyi)
    first, second = network["fc0"].to_scipy().toarray(), network["fc1"].to_scipy().toarray().astype(int)
    most = max((second @ first[list(order)].astype(int)).sum() for order in permutations(range(6)))
    assert n_paths(resort(network)) == most


@pytest.mark.parametrize("sizes", [(100, 100, 100), (100, 100, 100, 100), (196, 392, 392, 392, 50)])
def test_scale_free_stacks_gain_paths(sizes):
    gains = [n_paths(resort(net)) / n_paths(net) for net in (stack(*sizes, seed=10 * i) for i in range(10))]
    assert np.median(gains) > 1.2
    assert sum(gain > 1 for gain in gains) >= 9


def test_groups_with_several_writers_and_readers():
    rng = np.random.default_rng(0)
    graphs = {name: BipartiteGraph(rng.random((20, 10)) < 0.3) for name in ("gate", "up")}
    graphs |= {name: BipartiteGraph(rng.random((10, 20)) < 0.3) for name in ("down", "probe")}
    network = LayeredNetwork(graphs, [NeuronGroup(("gate", "up"), ("down", "probe"), combine="all")])
    result = resort(network)
    assert (np.diff(result["gate"].fan_in + result["up"].fan_in) >= 0).all()
    assert (np.diff(result["down"].fan_out + result["probe"].fan_out) >= 0).all()
    # Both writers get the same order, and so do both readers.
    for writers, axis in ((("gate", "up"), 0), (("down", "probe"), 1)):
        before = np.concatenate([network[name].to_scipy().toarray() for name in writers], axis=1 - axis)
        after = np.concatenate([result[name].to_scipy().toarray() for name in writers], axis=1 - axis)
        assert sorted(np.moveaxis(before, axis, 0).tolist()) == sorted(np.moveaxis(after, axis, 0).tolist())


def test_layers_in_no_group_stay_as_they_are():
    network = LayeredNetwork(dict(stack(30, 30, 30, density=0.2).graphs), ())
    assert resort(network) == network


def test_one_permutation_of_a_population_changes_nothing():
    """Resort changes which neurons meet; the original order of hidden neurons does not matter."""
    network = stack(40, 50, 30, density=0.2)
    order = np.random.default_rng(0).permutation(50)
    renamed = LayeredNetwork(
        {
            "fc0": BipartiteGraph(network["fc0"].to_scipy()[order]),
            "fc1": BipartiteGraph(network["fc1"].to_scipy()[:, order]),
        }
    )
    assert n_paths(renamed) == n_paths(network) < n_paths(resort(network)) == n_paths(resort(renamed))


@pytest.mark.parametrize("network", [None, {}, BipartiteGraph(np.ones((2, 2))), [1]])
def test_other_things_are_rejected(network):
    with pytest.raises(InvalidTypeError, match=f"network is a {type(network).__name__}: pass a LayeredNetwork"):
        resort(network)


def test_products_that_no_layer_reads_keep_their_writers_in_one_order():
    """Queries and keys move together, so their product is the same except for the names of its neurons."""
    rng = np.random.default_rng(0)
    graphs = {name: BipartiteGraph(rng.random((6, 4)) < 0.4) for name in "qk"}
    network = LayeredNetwork(graphs, [NeuronGroup(("q", "k"), (), "all", heads=2)])
    sorted_network = resort(network)
    degrees = sum(graph.fan_in for graph in sorted_network.graphs.values())
    assert (np.diff(degrees) >= 0).all()
    before, after = (
        np.column_stack([g.to_scipy().toarray() for g in each.graphs.values()]) for each in (network, sorted_network)
    )
    assert sorted(map(tuple, before.tolist())) == sorted(map(tuple, after.tolist()))


def test_shared_heads_have_no_single_order():
    graphs = {"v": BipartiteGraph(np.ones((2, 3))), "o": BipartiteGraph(np.ones((3, 4)))}
    with pytest.raises(InvalidValueError, match=r"group \(v -> o\) has shared attention heads \(v 2, o 4 neurons\)"):
        resort(LayeredNetwork(graphs, [NeuronGroup(("v",), ("o",), heads=2)]))
