import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topolearn import errors
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup

FEW = settings(max_examples=30, deadline=None)


def full(n_in, n_out):
    return BipartiteGraph(np.ones((n_out, n_in)))


def gated():
    """A gated block: gate and up read different inputs, and down reads their product."""
    graphs = {"gate": full(2, 3), "up": full(2, 3), "down": full(3, 1)}
    return LayeredNetwork(graphs, [NeuronGroup(("gate", "up"), ("down",), "all")])


@FEW
@given(data=st.data())
def test_chain_is_the_block_matrix_of_its_layers(data, graphs):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    layers = [data.draw(graphs(n_in=a, n_out=b)) for a, b in pairwise(sizes)]
    network = LayeredNetwork({f"fc{i}": layer for i, layer in enumerate(layers)})
    expected = np.zeros((sum(sizes), sum(sizes)), dtype=bool)
    starts = np.cumsum([0, *sizes])
    for i, layer in enumerate(layers):
        block = expected[starts[i + 1] : starts[i + 2], starts[i] : starts[i + 1]]
        block[...] = layer.to_scipy().toarray()
    assert network.n_neurons == sum(sizes)
    assert network.to_scipy().dtype == bool
    assert (network.to_scipy().toarray() == expected).all()
    assert network.n_links == expected.sum()
    assert network.density == expected.sum() / sum(layer.n_in * layer.n_out for layer in layers)
    links = np.argwhere(expected.T).tolist()
    assert sorted(map(list, network.to_networkx().edges)) == links
    assert sorted(map(list, network.to_igraph().get_edgelist())) == links


def test_neurons_of_a_group_exist_once():
    network = gated()
    assert network.n_neurons == 2 + 3 + 2 + 1
    assert network.neurons == {
        "gate": (slice(0, 2), slice(2, 5)),
        "up": (slice(5, 7), slice(2, 5)),
        "down": (slice(2, 5), slice(7, 8)),
    }
    expected = np.zeros((8, 8), dtype=bool)
    for inputs, outputs in network.neurons.values():
        expected[outputs, inputs] = True
    assert (network.to_scipy().toarray() == expected).all()


def test_layers_between_the_same_populations_share_entries():
    first, gate, up = full(1, 2), BipartiteGraph(np.eye(2)), full(2, 2)
    groups = [NeuronGroup(("first",), ("gate", "up")), NeuronGroup(("gate", "up"), ("last",), "all")]
    network = LayeredNetwork({"first": first, "gate": gate, "up": up, "last": full(2, 1)}, groups)
    assert network.n_neurons == 6
    assert network.n_links == 2 + 2 + 4 + 2
    assert network.to_scipy().nnz == 2 + 4 + 2
    assert network.to_scipy().data.all()


def test_networkx_and_igraph_say_who_is_who():
    network = gated()
    peer = network.to_networkx()
    populations = [0, 0, 1, 1, 1, 2, 2, 3]
    indices = [0, 1, 0, 1, 2, 0, 1, 0]
    assert peer.is_directed()
    assert [peer.nodes[i]["population"] for i in range(8)] == populations
    assert [peer.nodes[i]["index"] for i in range(8)] == indices
    assert list(peer.successors(3)) == [7]
    other = network.to_igraph()
    assert other.is_directed()
    assert (other.vs["population"], other.vs["index"]) == (populations, indices)
    assert set(other.get_edgelist()) == set(peer.edges)


def test_network_behaves_like_a_mapping_that_never_changes():
    layers = {"b": full(2, 3), "a": full(3, 1)}
    network = LayeredNetwork(layers)
    layers["c"] = full(1, 1)
    assert (list(network), len(network), network["a"]) == (["b", "a"], 2, full(3, 1))
    assert "b" in network
    assert "c" not in network
    assert network.groups == (NeuronGroup(("b",), ("a",)),)
    with pytest.raises(TypeError, match="does not support item assignment"):
        network.graphs["b"] = full(2, 3)
    for name in ("graphs", "groups", "_graphs", "anything"):
        with pytest.raises(AttributeError, match=f"'{name}' is read-only"):
            setattr(network, name, ())
    with pytest.raises(AttributeError, match="cannot assign"):
        network.groups[0].combine = "all"
    with pytest.raises(errors.UnknownNameError, match="unknown layer 'bb': did you mean 'b'"):
        network["bb"]


