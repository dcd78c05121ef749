"""Layers with few input neurons: sums over a matrix of weights, then corrected, make the choice from all scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.linkpred.layers import layers, with_hubs
from tests.linkpred.test_select import SOFT, chosen_from_all
from tests.profiles import examples
from topolearn.generators import erdos_renyi
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS, select
from topolearn.linkpred.compiled import candidates, few_inputs, pair_weights

NODE_BASED = pytest.mark.parametrize("predictor", [name for name, each in PREDICTORS.items() if not each.per_path])


@pytest.fixture(scope="module", autouse=True)
def always():
    """Use the matrix of weights for every layer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "fills_rows", lambda links: False)
        patch.setattr(candidates, "has_few_inputs", lambda links, predictor: not predictor.per_path)
        yield


@NODE_BASED
@SOFT
@examples(40)
@given(adjacency=layers(), data=st.data())
def test_the_choice_is_that_from_all_scores(predictor, soft, adjacency, data):
    k = data.draw(st.integers(0, int((~adjacency).sum())), label="k")
    edges = select(adjacency, predictor, k, soft=soft, seed=0, form="stream")
    np.testing.assert_array_equal(edges, chosen_from_all(adjacency, predictor, k, soft=soft))


@NODE_BASED
@SOFT
def test_hubs_share_many_neighbours(predictor, soft):
    adjacency = with_hubs(300, 40, 0.1)
    edges = select(adjacency, predictor, 900, soft=soft, seed=0, form="stream", dtype="float32")
    np.testing.assert_array_equal(edges, chosen_from_all(adjacency, predictor, 900, soft=soft, dtype="float32"))


def test_it_is_used_where_pair_weights_would_not_fit(monkeypatch):
    links, scorer = TwoWayCsr.of(erdos_renyi(30, 500, 0.1, seed=0)), PREDICTORS["ch2_l3n"]
    assert pair_weights.fills_rows(links)
    assert not few_inputs.has_few_inputs(links, scorer)
    monkeypatch.setattr(pair_weights, "MOST", 1000)
    assert few_inputs.has_few_inputs(links, scorer)
    assert not few_inputs.has_few_inputs(links, PREDICTORS["ch3_l3p"])
    assert not few_inputs.has_few_inputs(TwoWayCsr.of(erdos_renyi(30, 500, 0.01, seed=0)), scorer)
    monkeypatch.setattr(few_inputs, "MOST", 30**2 - 1)
    assert not few_inputs.has_few_inputs(links, scorer)
