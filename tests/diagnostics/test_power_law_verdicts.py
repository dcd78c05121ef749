"""Power laws of graphs and of their sides, and the verdicts on fits."""

import pickle
import re

import networkx as nx
import numpy as np
import pytest

from topolearn import BipartiteGraph, LayeredNetwork
from topolearn.diagnostics import gini
from topolearn.diagnostics.degree_laws import gamma
from topolearn.diagnostics.power_law import power_law
from topolearn.diagnostics.power_law.law import draw
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import make


@pytest.mark.parametrize("name", ["bsf", "er"])
def test_graphs_of_all_libraries_give_their_degrees(name):
    layer = make(name, 60, 50, 0.1, seed=0)
    given = [layer, layer.to_networkx(), layer.to_igraph(), layer.to_scipy(), LayeredNetwork({"a": layer})]
    expected = power_law(layer.degrees, n_bootstraps=5)
    assert all(power_law(each, n_bootstraps=5) == expected for each in given)
    for side in ("fan_in", "fan_out"):
        of_side = getattr(layer, side)
        assert power_law(layer, side=side, n_bootstraps=5) == power_law(of_side, n_bootstraps=5)
        assert gini(layer, side=side) == gini(of_side)
    assert gini(layer.to_networkx()) == gini(layer.degrees)
    friends = nx.karate_club_graph()
    degrees = [degree for _, degree in friends.degree]
    assert power_law(friends, n_bootstraps=5) == power_law(degrees, n_bootstraps=5)


@pytest.mark.parametrize(
    ("given", "side", "kind", "said"),
    [
        ([1, 2, 3], "fan_in", InvalidTypeError, "side='fan_in' requires a graph, but numbers were given"),
        (nx.path_graph(4), "fan_in", InvalidTypeError, "side='fan_in' is a measure of one layer"),
        (BipartiteGraph(np.eye(3)), "fanin", InvalidValueError, "did you mean 'fan_in'"),
        (np.eye(3), None, InvalidValueError, "must be a 1-D array"),
    ],
)
def test_a_side_requires_a_graph_with_sides(given, side, kind, said):
    with pytest.raises(kind, match=said):
        power_law(given, side=side)


def test_the_verdict_depends_on_p_samples_and_span():
    rng = np.random.default_rng(0)
    drawn = draw(2000, 2.5, 2, discrete=True, rng=rng)
    assert power_law(drawn).verdict == "power law"
    assert power_law(drawn).is_plausible is True
    untested = power_law(drawn, n_bootstraps=0)
    assert (untested.verdict, untested.is_plausible) == ("untested", None)
    assert re.fullmatch(r"no power law: p = 0(\.0\d*)?", power_law(rng.geometric(0.1, 3000), xmin=1).verdict)
    assert power_law(drawn[:40], xmin=2).verdict == "no power law: only 40 in the tail"
    assert power_law(rng.integers(20, 40, 500), xmin=20, n_bootstraps=0).verdict == "no power law: only from 20 to 39"


def test_measures_of_exponents_are_floats_that_know_their_fit():
    layer = make("er", 200, 200, 0.05, seed=0)
    found = pickle.loads(pickle.dumps(gamma(layer)))
    assert isinstance(found, float)
    assert found == power_law(layer, n_bootstraps=0).gamma
    assert "no power law" in repr(found)
