"""Summaries: their content, the comparison with random graphs, and undefined measures."""

import math
import warnings

import numpy as np
import pytest

from tests.diagnostics.graphs import LAYERS, one_mode_graphs
from topolearn import LayeredNetwork
from topolearn import diagnostics as dg
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureWarning, UnknownNameError
from topolearn.generators import make, randomise


def test_a_summary_has_every_quick_measure():
    found = dg.summary(LAYERS["bsf"])
    assert [*found][:4] == ["n_in", "n_out", "n_links", "density"]
    quick = {name for name, each in dg.MEASURES.items() if each.is_quick and each.of in ("layer", "graph", "any")}
    beside = {f"{name}_{what}" for name in ("gamma", "gamma_in", "gamma_out") for what in ("tail", "p")}
    assert found.keys() - {"n_in", "n_out", "n_links", "density"} == quick | beside
    fit = dg.power_law(LAYERS["bsf"])
    assert (found["gamma"], found["gamma_tail"], found["gamma_p"]) == (fit.gamma, fit.n_tail, fit.p_value)
    assert found["closure"] == dg.closure(LAYERS["bsf"])


def test_an_estimate_is_followed_by_its_error():
    layer = make("er", 12_000, 12_000, 0.0005, seed=0)
    found = dg.summary(layer, ["path_length", "closure"])
    assert 0 < found["path_length_error"] < 0.05
    assert "closure_error" not in found


def test_measures_are_compared_with_random_graphs():
    layer = LAYERS["bsw"]
    found = dg.summary(layer, ["closure", "fan_in_gini"], null_models=5, seed=3)
    nulls = [dg.closure(randomise(layer, seed=child)) for child in np.random.default_rng(3).spawn(5)]
    assert found["closure_null"] == pytest.approx(np.mean(nulls))
    assert found["closure_z"] == pytest.approx((found["closure"] - np.mean(nulls)) / np.std(nulls))
    assert found["fan_in_gini_null"] == pytest.approx(found["fan_in_gini"])
    assert "fan_in_gini_z" not in found  # random graphs have the same degrees


def test_searches_in_random_graphs_do_not_depend_on_threads():
    """igraph has one random state for all threads."""
    layer = make("er", 60, 60, 0.05, seed=0)
    found = [dg.summary(layer, ["modularity"], null_models=12, seed=1, n_jobs=n_jobs) for n_jobs in (1, 4, 4)]
    assert found[0] == found[1] == found[2]


def test_undefined_measures_are_nan_and_warn_with_the_reason():
    with pytest.warns(UndefinedMeasureWarning, match="a power law is undefined where all samples above 0 are 1"):
        found = dg.summary(np.eye(4), ["gamma", "closure"], null_models=2)
    assert math.isnan(found["gamma"])
    assert "gamma_null" not in found
    assert found["closure"] == 0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_measures_that_are_undefined_on_a_random_graph_are_nan_and_warn(n_jobs):
    layer = make("er", 7, 7, 0.32, seed=1)
    measures = ["closure", "lcp_correlation"]
    with pytest.warns(UndefinedMeasureWarning, match=r"lcp_correlation: undefined on \d+ of 20 random graphs: lcp"):
        values = dg.summary(layer, measures, null_models=20, n_jobs=n_jobs)
    assert math.isfinite(values["lcp_correlation"])
    assert math.isnan(values["lcp_correlation_null"])
    assert math.isnan(values["lcp_correlation_z"])
    alone = dg.summary(layer, ["closure"], null_models=20)
    assert values["closure_z"] == pytest.approx(alone["closure_z"], rel=1e-12)


def test_networks_and_one_mode_graphs_have_summaries():
    network = LayeredNetwork({"a": LAYERS["er"], "b": LAYERS["er, in parts"]})
    found = dg.network_summary(network)
    assert found["active_neurons"] == dg.active_neuron_rate(network)
    assert found["credit_paths"] == dg.credit_assignment_paths(network).paths
    assert {"n_layers", "n_neurons", "hub_share", "efficiency"} <= found.keys()
    assert "transitivity" in dg.summary(one_mode_graphs()["karate"])


def test_a_comparison_has_one_row_per_graph():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMeasureWarning)
        table = dg.compare(LAYERS, ["closure", "gamma"], null_models=2)
    assert table.index.tolist() == [*LAYERS]
    assert table.loc["bsw", "closure"] == dg.closure(LAYERS["bsw"])
    assert table.select_dtypes("number").shape == table.shape


def test_bad_input_is_rejected():
    layer = LAYERS["er"]
    with pytest.raises(UnknownNameError, match="did you mean 'closure'"):
        dg.summary(layer, ["closur"])
    with pytest.raises(InvalidValueError, match="'hub_share' is not a measure of a BipartiteGraph"):
        dg.summary(layer, ["hub_share"])
    with pytest.raises(InvalidValueError, match="null_models=-1"):
        dg.summary(layer, null_models=-1)
    with pytest.raises(InvalidTypeError, match="null_models=3 requires a single graph"):
        dg.summary(LayeredNetwork({"a": layer}), null_models=3)
    with pytest.raises(InvalidTypeError, match="network_summary is a measure of a whole network"):
        dg.network_summary(layer)
    with pytest.raises(InvalidValueError, match="graphs is empty"):
        dg.compare({})
    with pytest.raises(InvalidTypeError, match="pass a dict of names to graphs"):
        dg.compare([layer])
