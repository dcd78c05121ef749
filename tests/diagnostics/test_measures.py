"""Properties of every measure in the registry, on any graph."""

import math
import warnings

import networkx as nx
import numpy as np
import pytest

from tests.diagnostics.graphs import LAYERS, ODD, one_mode_graphs
from topolearn import BipartiteGraph, Graph, LayeredNetwork
from topolearn import diagnostics as dg
from topolearn.diagnostics import MEASURES
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError
from topolearn.generators import make

each_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
OF_LAYERS = [measure for measure in MEASURES.values() if measure.of in ("layer", "graph", "any")]
of_layers = pytest.mark.parametrize("measure", OF_LAYERS, ids=[measure.name for measure in OF_LAYERS])


def network_of(layer):
    return LayeredNetwork({"first": layer, "second": BipartiteGraph(layer.to_scipy().T)})


def a_graph_for(measure):
    if measure.of == "network":
        return network_of(LAYERS["bsw"])
    return one_mode_graphs()["karate"] if measure.of == "one-mode" else LAYERS["bsw"]


@each_measure
def test_is_documented_and_a_number(measure):
    assert "\n" not in measure.title
    assert measure.function.__doc__
    value = measure(a_graph_for(measure), seed=0)
    assert isinstance(value, int | float)
    assert math.isfinite(value)
    if measure.is_share:
        assert 0 <= value <= 1


@each_measure
def test_a_seed_determines_the_value(measure):
    graph = a_graph_for(measure)
    assert measure(graph, seed=1) == measure(graph, seed=1)


