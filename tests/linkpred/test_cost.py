"""The choice of a form: the cost model, and the conditions that rule a form out."""

from math import inf

import numpy as np
import pytest

from tests.linkpred.layers import COMPILED, EACH, FORMS, with_hubs
from topolearn import BipartiteGraph
from topolearn.errors import InvalidValueError
from topolearn.generators import erdos_renyi
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS
from topolearn.linkpred.compiled import best_form, cost, costs, multiplies, prepare


def links(n_in, n_out, density):
    return TwoWayCsr.of(erdos_renyi(n_in, n_out, density, seed=0))


@EACH
@pytest.mark.parametrize(
    ("shape", "density", "expected"),
    [
        ((1000, 4), 0.5, "community"),
        ((500, 500), 0.002, "stream"),
        ((3000, 2000), 0.001, "stream"),
        ((20_000, 20_000), 0.0005, "stream"),
        ((500, 500), 0.1, "community"),
        ((1000, 2000), 0.05, "community"),
    ],
)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_form_that_is_taken(predictor, shape, density, expected, itemsize):
    layer = links(*shape, density)
    assert best_form(layer, PREDICTORS[predictor], itemsize, "auto") == expected
    assert best_form(layer, PREDICTORS[predictor], itemsize, "sparse") == expected


@EACH
def test_nothing_is_compiled_for_a_small_layer(predictor):
    scorer = PREDICTORS[predictor]
    assert prepare(erdos_renyi(64, 64, 0.05, seed=0), scorer, 4, "auto") == ("dense", None)
    for graph, form in ((erdos_renyi(65, 64, 0.05, seed=0), "auto"), (erdos_renyi(9, 9, 0.5, seed=0), "stream")):
        chosen, read = prepare(graph, scorer, 4, form)
        assert chosen == best_form(read, scorer, 4, form) != "dense"


@EACH
def test_the_cheapest_by_the_estimates_is_taken(predictor, monkeypatch):
    layer, taken = links(100, 100, 0.05), {}
    for cheapest in ("stream", "community", "dense"):
        estimate = cost.Costs(**{form: float(form != cheapest) for form in ("stream", "community", "dense")})
        monkeypatch.setattr(cost, "costs", lambda *_, estimate=estimate: estimate)
        taken[cheapest] = best_form(layer, PREDICTORS[predictor], 8, "auto")
    assert taken == {form: form for form in ("stream", "community", "dense")}
    assert best_form(layer, PREDICTORS[predictor], 8, "sparse") in COMPILED


@EACH
@pytest.mark.parametrize("few", [False, True], ids=["by rows", "by inputs"])
def test_estimates_grow_with_links_neurons_and_bytes(predictor, few, monkeypatch):
    monkeypatch.setattr(cost, "has_few_inputs", lambda links, predictor: few and not predictor.per_path)

    def estimates(*arguments, itemsize=4):
        seconds = costs(links(*arguments), PREDICTORS[predictor], itemsize)
        return np.array([seconds.stream, seconds.community, seconds.dense])

    by_density = np.stack([estimates(400, 300, density) for density in (0.01, 0.05, 0.2, 0.6)])
    grows = np.diff(by_density, axis=0)
    assert (by_density > 0).all()
    assert (grows[:, :2] > 0).all()
    assert (grows[:, 2] >= 0).all()
    assert (estimates(800, 300, 0.05) > by_density[1]).all()
    assert (estimates(400, 600, 0.05) > by_density[1]).all()
    wide = estimates(400, 300, 0.05, itemsize=8)
    assert wide[0] >= by_density[1, 0]
    assert (wide[1:] > by_density[1, 1:]).all()


@EACH
def test_a_table_that_is_too_large_rules_the_community_form_out(predictor, monkeypatch):
    layer, scorer = links(500, 400, 0.1), PREDICTORS[predictor]
    monkeypatch.setattr(cost, "TABLE_BYTES", 500 * 500 * 4)
    assert best_form(layer, scorer, 4, "sparse") == "community"
    monkeypatch.setattr(cost, "TABLE_BYTES", 500 * 500 * 4 - 1)
    needs_table = scorer.per == "path"
    assert (costs(layer, scorer, 4).community == inf) is needs_table
    assert best_form(layer, scorer, 4, "sparse") == ("stream" if needs_table else "community")
    assert best_form(layer, scorer, 4, "auto") != "community" or not needs_table


@EACH
def test_a_degree_that_is_too_large_rules_the_community_form_out(predictor, monkeypatch):
    layer, scorer = TwoWayCsr.of(BipartiteGraph(with_hubs(200, 300, 0.2))), PREDICTORS[predictor]
    largest = int(max(layer.fan_in.max(), layer.fan_out.max()))
    monkeypatch.setattr(cost, "MAX_DEGREE", largest)
    assert costs(layer, scorer, 4).community < inf
    assert best_form(layer, scorer, 4, "community") == "community"
    monkeypatch.setattr(cost, "MAX_DEGREE", largest - 1)
    assert costs(layer, scorer, 4).community == costs(layer.transposed, scorer, 4).community == inf
    assert best_form(layer, scorer, 4, "sparse") == "stream"
    with pytest.raises(InvalidValueError, match=f"a neuron has {largest} links"):
        best_form(layer, scorer, 4, "community")


@EACH
@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("auto", "sparse")])
def test_a_form_that_is_named_is_taken(predictor, form):
    for layer in (links(10, 10, 0.3), links(500, 400, 0.001), links(300, 300, 0.3)):
        assert best_form(layer, PREDICTORS[predictor], 8, form) == form


@EACH
def test_a_graph_without_links_costs_next_to_nothing_in_a_stream(predictor):
    layer = TwoWayCsr.of(BipartiteGraph(np.zeros((100, 90))))
    assert costs(layer, PREDICTORS[predictor], 8).stream == cost.CALL * 1e-9
    assert best_form(layer, PREDICTORS[predictor], 8, "sparse") == "stream"


@pytest.mark.parametrize("itemsize", [4, 8])
def test_dense_layers_are_summed_with_products(itemsize, monkeypatch):
    thin, thick = links(300, 400, 0.05), links(300, 400, 0.7)
    node_based, path_based = PREDICTORS["ch2_l3n"], PREDICTORS["ch3_l3p"]
    assert [multiplies(layer, node_based, itemsize) for layer in (thin, thick)] == [False, True]
    assert not multiplies(thick, path_based, itemsize)
    before = costs(thick, node_based, itemsize).community
    monkeypatch.setattr(cost, "TABLE_BYTES", 300 * 700 * itemsize - 1)
    assert not multiplies(thick, node_based, itemsize)
    assert costs(thick, node_based, itemsize).community > before