def test_equality_copies_and_pickles():
    network = gated()
    same = [gated(), copy.copy(network), copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    assert all(other == network and hash(other) == hash(network) for other in same)
    graphs = dict(network.graphs)
    others = [
        LayeredNetwork(graphs, [NeuronGroup(("gate", "up"), ("down",), "any")]),
        LayeredNetwork(graphs, []),
        LayeredNetwork({name: graphs[name] for name in ("up", "gate", "down")}, network.groups),
        LayeredNetwork({**graphs, "up": full(4, 3)}, network.groups),
        "network",
    ]
    assert all(network != other for other in others)


def test_repr_says_what_the_network_is():
    assert repr(gated()) == (
        "LayeredNetwork(3 layers, 8 neurons, 15 links, density 100.00%: gate 2 x 3, up 2 x 3, down 3 x 1)"
    )


@pytest.mark.parametrize(
    ("graphs", "groups", "error", "message"),
    [
        ({}, None, errors.InvalidValueError, "graphs is empty: a network needs 1 layer or more"),
        ([full(1, 1)], None, errors.InvalidTypeError, "graphs is a list: pass a dict"),
        ({"a": np.eye(2)}, None, errors.InvalidTypeError, r"graphs\['a'\] is a ndarray: map a str"),
        ({3: full(1, 1)}, None, errors.InvalidTypeError, r"graphs\[3\] is a BipartiteGraph: map a str"),
        (
            {"a": full(1, 2), "b": full(3, 1)},
            None,
            errors.InvalidValueError,
            r"layers 'a' \(2 outputs\) and 'b' \(3 inputs\) are no chain: pass groups=",
        ),
        (
            {"a": full(1, 2), "b": full(3, 1)},
            [NeuronGroup(("a",), ("b",))],
            errors.InvalidValueError,
            r"group \(a -> b\) has neurons of different number: a writes 2, b reads 3",
        ),
        (
            {"fc1": full(1, 2), "fc2": full(2, 1)},
            [NeuronGroup(("fc1",), ("fc3",))],
            errors.UnknownNameError,
            r"group \(fc1 -> fc3\) names 'fc3': did you mean 'fc\d'",
        ),
        (
            {"a": full(1, 2), "b": full(2, 2), "c": full(2, 2)},
            [NeuronGroup(("a",), ("b",)), NeuronGroup(("a",), ("c",))],
            errors.InvalidValueError,
            r"layer 'a' writes in \(a -> b\) and in \(a -> c\): join these groups",
        ),
        (
            {"a": full(1, 2), "b": full(2, 2), "c": full(2, 2)},
            [NeuronGroup(("a",), ("c",)), NeuronGroup(("b",), ("c",))],
            errors.InvalidValueError,
            r"layer 'c' reads in \(a -> c\) and in \(b -> c\): join these groups",
        ),
        ({"a": full(1, 2)}, ["a"], errors.InvalidTypeError, "group 'a' is a str: pass NeuronGroup"),
    ],
)
def test_bad_networks_are_refused(graphs, groups, error, message):
    with pytest.raises(error, match=message):
        LayeredNetwork(graphs, groups)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("a", ("b",)), errors.InvalidTypeError, "writers='a': pass a tuple of layer names"),
        ((("a",), (3,)), errors.InvalidTypeError, r"readers=\(3,\): pass a tuple of layer names"),
        (((), ("b",)), errors.InvalidValueError, r"writers=\(\): pass 1 layer name or more"),
        ((("a",), ("b", "b")), errors.InvalidValueError, r"readers=\('b', 'b'\): .* each once"),
        ((("a",), ("b",), "some"), errors.UnknownNameError, "combine='some': Known names: any, all"),
    ],
)
def test_bad_groups_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        NeuronGroup(*arguments)


def test_lists_of_names_become_tuples():
    assert NeuronGroup(["a"], ["b"]) == NeuronGroup(("a",), ("b",))
