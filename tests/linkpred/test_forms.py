"""All forms of a predictor give the same scores, for one or several layers of any shape and any number of threads."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from tests.linkpred.by_hand import scores_by_hand
from tests.linkpred.layers import (
    AUTHORS,
    COMPILED,
    EACH,
    EACH_FORM,
    FORMS,
    NEEDS_REFERENCE,
    layers,
    reference_cases,
    with_hubs,
)
from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.generators import erdos_renyi
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS, score
from topolearn.linkpred.compiled import cost, forms
from topolearn.linkpred.compiled.products import product_scores

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}
FEW = examples(20)
ROW_WITHOUT_LINKS = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], dtype=bool)
WIDE, TALL = with_hubs(45, 300, 0.05), with_hubs(600, 30, 0.1)


def agree(adjacency, predictor, forms=FORMS):
    """Check that the given forms match the dense scores in both precisions."""
    expected = score(adjacency, predictor, form="dense")
    for form in forms:
        for dtype, tolerance in TOLERANCE.items():
            scores = score(adjacency, predictor, form=form, dtype=dtype)
            assert scores.dtype == dtype
            np.testing.assert_allclose(scores, expected, rtol=tolerance, atol=0, err_msg=f"{form}, {dtype}")
    return expected


@EACH
@FEW
@given(adjacency=layers())
@example(adjacency=np.zeros((3, 2), dtype=bool))
@example(adjacency=np.ones((33, 34), dtype=bool))
@example(adjacency=~np.eye(40, 41, dtype=bool))
@example(adjacency=np.eye(40, dtype=bool))
@example(adjacency=np.tri(40, dtype=bool))
@example(adjacency=ROW_WITHOUT_LINKS)
@example(adjacency=ROW_WITHOUT_LINKS.T)
def test_all_forms_agree(predictor, adjacency):
    agree(adjacency, predictor)


@EACH
@examples(15)
@given(adjacency=layers(most=9))
@example(adjacency=ROW_WITHOUT_LINKS)
@example(adjacency=ROW_WITHOUT_LINKS.T)
def test_all_forms_are_the_definition(predictor, adjacency):
    expected = scores_by_hand(adjacency, predictor)
    for form in FORMS:
        np.testing.assert_allclose(score(adjacency, predictor, form=form), expected, rtol=1e-11, err_msg=form)


@NEEDS_REFERENCE
@EACH_FORM
@pytest.mark.parametrize("predictor", AUTHORS)
def test_all_forms_give_the_scores_by_the_authors(predictor, form):
    for case in reference_cases():
        scores = score(np.array(case["adjacency"]), predictor.lower(), form=form)
        np.testing.assert_allclose(scores, case[predictor], rtol=0, atol=1e-9, err_msg=case["name"])


@EACH
@EACH_FORM
def test_the_two_sides_are_equals_in_every_form(predictor, form):
    for adjacency in (with_hubs(23, 41, 0.15), np.tri(70, 37, dtype=bool)):
        scores = score(adjacency.T, predictor, form=form)
        np.testing.assert_allclose(scores, score(adjacency, predictor, form=form).T, rtol=1e-11)
        assert scores.any()


@EACH
@pytest.mark.parametrize(
    "adjacency",
    [with_hubs(70, 45, 0.1), WIDE, WIDE.T, TALL, TALL.T, np.random.default_rng(0).random((97, 101)) < 0.6],
    ids=["a few panels", "wide", "tall", "more than a block of seeds", "its transpose", "dense"],
)
def test_layers_larger_than_a_block(predictor, adjacency):
    assert agree(adjacency, predictor).any()


@pytest.mark.slow  # a layer of some size
@pytest.mark.parametrize("predictor", ["ch3_l3p", "ch31_l3n"])
def test_layers_whose_tables_outgrow_the_first_level_cache(predictor):
    adjacency = np.random.default_rng(1).random((900, 500)) < 0.3
    assert agree(adjacency, predictor, ["community"]).any()


@EACH
@pytest.mark.parametrize("form", COMPILED)
@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_the_number_of_threads_does_not_change_a_bit(predictor, form, dtype, n_threads):
    adjacency = with_hubs(301, 130, 0.06)
    by_threads = []
    for threads in (1, 2, 3):
        n_threads(threads)
        by_threads.append(score(adjacency, predictor, form=form, dtype=dtype))
    assert by_threads[0].any()
    np.testing.assert_array_equal(by_threads[1], by_threads[0])
    np.testing.assert_array_equal(by_threads[2], by_threads[0])


@EACH
@EACH_FORM
@pytest.mark.parametrize("shape", [(20, 14), (14, 20), (80, 66)])
def test_layers_scored_together_are_scored_as_each_alone(predictor, form, shape):
    masks = torch.stack([torch.from_numpy(with_hubs(*shape, density, seed=1)) for density in (0.1, 0.3, 0, 0.05)])
    masks[2] = False
    together = score(masks, predictor, form=form)
    assert together.shape == masks.shape
    assert together.dtype == torch.float64
    for mask, scores in zip(masks, together, strict=True):
        torch.testing.assert_close(scores, score(mask, predictor, form=form), rtol=1e-12, atol=0)
    assert not together[2].any()
    assert together[[0, 1, 3]].any(dim=(1, 2)).all()
    assert score(masks, predictor, form=form, dtype="float32").dtype == torch.float32


@EACH
@EACH_FORM
@pytest.mark.parametrize(
    "adjacency",
    [
        np.zeros((5, 7), dtype=bool),
        np.eye(9, 6, dtype=bool),
        np.eye(70, 90, dtype=bool),
        np.zeros((70, 90), dtype=bool),
    ],
    ids=["empty", "no paths", "no paths, larger", "empty, larger"],
)
def test_layers_without_paths_have_no_scores(predictor, form, adjacency):
    assert not score(adjacency, predictor, form=form).any()
    star = np.zeros_like(adjacency)
    star[0] = True
    assert not score(star, predictor, form=form).any()


@pytest.mark.parametrize("form", ["sparse", *COMPILED])
def test_compiled_forms_are_rejected_off_the_cpu(form):
    message = f"form='{form}' runs on the CPU, not on meta"
    for graph in (np.eye(3), torch.eye(3, dtype=torch.bool), torch.zeros(2, 3, 3, dtype=torch.bool)):
        with pytest.raises(InvalidValueError, match=message):
            score(graph, "ch3_l3p", form=form, device="meta")
    with pytest.raises(InvalidValueError, match=message):
        score(torch.eye(3, dtype=torch.bool, device="meta"), "ch3_l3p", form=form)


@EACH
def test_a_neuron_with_more_links_than_the_community_form_counts(predictor, monkeypatch):
    adjacency = with_hubs(70, 90, 0.05)
    largest = int(max(adjacency.sum(axis=0).max(), adjacency.sum(axis=1).max()))
    expected = score(adjacency, predictor)
    monkeypatch.setattr(cost, "MAX_DEGREE", largest)
    assert score(adjacency, predictor, form="community").any()
    monkeypatch.setattr(cost, "MAX_DEGREE", largest - 1)
    for same in (adjacency, adjacency.T):
        with pytest.raises(InvalidValueError, match=f"a neuron has {largest} links, .* to {largest - 1}: use .*stream"):
            score(same, predictor, form="community")
    np.testing.assert_allclose(score(adjacency, predictor, form="sparse"), expected, rtol=1e-11)


def test_counts_up_to_the_largest_that_the_community_form_allows():
    """Two neurons share as many links as an int16 can hold."""
    n = cost.MAX_DEGREE
    adjacency = np.zeros((3, n + 1), dtype=bool)
    adjacency[:2, : n - 1] = adjacency[1:, n - 1] = True
    scores = score(adjacency, "ch3_l3n", form="community")
    assert scores[0, n - 1] == pytest.approx(1 + (n - 1), rel=1e-12)  # no member has an external link
    assert scores[2, 0] == pytest.approx(1 / (n - 1) + 1, rel=1e-12)  # n - 2 links of output 1 are external
    assert np.count_nonzero(scores) == n


def test_a_generated_graph_is_scored_as_its_matrix():
    graph = erdos_renyi(90, 110, 0.08, seed=3)
    for name in PREDICTORS:
        for form in FORMS:
            np.testing.assert_array_equal(
                score(graph, name, form=form), score(graph.to_scipy().toarray(), name, form=form)
            )


@EACH
@FEW
@given(adjacency=layers(most=150), by_products=st.booleans())
def test_narrow_tables_and_products_agree(predictor, adjacency, by_products):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forms, "multiplies", lambda *_: by_products and PREDICTORS[predictor].per == "neuron")
        agree(adjacency, predictor, ["community"])


def test_products_serve_any_block_of_rows():
    links = TwoWayCsr.of(erdos_renyi(130, 70, 0.6, seed=0))
    compute = product_scores(links, PREDICTORS["ch2_l3n"], torch.float64)
    whole = compute((0, 70))
    for rows in ((0, 1), (3, 70), (64, 65)):
        np.testing.assert_allclose(compute(rows), whole[slice(*rows)], rtol=1e-12)
