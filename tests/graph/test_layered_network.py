import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn import errors
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup

FEW = examples(30)


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


def attention(seed=0):
    """Four heads of width 3, which share two heads of keys and values."""
    rng = np.random.default_rng(seed)
    sizes = {"q": (5, 12), "k": (5, 6), "v": (5, 6), "o": (12, 5)}
    graphs = {name: BipartiteGraph(rng.random((b, a)) < 0.2) for name, (a, b) in sizes.items()}
    groups = [NeuronGroup(("q", "k"), (), "all", heads=4), NeuronGroup(("v",), ("o",), heads=4)]
    return LayeredNetwork(graphs, groups)


def test_shared_heads_stand_once_for_each_head_that_they_serve():
    network = attention()
    assert network.n_neurons == 3 * 5 + 12 + 12 + 5
    q, k, v, o = (network.graphs[name].to_scipy().toarray() for name in "qkvo")
    repeated = {
        name: np.repeat(links.reshape(2, 3, 5), 2, axis=0).reshape(12, 5) for name, links in {"k": k, "v": v}.items()
    }
    expected = np.zeros((44, 44), dtype=bool)
    for name, links in {"q": q, "o": o, **repeated}.items():
        inputs, outputs = network.neurons[name]
        assert (network.between(name).toarray() == links).all()
        expected[outputs, inputs] |= links
    assert (network.to_scipy().toarray() == expected).all()
    exported = network.to_igraph()
    assert exported.vcount() == 44
    assert set(exported.get_edgelist()) == set(map(tuple, np.argwhere(expected.T).tolist()))
    assert set(network.to_networkx().edges) == set(exported.get_edgelist())
    assert network.neurons["q"][1] == network.neurons["k"][1]
    assert network.neurons["v"][1] == network.neurons["o"][0]


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
        ({}, None, errors.InvalidValueError, "graphs is empty: a network needs at least 1 layer"),
        ([full(1, 1)], None, errors.InvalidTypeError, "graphs is a list: pass a dict"),
        ({"a": np.eye(2)}, None, errors.InvalidTypeError, r"graphs\['a'\] is a ndarray: map a str"),
        ({3: full(1, 1)}, None, errors.InvalidTypeError, r"graphs\[3\] is a BipartiteGraph: map a str"),
        (
            {"a": full(1, 2), "b": full(3, 1)},
            None,
            errors.InvalidValueError,
            r"layers 'a' \(2 outputs\) and 'b' \(3 inputs\) do not form a chain: pass groups=",
        ),
        (
            {"a": full(1, 2), "b": full(3, 1)},
            [NeuronGroup(("a",), ("b",))],
            errors.InvalidValueError,
            r"group \(a -> b\) has different numbers of neurons: a writes 2, b reads 3",
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
            r"layer 'a' writes in \(a -> b\) and in \(a -> c\): merge these groups",
        ),
        (
            {"a": full(1, 2), "b": full(2, 2), "c": full(2, 2)},
            [NeuronGroup(("a",), ("c",)), NeuronGroup(("b",), ("c",))],
            errors.InvalidValueError,
            r"layer 'c' reads in \(a -> c\) and in \(b -> c\): merge these groups",
        ),
        ({"a": full(1, 2)}, ["a"], errors.InvalidTypeError, "group 'a' is a str: pass NeuronGroup"),
        (
            {"q": full(2, 6), "k": full(2, 6)},
            [NeuronGroup(("q", "k"), (), "all", heads=4)],
            errors.InvalidValueError,
            r"group \(q, k -> \): 6 neurons cannot be split into 4 heads of equal width \(q writes 6, k writes 6\)",
        ),
        (
            {"q": full(2, 8), "k": full(2, 6)},
            [NeuronGroup(("q", "k"), (), "all", heads=4)],
            errors.InvalidValueError,
            r"k writes 6 neurons, or 3 heads of width 2, which does not divide 4 heads",
        ),
        (
            {"q": full(2, 8), "k": full(2, 3)},
            [NeuronGroup(("q", "k"), (), "all", heads=4)],
            errors.InvalidValueError,
            r"k writes 3 neurons, or 1.5 heads of width 2, which does not divide 4 heads",
        ),
        (
            {"q": full(2, 6), "k": full(2, 6)},
            [NeuronGroup(("q", "k"), (), "all", heads=2, rotary="halves")],
            errors.InvalidValueError,
            r"rotary positions need an even number of coordinates per head, not 3",
        ),
        (
            {"a": full(2, 2)},
            [NeuronGroup(("a",), ("a",))],
            errors.InvalidValueError,
            r"the layers a form a cycle, so paths through them never end",
        ),
        ({"a": full(1, 1)}, 3, errors.InvalidTypeError, "groups=3 is a int: pass a list of NeuronGroup"),
        ({"a": full(1, 1)}, "a", errors.InvalidTypeError, "groups='a' is a str: pass a list of NeuronGroup"),
        (
            {"a": full(1, 1), "b": full(1, 1)},
            NeuronGroup(("a",), ("b",)),
            errors.InvalidTypeError,
            r"groups=NeuronGroup\(.*\) is a NeuronGroup: pass a list of NeuronGroup",
        ),
        (
            {"a": full(2, 2), "b": full(2, 2), "c": full(2, 2)},
            [NeuronGroup(("a",), ("b",)), NeuronGroup(("b",), ("a", "c"))],
            errors.InvalidValueError,
            r"the layers (a, b|b, a) form a cycle",
        ),
    ],
)
def test_bad_networks_are_rejected(graphs, groups, error, message):
    with pytest.raises(error, match=message):
        LayeredNetwork(graphs, groups)


