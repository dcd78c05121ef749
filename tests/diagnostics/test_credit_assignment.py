"""Credit assignment paths, against enumeration, and in numbers beyond any float."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn import BipartiteGraph, LayeredNetwork, NeuronGroup
from topolearn import diagnostics as dg
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import make, resort


def by_enumeration(adjacencies, allowed):
    """Count chains of neurons one by one."""
    sizes = [adjacencies[0].shape[1], *(a.shape[0] for a in adjacencies)]
    return sum(
        all(a[after, before] for a, before, after in zip(adjacencies, path, path[1:], strict=False))
        and all(allowed[layer][path[layer]] for layer in allowed)
        for path in itertools.product(*map(range, sizes))
    )


@examples(40)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4), q=st.floats(0.05, 1))
def test_paths_are_those_that_enumeration_finds(seed, sizes, q):
    rng = np.random.default_rng(seed)
    layers = [rng.random((after, before)) < 0.6 for before, after in itertools.pairwise(sizes)]
    network = LayeredNetwork({str(i): BipartiteGraph(a) for i, a in enumerate(layers)})
    hubs = {}
    for i in range(1, len(sizes) - 1):
        degree = layers[i - 1].sum(axis=1) + layers[i].sum(axis=0)
        chosen = sorted(range(sizes[i]), key=lambda k: (-degree[k], k))[: math.ceil(q * sizes[i] - 1e-9)]
        hubs[i] = np.isin(np.arange(sizes[i]), chosen)
    found = dg.credit_assignment_paths(network, q)
    paths, hub_paths = by_enumeration(layers, {}), by_enumeration(layers, hubs)
    assert (found.n_paths, found.n_hub_paths) == (paths, hub_paths)
    assert found.share == (hub_paths / paths if paths else 0)
    assert found.paths == (pytest.approx(math.log10(paths), abs=1e-12) if paths else -math.inf)
    everywhere = {0: np.zeros(sizes[0], bool), len(sizes) - 1: np.zeros(sizes[-1], bool), **hubs}
    expected = sum((a & (everywhere[i] | everywhere[i + 1][:, None])).sum() for i, a in enumerate(layers))
    assert found.hub_links == expected


def test_a_count_beyond_any_float_keeps_its_logarithm():
    layer = BipartiteGraph(np.ones((10, 10)))
    found = dg.credit_assignment_paths(LayeredNetwork({str(i): layer for i in range(400)}), 0.5)
    assert found.n_paths == math.inf
    assert found.paths == pytest.approx(401, abs=1e-9)
    assert found.hub_paths == pytest.approx(401 + 399 * math.log10(0.5), abs=1e-9)
    assert found.share == pytest.approx(0.5**399, rel=1e-9)


def test_counts_are_exact_up_to_the_last_whole_float():
    layers = {str(i): BipartiteGraph(np.ones((3, 3))) for i in range(32)}
    assert dg.credit_assignment_paths(LayeredNetwork(layers)).n_paths == 3.0**33  # 2**52.3
    assert dg.credit_assignment_paths(LayeredNetwork({**layers, "more": layers["0"]})).n_paths == pytest.approx(3.0**34)


def test_branches_are_added():
    wide, narrow = BipartiteGraph(np.ones((3, 2))), BipartiteGraph(np.ones((2, 3)))
    graphs = {"gate": wide, "up": wide, "down": narrow}
    network = LayeredNetwork(graphs, [NeuronGroup(("gate", "up"), ("down",), combine="all")])
    assert dg.credit_assignment_paths(network).n_paths == 2 * (2 * 3 * 2)


def test_resorting_makes_hubs_meet():
    network = LayeredNetwork({str(i): make("bsf", 200, 200, 0.03, seed=i) for i in range(3)})
    shares = [dg.credit_assignment_paths(each).share for each in (network, resort(network))]
    assert shares[1] > 1.3 * shares[0]


@pytest.mark.parametrize(("hub_fraction", "n_hubs"), [(0.07, 7), (0.14, 14), (0.28, 28), (0.55, 55), (0.071, 8)])
def test_rounding_errors_make_no_hub(hub_fraction, n_hubs):
    network = LayeredNetwork({"a": BipartiteGraph(np.ones((100, 1))), "b": BipartiteGraph(np.ones((1, 100)))})
    assert dg.credit_assignment_paths(network, hub_fraction).n_hub_paths == n_hubs


def test_a_layer_alone_has_no_hidden_neurons():
    layer = make("er", 5, 4, 0.5, seed=0)
    found = dg.credit_assignment_paths(LayeredNetwork({"only": layer}))
    assert (found.n_paths, found.n_hub_paths, found.share, found.hub_links) == (10, 10, 1, 0)


def test_bad_input_is_rejected():
    layer = make("er", 5, 5, 0.5, seed=0)
    with pytest.raises(InvalidTypeError, match=r"a measure of a whole network, not of a BipartiteGraph: pass Layered"):
        dg.credit_assignment_paths(layer)
    for fraction in (0, 1.5, -1, math.nan):
        with pytest.raises(InvalidValueError, match=r"hub_fraction=.* must be a share in \(0, 1\]"):
            dg.credit_assignment_paths(LayeredNetwork({"a": layer}), fraction)


def test_multiplied_layers_must_both_be_reached():
    """Of three products, gate reaches the first two and up the last two."""
    gate = BipartiteGraph(np.array([[1, 1], [1, 0], [0, 0]]))
    up = BipartiteGraph(np.array([[0, 0], [1, 1], [1, 1]]))
    down = BipartiteGraph(np.ones((2, 3)))
    graphs = {"gate": gate, "up": up, "down": down}
    for combine, paths in [("all", (1 + 2) * 2), ("any", (2 + 1 + 4) * 2)]:
        network = LayeredNetwork(graphs, [NeuronGroup(("gate", "up"), ("down",), combine=combine)])
        assert dg.credit_assignment_paths(network).n_paths == paths


def test_attention_has_paths_through_values_alone_and_shared_heads_count_for_each():
    """Two heads of width 2 share one head of keys and values."""
    two, one = BipartiteGraph(np.ones((4, 3))), BipartiteGraph(np.ones((2, 3)))
    graphs = {"q": two, "k": one, "v": one, "o": BipartiteGraph(np.ones((3, 4)))}
    groups = [NeuronGroup(("q", "k"), (), "all", heads=2), NeuronGroup(("v",), ("o",), heads=2)]
    found = dg.credit_assignment_paths(LayeredNetwork(graphs, groups), hub_fraction=0.5)
    assert found.n_paths == 3 * 4 * 3
    assert found.n_hub_paths == 3 * 2 * 3
    assert found.hub_links == 2 * (3 + 3) + 2 * (3 + 3)  # products of q and k, then of v and o