@of_layers
@pytest.mark.parametrize("name", ODD)
def test_odd_layers_have_a_value_or_raise_with_a_reason(measure, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = measure(BipartiteGraph(ODD[name]), seed=0)
        except UndefinedMeasureError as why:
            assert str(why)
        else:
            assert math.isfinite(value)


@pytest.mark.parametrize("measure", [m for m in MEASURES.values() if m.of in ("network", "any")], ids=lambda m: m.name)
@pytest.mark.parametrize("name", ODD)
def test_odd_networks_have_a_value_or_raise_with_a_reason(measure, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = measure(network_of(BipartiteGraph(ODD[name])), seed=0)
        except UndefinedMeasureError as why:
            assert str(why)
        else:
            assert not math.isnan(value)


PATHS = ("path_length", "efficiency", "closeness", "betweenness", "radiality")  # these draw only on large graphs
SETTLED = [measure for measure in OF_LAYERS if not measure.draws or measure.name in PATHS]
ONE_SIDED = ("gamma_in", "gamma_out", "fan_in_gini", "fan_out_gini")


@pytest.mark.parametrize("measure", SETTLED, ids=[measure.name for measure in SETTLED])
def test_the_order_of_neurons_does_not_matter(measure):
    rng, layer = np.random.default_rng(0), LAYERS["bsf"]
    mixed = layer.to_scipy()[rng.permutation(layer.n_out)][:, rng.permutation(layer.n_in)]
    assert measure(BipartiteGraph(mixed)) == pytest.approx(measure(layer), rel=1e-9)


@pytest.mark.parametrize("measure", [m for m in SETTLED if m.name not in ONE_SIDED], ids=lambda m: m.name)
def test_inputs_and_outputs_are_interchangeable(measure):
    """Measures of a layer do not change when it is transposed, except those that name a side."""
    layer = LAYERS["bsw"]
    assert measure(BipartiteGraph(layer.to_scipy().T)) == pytest.approx(measure(layer), rel=1e-9)


KINDS = {"layer": LAYERS["er"], "one-mode": one_mode_graphs()["karate"], "network": network_of(LAYERS["er"])}
FITTING = {"graph": ("layer", "one-mode"), "any": tuple(KINDS)}  # others fit their own kind
REASONS = {
    "layer": "is a measure of one layer",
    "one-mode": "is a measure of graphs of one kind of node",
    "graph": "is a measure of one graph, not of a network",
    "network": "is a measure of a whole network",
}


@each_measure
@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_graph_are_rejected(measure, kind):
    if kind in FITTING.get(measure.of, (measure.of,)):
        return
    with pytest.raises(InvalidTypeError, match=REASONS[measure.of]):
        measure(KINDS[kind])


@each_measure
@pytest.mark.parametrize(
    "given", [None, "karate", 5, [1, 2], {"a": LAYERS["er"]}, object()], ids=lambda given: type(given).__name__
)
def test_what_is_no_graph_is_rejected(measure, given):
    with pytest.raises(InvalidTypeError, match=r"is not a graph|is a measure of a whole network"):
        measure(given)


@pytest.mark.parametrize(
    "table", [dg.attention_heads, dg.idle_links, dg.active_neuron_rate, dg.credit_assignment_paths]
)
@pytest.mark.parametrize(
    "given", [LAYERS["er"], np.eye(3), None, {"a": LAYERS["er"]}], ids=lambda given: type(given).__name__
)
def test_functions_of_networks_reject_anything_else(table, given):
    with pytest.raises(InvalidTypeError, match="is a measure of a whole network, not of a"):
        table(given)


COUNTS = {
    "rich_club": lambda n: dg.rich_club(LAYERS["er"], n_null=n),
    "small_world": lambda n: dg.small_world(LAYERS["er"], n_null=n),
    "null_ensemble": lambda n: dg.null_ensemble(LAYERS["er"], dg.closure, n, seed=0),
    "structural_consistency": lambda n: dg.structural_consistency(LAYERS["er"], repeats=n),
    "summary": lambda n: dg.summary(LAYERS["er"], ["closure"], null_models=n),
    "compare": lambda n: dg.compare({"a": LAYERS["er"]}, ["closure"], null_models=n),
    "path_length": lambda n: dg.path_length(LAYERS["er"], sample=n),
    "efficiency": lambda n: dg.efficiency(LAYERS["er"], sample=n),
    "power_law": lambda n: dg.power_law(LAYERS["bsf"], n_bootstraps=n),
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("n", [2.5, 3.0, "3", True, [3], 1j, np.float64(3)], ids=repr)
def test_counts_are_integers(name, n):
    with pytest.raises(InvalidTypeError, match=r"must be an integer of at least [01]"):
        COUNTS[name](n)


@pytest.mark.parametrize("name", sorted({*COUNTS} - {"path_length", "efficiency"}))  # whose default is None
def test_counts_are_not_missing(name):
    with pytest.raises(InvalidTypeError, match="None must be an integer"):
        COUNTS[name](None)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_may_be_integers_of_numpy(name):
    assert repr(COUNTS[name](np.int8(3))) == repr(COUNTS[name](3))


SHARES = {
    "fraction": lambda share: dg.structural_consistency(LAYERS["er"], fraction=share),
    "hub_fraction": lambda share: dg.credit_assignment_paths(KINDS["network"], hub_fraction=share),
}


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("share", ["0.1", None, True, 0.1j, [0.1]], ids=repr)
def test_shares_are_numbers(name, share):
    with pytest.raises(InvalidTypeError, match=rf"{name}=.* must be a share in \(0, 1"):
        SHARES[name](share)


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("share", [0, -0.1, 1.1, math.nan, math.inf])
def test_shares_lie_within_their_bounds(name, share):
    with pytest.raises(InvalidValueError, match=rf"{name}=.* must be a share in \(0, 1"):
        SHARES[name](share)


@pytest.mark.parametrize(
    "given",
    ["scipy", "numpy", "torch", "networkx", "igraph"],
)
def test_graphs_of_other_libraries_are_read(given):
    layer = make("bsw", 20, 12, 0.2, seed=0)
    forms = {
        "scipy": layer.to_scipy, "numpy": lambda: layer.to_scipy().toarray(), "torch": layer.to_torch,
        "networkx": layer.to_networkx, "igraph": layer.to_igraph,
    }  # fmt: skip
    assert dg.closure(forms[given]()) == dg.closure(layer)
    assert dg.path_length(forms[given]()) == dg.path_length(layer)


def test_gini_by_its_definition():
    x = np.array([0, 1, 1, 5, 9])
    assert dg.gini(x) == pytest.approx(np.abs(x[:, None] - x).sum() / (2 * x.size**2 * x.mean()))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["2020-01-01"], dtype="datetime64[D]"), ["1", "2"], [1 + 2j, 3], [1, None], [[1], [2, 3]],
        np.array([3, 4], dtype="timedelta64[s]"), None, "123",
    ],
    ids=repr,
)  # fmt: skip
def test_gini_takes_only_numbers(values):
    with pytest.raises(InvalidTypeError, match=r"values=.* must be numbers"):
        dg.gini(values)


@pytest.mark.parametrize("scale", [1e308, 1e-300, 2.0**-1022, 1e200])
def test_gini_does_not_depend_on_the_unit(scale):
    x = np.array([1, 1, 0, 0.5])
    assert dg.gini(x * scale) == pytest.approx(dg.gini(x), rel=1e-12)


