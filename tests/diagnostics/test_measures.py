"""Properties of every measure in the registry, on any graph."""

import math
import warnings

import numpy as np
import pytest

from tests.diagnostics.graphs import LAYERS, ODD, one_mode_graphs
from topolearn import BipartiteGraph, LayeredNetwork
from topolearn import diagnostics as dg
from topolearn.diagnostics import MEASURES
from topolearn.errors import InvalidTypeError, UndefinedMeasureError
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


@each_measure
def test_other_kinds_of_graph_are_rejected(measure):
    if measure.of == "layer":
        with pytest.raises(InvalidTypeError, match="is a measure of one layer"):
            measure(one_mode_graphs()["karate"])
    elif measure.of == "network" and measure.name not in ("active_neurons", "active_neurons_authors"):
        with pytest.raises(InvalidTypeError, match="is a measure of a whole network"):
            measure(LAYERS["er"])
    elif measure.of == "one-mode":
        with pytest.raises(InvalidTypeError, match="is a measure of graphs of one kind of node"):
            measure(LAYERS["er"])


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


def test_a_layer_too_large_for_singular_vectors_is_rejected():
    with pytest.raises(ValueError, match=r"3000 inputs x 2500 outputs, .* is too large for structural_consistency"):
        dg.structural_consistency(make("er", 3000, 2500, 0.001, seed=0))
