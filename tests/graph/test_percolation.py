from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn import errors
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup, percolate
from topolearn.graph.percolation.sweeps import sweep

FEW = examples(60)


def own(group, neuron, n, size):
    """The neuron of a layer of n neurons that corresponds to a neuron of the population."""
    width = size // group.heads
    head, coordinate = divmod(neuron, width)
    return head * n // size * width + coordinate


def mixed(group, neuron, size, unit):
    """The coordinates that are active or inactive together with a neuron."""
    if unit == "coordinate" or group.rotary is None:
        return [neuron]
    width = size // group.heads
    head, coordinate = divmod(neuron, width)
    if group.rotary == "neighbours":
        return [head * width + coordinate // 2 * 2, head * width + coordinate // 2 * 2 + 1]
    return [head * width + coordinate % (width // 2) + half for half in (0, width // 2)]


def by_hand(network, unit="coordinate"):
    """The links of each layer at the fixed point, neuron by neuron in plain Python."""
    links = {name: {tuple(edge) for edge in graph.edges().tolist()} for name, graph in network.graphs.items()}
    while True:
        before = sum(map(len, links.values()))
        for group in network.groups:
            outputs = {name: network[name].n_out for name in group.writers}
            inputs = {name: network[name].n_in for name in group.readers}
            size = max(*outputs.values(), *inputs.values(), 0)
            active = []
            for neuron in range(size):
                driven = [
                    any(
                        output == own(group, each, n, size)
                        for each in mixed(group, neuron, size, unit)
                        for _, output in links[name]
                    )
                    for name, n in outputs.items()
                ]
                read = not inputs or any(
                    i == own(group, neuron, n, size) for name, n in inputs.items() for i, _ in links[name]
                )
                if (all(driven) if group.combine == "all" else any(driven)) and read:
                    active.append(neuron)
            for name, n in outputs.items():
                alive = {own(group, neuron, n, size) for neuron in active}
                links[name] = {edge for edge in links[name] if edge[1] in alive}
            for name, n in inputs.items():
                alive = {own(group, neuron, n, size) for neuron in active}
                links[name] = {edge for edge in links[name] if edge[0] in alive}
        if sum(map(len, links.values())) == before:
            return {name: sorted(map(list, edges)) for name, edges in links.items()}


def agrees_with_hand(network, unit="coordinate"):
    result, removed = percolate(network, unit=unit)
    expected = by_hand(network, unit)
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
    cells = {name: torch.tensor(graph.cells) for name, graph in network.graphs.items()}
    swept = sweep(cells, network.shapes, network.groups, unit)
    assert {name: links.tolist() for name, links in swept.items()} == {
        name: graph.cells.tolist() for name, graph in result.graphs.items()
    }
    again, nothing = percolate(result, unit=unit)
    assert again == result
    assert not any(len(edges) for edges in nothing.values())
    return sum(map(len, removed.values()))


@FEW
@given(data=st.data())
def test_chains_agree_with_percolation_by_hand(data, graphs):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    layers = [data.draw(graphs(n_in=a, n_out=b)) for a, b in pairwise(sizes)]
    network = LayeredNetwork({f"fc{i}": layer for i, layer in enumerate(layers)})
    agrees_with_hand(network)
    agrees_with_hand(LayeredNetwork(network.graphs, data.draw(st.permutations(network.groups))))


@FEW
@given(data=st.data())
def test_groups_agree_with_percolation_by_hand(data, graphs):
    """Layers lead from earlier to later populations, so some share writers and readers, and some skip populations."""
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    ends = data.draw(st.lists(st.sampled_from(list(combinations(range(len(sizes)), 2))), min_size=1, max_size=6))
    layers = {f"fc{i}": data.draw(graphs(n_in=sizes[a], n_out=sizes[b], named=False)) for i, (a, b) in enumerate(ends)}
    groups = []
    for hidden in range(len(sizes)):
        writers = tuple(f"fc{i}" for i, (_, b) in enumerate(ends) if b == hidden)
        readers = tuple(f"fc{i}" for i, (a, _) in enumerate(ends) if a == hidden)
        if writers and readers and data.draw(st.integers(0, 4)):
            groups.append(NeuronGroup(writers, readers, data.draw(st.sampled_from(["any", "all"]))))
        elif len(writers) > 1 and data.draw(st.booleans()):
            groups.append(NeuronGroup(writers, (), "all"))
    agrees_with_hand(LayeredNetwork(layers, data.draw(st.permutations(groups))))


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


@FEW
@given(data=st.data())
@pytest.mark.parametrize("unit", ["coordinate", "rotary_pair"])
def test_attention_agrees_with_percolation_by_hand(unit, data, graphs):
    """Heads that share keys and values, both kinds of rotary positions, and then a gated layer."""
    heads, width = data.draw(st.sampled_from([(1, 2), (2, 2), (4, 2), (2, 4)]))
    shared = data.draw(st.sampled_from([kv for kv in (1, 2, 4) if heads % kv == 0]))
    n, n_kv, n_in = heads * width, shared * width, data.draw(st.integers(1, 3))
    sizes = {"q": (n_in, n), "k": (n_in, n_kv), "v": (n_in, n_kv), "o": (n, n_in)}
    sizes |= {"gate": (n_in, 3), "up": (n_in, 3), "down": (3, n_in)}
    layers = {name: data.draw(graphs(n_in=a, n_out=b, named=False)) for name, (a, b) in sizes.items()}
    rotary = data.draw(st.sampled_from([None, "halves", "neighbours"]))
    groups = [
        NeuronGroup(("q", "k"), (), "all", heads, rotary),
        NeuronGroup(("v",), ("o",), heads=heads),
        NeuronGroup(("gate", "up"), ("down",), "all"),
    ]
    agrees_with_hand(LayeredNetwork(layers, groups), unit)


@FEW
@given(data=st.data())
@pytest.mark.parametrize("unit", ["coordinate", "rotary_pair"])
def test_rotary_groups_with_readers_agree_with_percolation_by_hand(unit, data, graphs):
    """A coordinate that nobody reads loses the links that drove its partner, which is read."""
    heads, width = data.draw(st.sampled_from([(1, 2), (1, 4), (2, 2)]))
    sizes = [data.draw(st.integers(1, 3)), heads * width, heads * width, 1]
    ends = [*pairwise(range(4)), *data.draw(st.lists(st.sampled_from([(0, 1), (1, 2), (2, 3)]), max_size=2))]
    layers = {f"fc{i}": data.draw(graphs(n_in=sizes[a], n_out=sizes[b], named=False)) for i, (a, b) in enumerate(ends)}
    groups = [
        NeuronGroup(
            tuple(f"fc{i}" for i, (_, b) in enumerate(ends) if b == hidden),
            tuple(f"fc{i}" for i, (a, _) in enumerate(ends) if a == hidden),
            data.draw(st.sampled_from(["any", "all"])),
            heads,
            data.draw(st.sampled_from(["halves", "neighbours"])),
        )
        for hidden in (1, 2)
    ]
    agrees_with_hand(LayeredNetwork(layers, data.draw(st.permutations(groups))), unit)


def test_a_coordinate_whose_partner_is_not_read_is_not_driven():
    a, b = BipartiteGraph.from_edges([(0, 0)], 1, 2), BipartiteGraph.from_edges([(1, 0)], 2, 1)
    network = LayeredNetwork({"a": a, "b": b}, [NeuronGroup(("a",), ("b",), rotary="halves")])
    assert agrees_with_hand(network, "rotary_pair") == 2


def test_a_pair_of_coordinates_needs_one_link_from_each_side():
    """In a head of width 4, queries drive coordinates 0 and 3, and keys 2 and 3."""
    q, k = (BipartiteGraph.from_edges([(0, i) for i in driven], 1, 4) for driven in ((0, 3), (2, 3)))
    for rotary, unit, left in [
        ("halves", "coordinate", ([3], [3])),
        ("halves", "rotary_pair", ([0, 3], [2, 3])),  # 0 goes with 2, and 3 with 1
        ("neighbours", "rotary_pair", ([3], [2, 3])),
        (None, "rotary_pair", ([3], [3])),
    ]:
        group = NeuronGroup(("q", "k"), (), "all", rotary=rotary)
        result, _ = percolate(LayeredNetwork({"q": q, "k": k}, [group]), unit=unit)
        outputs = tuple(result[name].edges()[:, 1].tolist() for name in "qk")
        assert outputs == left


def test_a_shared_key_lives_as_long_as_one_of_its_heads_needs_it():
    """Two heads of width 1 share a key; the second head has no query there."""
    q = BipartiteGraph.from_edges([(0, 0)], 1, 2)
    k = BipartiteGraph.from_edges([(0, 0)], 1, 1)
    network = LayeredNetwork({"q": q, "k": k}, [NeuronGroup(("q", "k"), (), "all", heads=2)])
    assert percolate(network)[0] == network
    without = LayeredNetwork({"q": BipartiteGraph.from_edges([], 1, 2), "k": k}, network.groups)
    assert percolate(without)[0].n_links == 0


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
    """One missing link far away removes all links of a path, both backward and forward through the layers."""
    path = [BipartiteGraph.from_edges([(0, 0)], 1, 1)] * 30
    for gap in (0, 15, 29):
        layers = {str(i): layer for i, layer in enumerate(path)}
        layers[str(gap)] = BipartiteGraph.from_edges([], 1, 1)
        groups = LayeredNetwork(layers).groups
        for order in (groups, groups[::-1]):
            result, removed = percolate(LayeredNetwork(layers, order))
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


def test_an_unknown_unit_is_rejected():
    with pytest.raises(errors.UnknownNameError, match=r"unknown percolation unit 'pair': .*coordinate, rotary_pair"):
        percolate(LayeredNetwork({"fc1": BipartiteGraph(np.eye(2))}), unit="pair")
