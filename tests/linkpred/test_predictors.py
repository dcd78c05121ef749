"""Every predictor against the scores of the authors and against its definition, and the limits on its memory."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from scipy import sparse

import topolearn as tl
from tests.linkpred.by_hand import PER_NODE, PER_PATH, scores_by_hand
from tests.linkpred.layers import AUTHORS, EACH, IN_ALL_FORMS, NEEDS_REFERENCE, matrices, reference_cases
from tests.profiles import examples
from topolearn import linkpred
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.evolution.regrowth import Site
from topolearn.generators import bipartite_scale_free, bipartite_small_world, erdos_renyi
from topolearn.linkpred import PREDICTORS, memory, random, score
from topolearn.linkpred.dense.node_based import node_based
from topolearn.linkpred.dense.path_based import _add, _add_in_turn, path_based
from topolearn.linkpred.rounding import rounded

SMALL = matrices(most=8)


@NEEDS_REFERENCE
@pytest.mark.parametrize("predictor", AUTHORS)
@pytest.mark.parametrize("shape", ["as it is", "transposed"])
def test_all_scores_by_the_authors(predictor, shape):
    for case in reference_cases():
        adjacency, expected = np.array(case["adjacency"]), np.array(case[predictor])
        if shape == "transposed":
            adjacency, expected = adjacency.T, expected.T
        scores = score(adjacency, predictor.lower())
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9, err_msg=case["name"])
        np.testing.assert_allclose(scores_by_hand(adjacency, predictor.lower()), expected, rtol=0, atol=1e-9)


@EACH
@examples(60)
@given(adjacency=SMALL)
@example(adjacency=np.zeros((3, 2), dtype=bool))
@example(adjacency=np.ones((3, 4), dtype=bool))
@example(adjacency=~np.eye(8, 9, dtype=bool))
@example(adjacency=np.tri(8, dtype=bool))
@example(adjacency=np.tri(2, 8, dtype=bool))
def test_the_definition_by_explicit_paths(predictor, adjacency):
    np.testing.assert_allclose(score(adjacency, predictor), scores_by_hand(adjacency, predictor), rtol=1e-12)


@EACH
@pytest.mark.parametrize(
    "graph",
    [
        bipartite_small_world(24, 16, 0.15, beta=0.25, seed=1),
        bipartite_scale_free(16, 24, 0.15, seed=1),
        erdos_renyi(60, 6, 0.2, seed=1),
        erdos_renyi(6, 60, 0.2, seed=1),
    ],
    ids=["small world", "scale free", "wide", "tall"],
)
def test_the_definition_on_layers_of_a_generator(predictor, graph):
    expected = scores_by_hand(graph.to_scipy().toarray(), predictor)
    np.testing.assert_allclose(score(graph, predictor), expected, rtol=1e-12)


def test_every_predictor_has_a_definition_and_a_function_of_its_name():
    assert set(PREDICTORS) == PER_NODE.keys() | PER_PATH.keys()
    graph = erdos_renyi(20, 30, 0.2, seed=0)
    for name in PREDICTORS:
        function = getattr(linkpred, name)
        np.testing.assert_array_equal(function(graph), score(graph, name))
        assert function(graph).shape == (30, 20)
        assert function(graph).flags.c_contiguous


def test_internal_links_of_ch1_are_counted_as_the_authors_do():
    """Nothing is added, unlike for starred symbols: on a single path, each neuron has one internal link of two."""
    assert linkpred.ch1_l3(np.array([[1, 0], [1, 1]]))[0, 1] == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (3, 40), (40, 3)])
@pytest.mark.parametrize("block", [1, 100, 1500])
def test_blocks_give_the_scores_of_the_whole(shape, block):
    links = erdos_renyi(*shape, 0.3, seed=3).to_torch()
    adjacency = torch.stack([links, links.flip(0)]).double()

    def weight(degree, internal, external):
        return (1 + external).reciprocal()

    for compute in (node_based, path_based):
        expected = compute(adjacency, weight)
        assert expected.any()
        torch.testing.assert_close(compute(adjacency, weight, block=block), expected, rtol=1e-12, atol=0)
        torch.testing.assert_close(compute(adjacency.mT, weight, block=block).mT, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("add", [_add, _add_in_turn])
def test_contributions_are_added_where_rows_repeat(add):
    """As on the CPU, and as on a GPU."""
    scores, members = torch.zeros(4, 3), torch.tensor([[0, 2], [2, 3]])
    add(scores, members, torch.arange(12.0).reshape(2, 2, 3))
    assert scores.tolist() == [[0, 1, 2], [0, 0, 0], [9, 11, 13], [9, 10, 11]]


HUGE = tl.BipartiteGraph.from_edges([(0, 0), (1, 0)], n_in=10**6, n_out=10**6)
NEEDS = r"the scores of a graph of 1000000 x 1000000 neurons need"


@pytest.mark.parametrize(("form", "bytes_a_cell"), [("auto", 8), ("stream", 8), ("community", 8), ("dense", 33)])
@EACH
def test_graphs_too_large_for_memory_are_rejected_before_anything_is_made(predictor, form, bytes_a_cell):
    with pytest.raises(InvalidValueError, match=rf"{NEEDS} {bytes_a_cell}000000000000 bytes.*linkpred.select"):
        score(HUGE, predictor, form=form)
    half = (bytes_a_cell + 1) // 2
    with pytest.raises(InvalidValueError, match=f"{NEEDS} {half}000000000000 bytes"):
        score(sparse.csr_array((10**6, 10**6)), predictor, form=form, dtype="float32")


def test_random_scores_too_large_for_memory_are_rejected_before_anything_is_made():
    with pytest.raises(InvalidValueError, match=f"{NEEDS} 33000000000000 bytes"):
        random(HUGE)
    with pytest.raises(InvalidValueError, match=f"{NEEDS} 17000000000000 bytes.*float32"):
        random(sparse.csr_array((10**6, 10**6)), dtype="float32")


@EACH
def test_what_memory_bounds(predictor, monkeypatch):
    graph = erdos_renyi(30, 20, 0.2, seed=0)
    local = 8 * 12 * (2 * 30 + 2 * 12) if predictor in PER_PATH else 0  # no neuron has more than 12 links
    monkeypatch.setattr(memory, "memory_of", lambda device: 30 * 20 * 33 + local)
    assert score(graph, predictor, form="dense").any()
    monkeypatch.setattr(memory, "memory_of", lambda device: 30 * 20 * 33 - 1)
    for same in (graph, graph.to_torch(), graph.to_torch()[None]):
        with pytest.raises(InvalidValueError, match=r"need 19800 bytes.*cpu has 19799"):
            score(same, predictor, form="dense")
    if predictor in PER_NODE:
        assert score(graph, predictor, form="dense", dtype="float32").any()


@EACH
@pytest.mark.parametrize("form", ["stream", "community"])
def test_what_memory_bounds_without_products(predictor, form, monkeypatch):
    graph = erdos_renyi(30, 20, 0.2, seed=0)
    pairs = 30 * 30 if form == "community" and predictor in PER_PATH else 0
    needed = (30 * 20 + pairs) * 8
    monkeypatch.setattr(memory, "memory_of", lambda device: needed)
    assert score(graph, predictor, form=form).any()
    monkeypatch.setattr(memory, "memory_of", lambda device: needed - 1)
    with pytest.raises(InvalidValueError, match=f"need {needed} bytes"):
        score(graph, predictor, form=form)
    assert score(graph, predictor, form=form, dtype="float32").any()


def test_a_hub_too_large_for_memory_is_rejected(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda device: 70_000)
    links = np.zeros((40, 30), dtype=bool)
    links[0] = links[:, 0] = True
    links[1:, 1:][np.eye(39, 29, dtype=bool)] = True
    with pytest.raises(InvalidValueError, match="cpu has 70000"):
        score(links, "ch3_l3p", form="dense")
    assert score(links, "ch3_l3n", form="dense").any()
    assert score(links, "ch3_l3p", form="stream").any()


def test_memory_of_a_cpu_is_that_of_the_machine():
    assert 2**28 < memory.memory_of(torch.device("cpu")) < 2**50


def test_random_scores_come_from_the_field():
    graph = erdos_renyi(30, 20, 0.2, seed=0)
    links = graph.to_scipy().toarray()
    scores = random(graph, seed=5)
    expected = tl.sampling.RandomField(5, purpose="random").uniform(torch.arange(600)).numpy().reshape(20, 30)
    np.testing.assert_array_equal(scores, np.where(links, 0, expected))
    np.testing.assert_array_equal(scores, score(graph, "random", seed=5))
    assert (random(graph) != random(graph)).any()
    assert isinstance(random(graph.to_torch(), seed=5), torch.Tensor)
    single = score(graph, "random", seed=5, dtype="float32")
    np.testing.assert_allclose(single, scores, rtol=1e-6)
    np.testing.assert_array_equal(score(graph, "random", seed=np.int64(5)), scores)


def test_random_scores_do_not_depend_on_the_block(monkeypatch):
    module = __import__("sys").modules["topolearn.linkpred.random"]
    expected = random(np.eye(7), seed=1)
    monkeypatch.setattr(module, "BLOCK", 5)
    np.testing.assert_array_equal(random(np.eye(7), seed=1), expected)


@pytest.mark.parametrize(
    ("predictor", "seed", "error", "message"),
    [
        ("random", -1, InvalidValueError, "seed=-1"),
        ("random", 1.5, InvalidTypeError, "seed=1.5"),
        ("random", True, InvalidTypeError, "seed=True"),
        ("ch3_l3p", 1, InvalidValueError, "'ch3_l3p' is deterministic"),
        ("randm", 1, UnknownNameError, "did you mean 'random'"),
    ],
)
def test_invalid_seeds_are_rejected(predictor, seed, error, message):
    with pytest.raises(error, match=message):
        score(np.eye(3), predictor, seed=seed)


@pytest.mark.parametrize("soft", [False, True])
def test_every_predictor_is_a_regrowth(soft):
    assert "random" not in PREDICTORS
    assert list(tl.evolution.REGROWTHS) == [*IN_ALL_FORMS, "gradient"]
    graph, field = erdos_renyi(12, 10, 0.3, seed=0), tl.sampling.RandomField(2, "fc", 1, "regrowth")
    mask = graph.to_torch()
    links = mask.flatten().nonzero().squeeze(1)
    site = Site(links, (10, 12), barred=links[:0])
    for name in IN_ALL_FORMS:
        cells = tl.evolution.REGROWTHS[name].choose(site, 7, field, soft)
        expected = linkpred.select_cells(mask, name, 7, field, soft=soft, dtype=torch.float32)
        assert torch.equal(cells, expected)
        assert cells.unique().tolist() == cells.tolist()
        assert cells.numel() == 7
        assert not mask.flatten()[cells].any()


@pytest.mark.parametrize("form", ["dense", "stream", "community"])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("name", IN_ALL_FORMS)
def test_barred_cells_are_left_out_and_nothing_else_changes(name, soft, form):
    graph, field = erdos_renyi(12, 10, 0.3, seed=0), tl.sampling.RandomField(2)
    free = (~graph.to_torch()).flatten().nonzero().squeeze(1)
    barred = free[::3]
    form = "auto" if name == "random" else form
    cells = linkpred.select_cells(graph, name, 7, field, soft=soft, form=form, barred=barred)
    assert not torch.isin(cells, barred).any()
    if name != "random":
        scores = rounded(torch.as_tensor(score(graph, name))).flatten()
        left = free[~torch.isin(free, barred)]
        excluded = (~torch.isin(torch.arange(120), left)).nonzero().squeeze(1)
        expected = tl.sampling.choose(left, scores[left], 7, field, soft=soft, n_cells=120, excluded=excluded)
        assert torch.equal(cells, expected)


def test_random_scores_of_several_layers_differ_and_the_first_equals_that_of_a_single_layer():
    layers = torch.zeros(3, 4, 5, dtype=torch.bool)
    layers[:, 1, 2] = True
    scores = random(layers, seed=1)
    expected = tl.sampling.RandomField(1, purpose="random").uniform(torch.arange(60)).reshape(3, 4, 5)
    assert torch.equal(scores, expected.masked_fill(layers, 0))
    assert torch.equal(scores[0], random(layers[0], seed=1))