@pytest.mark.parametrize("container", [list, tuple, iter, lambda groups: (group for group in groups)])
def test_groups_come_in_any_iterable(container):
    groups = (NeuronGroup(("gate", "up"), ("down",), "all"),)
    network = LayeredNetwork(gated().graphs, container(groups))
    assert network.groups == groups
    assert network == gated()
    with pytest.raises(errors.InvalidValueError, match="form a cycle"):
        LayeredNetwork({"a": full(2, 2)}, container([NeuronGroup(("a",), ("a",))]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("a", ("b",)), errors.InvalidTypeError, "writers='a': pass a tuple of layer names"),
        ((("a",), (3,)), errors.InvalidTypeError, r"readers=\(3,\): pass a tuple of layer names"),
        (((), ("b",)), errors.InvalidValueError, r"writers=\(\): pass at least 1 layer name"),
        ((("a",), ("b", "b")), errors.InvalidValueError, r"readers=\('b', 'b'\): pass each layer name once"),
        ((("a",), ("b",), "some"), errors.UnknownNameError, r"combine='some': Known names: any, all"),
        (
            (("a",), ()),
            errors.InvalidValueError,
            r"readers=\(\): nothing would read the neurons that a writes to",
        ),
        (
            (("a", "b"), ()),
            errors.InvalidValueError,
            r"a group without readers needs at least two writers and combine='all'",
        ),
        (
            (("a",), (), "all"),
            errors.InvalidValueError,
            r"a group without readers needs at least two writers and combine='all'",
        ),
        (
            (("a",), ("b",), "any", 0),
            errors.InvalidValueError,
            "heads=0: pass the number of attention heads, at least",
        ),
        ((("a",), ("b",), "any", True), errors.InvalidValueError, r"heads=True: pass the number of attention heads"),
        ((("a",), ("b",), "any", 1, "half"), errors.UnknownNameError, r"rotary='half': did you mean 'halves'"),
    ],
)
def test_bad_groups_are_rejected(arguments, error, message):
    with pytest.raises(error, match=message):
        NeuronGroup(*arguments)


def test_lists_of_names_become_tuples():
    assert NeuronGroup(["a"], ["b"]) == NeuronGroup(("a",), ("b",))
