from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topolearn import errors
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup, percolate

FEW = settings(max_examples=60, deadline=None)


def by_hand(network):
    """The links of each layer at the fixed point, neuron by neuron in plain Python."""
    links = {name: {tuple(edge) for edge in graph.edges().tolist()} for name, graph in network.graphs.items()}
    while True:
        before = sum(map(len, links.values()))
        for group in network.groups:
            for neuron in range(network[group.writers[0]].n_out):
                driven = [any(output == neuron for _, output in links[name]) for name in group.writers]
                read = any(i == neuron for name in group.readers for i, _ in links[name])
                if (all(driven) if group.combine == "all" else any(driven)) and read:
                    continue
                for name in group.writers:
                    links[name] = {edge for edge in links[name] if edge[1] != neuron}
                for name in group.readers:
                    links[name] = {edge for edge in links[name] if edge[0] != neuron}
        if sum(map(len, links.values())) == before:
            return {name: sorted(map(list, edges)) for name, edges in links.items()}


def agrees_with_hand(network):
    result, removed = percolate(network)
    expected = by_hand(network)
    assert list(result) == list(removed) == list(network)
    assert result.groups == network.groups
    for name, graph in network.graphs.items():
        left = expected[name]
        gone = [edge for edge in graph.edges().tolist() if edge not in left]
        assert result[name].edges().tolist() == left
        assert removed[name].tolist() == gone
        assert removed[name].shape == (len(gone), 2)
        assert removed[name].dtype == np.int64
        assert result[name].shape == graph.shape
        assert result[name].input_names == graph.input_names
        assert result[name].output_names == graph.output_names
    again, nothing = percolate(result)
    assert again == result
    assert not any(len(edges) for edges in nothing.values())
    return sum(map(len, removed.values()))


@FEW
@given(data=st.data())
def test_chains_agree_with_percolation_by_hand(data, graphs):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    layers = [data.draw(graphs(n_in=a, n_out=b)) for a, b in pairwise(sizes)]
    agrees_with_hand(LayeredNetwork({f"fc{i}": layer for i, layer in enumerate(layers)}))


@FEW
@given(data=st.data())
def test_groups_agree_with_percolation_by_hand(data, graphs):
    """Layers between random populations, so that writers and readers are shared, and rings appear."""
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    population = st.integers(0, len(sizes) - 1)
    ends = data.draw(st.lists(st.tuples(population, population), min_size=1, max_size=6))
    layers = {f"fc{i}": data.draw(graphs(n_in=sizes[a], n_out=sizes[b], named=False)) for i, (a, b) in enumerate(ends)}
    groups = []
    for hidden in range(len(sizes)):
        writers = tuple(f"fc{i}" for i, (_, b) in enumerate(ends) if b == hidden)
        readers = tuple(f"fc{i}" for i, (a, _) in enumerate(ends) if a == hidden)
        if writers and readers and data.draw(st.integers(0, 4)):
            groups.append(NeuronGroup(writers, readers, data.draw(st.sampled_from(["any", "all"]))))
    agrees_with_hand(LayeredNetwork(layers, groups))


@pytest.mark.parametrize("combine", ["any", "all"])
def test_large_sparse_networks_agree_with_percolation_by_hand(combine):
    rng = np.random.default_rng(0)
    shapes = {"q": (30, 40), "k": (30, 40), "o": (40, 30), "fc1": (30, 40), "fc2": (40, 20)}
    layers = {
        name: BipartiteGraph.from_cells(rng.choice(a * b, a * b // 25, replace=False), a, b)
        for name, (a, b) in shapes.items()
    }
    groups = [NeuronGroup(("q", "k"), ("o",), combine), NeuronGroup(("o",), ("fc1",)), NeuronGroup(("fc1",), ("fc2",))]
    assert agrees_with_hand(LayeredNetwork(layers, groups)) > 20


def test_all_needs_a_link_from_every_writer():
    gate = BipartiteGraph.from_edges([(0, 0), (0, 1)], n_in=1, n_out=2)
    up = BipartiteGraph.from_edges([(0, 1)], n_in=1, n_out=2)
    down = BipartiteGraph.from_edges([(0, 0), (1, 0)], n_in=2, n_out=1)
    layers = {"gate": gate, "up": up, "down": down}
    for combine, gone in [("any", []), ("all", [[0, 0]])]:
        _, removed = percolate(LayeredNetwork(layers, [NeuronGroup(("gate", "up"), ("down",), combine)]))
        assert removed["gate"].tolist() == removed["down"].tolist() == gone
        assert removed["up"].shape == (0, 2)


def test_a_dead_end_unravels_the_whole_chain():
    """One missing link far away takes all links of a path, against and along the order of the layers."""
    path = [BipartiteGraph.from_edges([(0, 0)], 1, 1)] * 30
    for gap in (0, 15, 29):
        layers = {str(i): layer for i, layer in enumerate(path)}
        layers[str(gap)] = BipartiteGraph.from_edges([], 1, 1)
        result, removed = percolate(LayeredNetwork(layers))
        assert result.n_links == 0
        assert sum(map(len, removed.values())) == 29


def test_neurons_in_no_group_are_not_tested():
    layer = BipartiteGraph.from_edges([(0, 0)], n_in=2, n_out=2)
    network = LayeredNetwork({"fc1": layer, "fc2": layer}, groups=())
    result, removed = percolate(network)
    assert result == network
    assert [edges.shape for edges in removed.values()] == [(0, 2), (0, 2)]


def test_graphs_that_lose_nothing_are_the_same_objects():
    layers = {"fc1": BipartiteGraph(np.eye(2)), "fc2": BipartiteGraph(np.eye(2))}
    result, _ = percolate(LayeredNetwork(layers))
    assert result["fc1"] is layers["fc1"]


def test_only_networks_percolate():
    with pytest.raises(errors.InvalidTypeError, match=r"network is a dict: pass LayeredNetwork"):
        percolate({"fc1": BipartiteGraph(np.eye(2))})