@pytest.mark.parametrize("measure", [dg.gini, dg.power_law])
def test_pairs_of_nodes_and_degrees_are_no_degrees(measure):
    karate = nx.karate_club_graph()
    with pytest.raises(
        InvalidValueError, match=r"of shape \(34, 2\) .* pass the graph itself, or \[degree for _, degr"
    ):
        measure(karate.degree())
    assert repr(measure([degree for _, degree in karate.degree()])) == repr(measure(karate))


@pytest.mark.parametrize("values", [[], [-1.0, 2], [1, np.inf], [np.nan]])
def test_gini_quotes_values_out_of_range(values):
    with pytest.raises(InvalidValueError, match=r"values=\[.*\] must be at least one finite number of at least 0"):
        dg.gini(values)


def test_labels_of_communities_may_be_any_integers():
    labels = np.array([0, 0, 7, 7, 0, 0, 7, 7])
    graph = np.kron(np.eye(2), np.ones((2, 2)))
    for measure in (dg.modularity, dg.barber_modularity):
        huge = labels.astype(np.uint64) << np.uint64(60)
        assert measure(graph, labels * 10**12) == measure(graph, huge) == measure(graph, labels)
        assert measure(np.eye(4), [10**12] * 8) == 0


def test_distances_of_topologies():
    a, b = make("er", 30, 20, 0.2, seed=0), make("er", 30, 20, 0.2, seed=1)
    for distance in (dg.jaccard_distance, dg.hamming_distance):
        assert distance(a, a) == 0
        assert 0 < distance(a, b) == distance(b, a) < 1
        with pytest.raises(ValueError, match=r"graphs of 30 x 20 neurons and 20 x 30 neurons cannot be compared"):
            distance(a, make("er", 20, 30, 0.2, seed=0))
    first, second = (set(g.cells.tolist()) for g in (a, b))
    assert dg.jaccard_distance(a, b) == pytest.approx(1 - len(first & second) / len(first | second))
    assert dg.hamming_distance(a, b) == pytest.approx(len(first ^ second) / 600)
    assert dg.jaccard_distance(np.zeros((2, 2)), np.zeros((2, 2))) == 0


@pytest.mark.parametrize("make_graph", [Graph.from_pairs, BipartiteGraph.from_pairs, nx.Graph])
def test_distances_compare_neurons_of_the_same_name(make_graph):
    pairs = [("a", "b"), ("b", "c"), ("c", "d")]
    given, reversed_pairs, other = (make_graph(each) for each in (pairs, pairs[::-1], [*pairs[:2], ("c", "e")]))
    for distance in (dg.jaccard_distance, dg.hamming_distance):
        assert distance(given, reversed_pairs) == 0
        with pytest.raises(InvalidValueError, match=r"the second graph has the .* 'e', but the first has not"):
            distance(given, other)


def test_distances_take_numbers_as_names_and_compare_other_names_by_position():
    in_order, inserted_backwards = nx.path_graph(4), nx.Graph([(3, 2), (2, 1), (1, 0)])
    assert dg.jaccard_distance(in_order, inserted_backwards) == dg.jaccard_distance(inserted_backwards, in_order) == 0
    links = np.array([[1, 1, 0], [0, 1, 1]])
    named = BipartiteGraph(links, input_names=["x", "y", "z"])
    assert dg.jaccard_distance(named, links) == dg.jaccard_distance(links, named) == 0
    turned = BipartiteGraph(links[:, ::-1], input_names=["z", "y", "x"], output_names=["p", "q"])
    assert dg.hamming_distance(named, turned) == 0


def test_structural_consistency_does_not_depend_on_the_numbers_of_neurons_with_equal_scores():
    hubs = np.kron(np.eye(3), np.ones((1, 15)))  # every leaf has one link, so nothing is predictable
    renumbered = np.random.default_rng(0).permutation(45)
    by_chance = 4 / (135 - 41)
    for links in (hubs, hubs[:, ::-1], hubs[:, renumbered]):
        measured = dg.structural_consistency(BipartiteGraph(links), fraction=0.1, repeats=5)
        assert measured == pytest.approx(by_chance)
    star = nx.star_graph(20)
    assert dg.structural_consistency(star, repeats=5) == pytest.approx(2 / (210 - 18))


def test_a_layer_too_large_for_singular_vectors_is_rejected():
    with pytest.raises(ValueError, match=r"3000 inputs x 2500 outputs, .* is too large for structural_consistency"):
        dg.structural_consistency(make("er", 3000, 2500, 0.001, seed=0))
