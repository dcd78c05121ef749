"""Choose new links without storing all scores: the same choice as from all scores, in every form and chunk size."""

import tracemalloc
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from tests.linkpred.layers import COMPILED, EACH, EACH_FORM, FORMS, IN_ALL_FORMS, layers, with_hubs
from tests.profiles import examples
from topolearn import BipartiteGraph
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import erdos_renyi
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred import PREDICTORS, memory, names, score, select, select_cells
from topolearn.linkpred.compiled import candidates, pair_weights
from topolearn.linkpred.rounding import rounded
from topolearn.sampling import RandomField, choose, fill, pool

SOFT = pytest.mark.parametrize("soft", [False, True])


def chosen_from_all(adjacency, predictor, k, *, soft, seed=0, form="dense", dtype="float64"):
    """The choice of k links from the matrix of all scores, as rows (input, output)."""
    scores = torch.from_numpy(score(adjacency, predictor, form=form, dtype=dtype))
    links, others = (torch.from_numpy(np.flatnonzero(which)) for which in (adjacency, ~adjacency))
    scores = rounded(scores).flatten()[others]
    field = RandomField(seed, purpose="select")
    cells = choose(others, scores, k, field, soft=soft, n_cells=adjacency.size, excluded=links).numpy()
    return np.column_stack([cells % adjacency.shape[1], cells // adjacency.shape[1]])


def check(edges, adjacency, k):
    """Check that the choice consists of k different non-links."""
    assert edges.dtype == np.int64
    assert edges.shape == (k, 2)
    assert len({tuple(edge) for edge in edges.tolist()}) == k
    assert not adjacency[edges[:, 1], edges[:, 0]].any()


@EACH
@SOFT
@examples(20)
@given(adjacency=layers(), data=st.data())
@example(adjacency=~np.eye(9, 10, dtype=bool), data=None)
@example(adjacency=np.eye(7, 30, dtype=bool), data=None)
def test_the_choice_is_that_from_all_scores(predictor, soft, adjacency, data):
    n_free = int((~adjacency).sum())
    ks = [0, n_free, n_free // 3] if data is None else [data.draw(st.integers(0, n_free), label="k")]
    seed = 1 if data is None else data.draw(st.integers(0, 10**6), label="seed")
    for k in ks:
        expected = chosen_from_all(adjacency, predictor, k, soft=soft, seed=seed)
        for form in FORMS:
            edges = select(adjacency, predictor, k, soft=soft, seed=seed, form=form)
            check(edges, adjacency, k)
            np.testing.assert_array_equal(edges, expected, err_msg=form)


@EACH
@SOFT
@pytest.mark.parametrize("form", ["dense", *COMPILED])
def test_the_choice_in_single_precision_is_that_from_all_scores_of_the_form(predictor, soft, form):
    adjacency = with_hubs(70, 45, 0.07)
    for k in (1, 40, 300, int((~adjacency).sum()) - 2):
        expected = chosen_from_all(adjacency, predictor, k, soft=soft, form=form, dtype="float32")
        edges = select(adjacency, predictor, k, soft=soft, seed=0, form=form, dtype="float32")
        np.testing.assert_array_equal(edges, expected)


@EACH
@SOFT
@EACH_FORM
def test_those_with_a_score_are_all_taken_before_any_other(predictor, soft, form):
    adjacency = np.zeros((70, 90), dtype=bool)
    adjacency[:9, :8] = with_hubs(9, 8, 0.3)
    scores = score(adjacency, predictor)
    n_scored = np.count_nonzero(scores)
    chosen = set()
    for seed in range(3):
        edges = select(adjacency, predictor, n_scored + 60, soft=soft, seed=seed, form=form)
        check(edges, adjacency, n_scored + 60)
        assert np.count_nonzero(scores[edges[:, 1], edges[:, 0]]) == n_scored
        chosen |= {tuple(edge) for edge in edges.tolist()}
    assert len(chosen) > n_scored + 150
    fewer = select(adjacency, predictor, n_scored - 1, soft=soft, seed=0, form=form)
    assert (scores[fewer[:, 1], fewer[:, 0]] > 0).all()


@SOFT
@pytest.mark.parametrize("form", ["dense", *COMPILED])
def test_equal_scores_are_chosen_equally_often(soft, form):
    """The only non-links of this graph are on its diagonal, and they are all alike."""
    counts = np.zeros(8)
    for seed in range(200):
        edges = select(BipartiteGraph(~np.eye(8, dtype=bool)), "ch2_l3p", 2, soft=soft, seed=seed, form=form)
        assert (edges[:, 0] == edges[:, 1]).all()
        counts[edges[:, 0]] += 1
    assert counts.sum() == 400
    assert np.abs(counts - 50).max() < 28


@pytest.mark.parametrize("form", ["dense", *COMPILED])
@pytest.mark.parametrize("predictor", [pytest.param("ch3_l3p", marks=pytest.mark.slow), "ch2_l3n"])
def test_a_soft_choice_is_drawn_in_proportion_to_the_scores(predictor, form):
    adjacency = np.array([[1, 1, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1]], dtype=bool)
    scores = score(adjacency, predictor)
    share = scores / scores.sum()
    assert np.unique(share[share > 0].round(9)).size > 1
    others = (share[~adjacency] / (1 - share[~adjacency])).sum()
    included = share * (1 + others - share / (1 - share))  # first, or second after another
    single, pairs = np.zeros_like(scores), np.zeros_like(scores)
    for seed in range(400):
        (i, o), *_ = select(adjacency, predictor, 1, soft=True, seed=seed, form=form)
        single[o, i] += 1
        for i, o in select(adjacency, predictor, 2, soft=True, seed=seed, form=form):
            pairs[o, i] += 1
    positive = scores > 0
    assert not single[~positive].any()
    assert stats.chisquare(single[positive], 400 * share[positive]).pvalue > 1e-3
    np.testing.assert_allclose(pairs / 400, included, atol=4 * np.sqrt(0.25 / 400))


@EACH
@SOFT
@pytest.mark.parametrize("form", COMPILED)
def test_neither_threads_nor_chunks_matter(predictor, soft, form, n_threads, monkeypatch):
    adjacency = with_hubs(60, 45, 0.06)
    ks = (1, 150)
    expected = [chosen_from_all(adjacency, predictor, k, soft=soft) for k in ks]
    for candidates_at_once, slack, block in ((2**20, 2**20, 2**24), (40, 3, 300), (1, 0, 1000)):
        monkeypatch.setattr(candidates, "CANDIDATES", candidates_at_once)
        monkeypatch.setattr(pool, "SLACK", slack)
        monkeypatch.setattr(import_module("topolearn.linkpred.select"), "BLOCK", block)
        for threads in (1, 2, 3):
            n_threads(threads)
            for k, links in zip(ks, expected, strict=True):
                np.testing.assert_array_equal(
                    select(adjacency, predictor, k, soft=soft, seed=0, form=form), links, err_msg=f"{k}, {threads}"
                )


@EACH
@SOFT
def test_weights_are_kept_or_counted_for_each_row(predictor, soft, monkeypatch):
    adjacency = with_hubs(60, 45, 0.06)
    links = TwoWayCsr.of(BipartiteGraph(adjacency))
    assert pair_weights.fills_rows(links)
    kept = select(adjacency, predictor, 150, soft=soft, seed=0, form="stream")
    monkeypatch.setattr(pair_weights, "MOST", 10)
    assert not pair_weights.fills_rows(links)
    np.testing.assert_array_equal(select(adjacency, predictor, 150, soft=soft, seed=0, form="stream"), kept)


def test_weights_of_wide_layers_are_counted_for_each_row():
    """Few scores in their rows are non-zero, so no kernel goes through all of them."""
    assert not pair_weights.fills_rows(TwoWayCsr.of(erdos_renyi(20_000, 20_000, 0.0002, seed=0)))


@pytest.mark.parametrize("form", COMPILED)
@pytest.mark.parametrize("predictor", ["ch2_l3n", "ch3_l3p"])
def test_a_bound_that_was_too_high_is_corrected(predictor, form, monkeypatch):
    adjacency, offers = with_hubs(60, 45, 0.06), []
    expected = select(adjacency, predictor, 150, soft=True, seed=0, form=form)
    offer = pool.Pool.offer
    monkeypatch.setattr(pool, "MARGIN", -0.99)
    monkeypatch.setattr(pool.Pool, "offer", lambda self, *candidates: offers.append(self) or offer(self, *candidates))
    np.testing.assert_array_equal(select(adjacency, predictor, 150, soft=True, seed=0, form=form), expected)
    assert len({id(each) for each in offers}) == 1 + (form == "community" or predictor == "ch2_l3n")


@EACH
def test_the_sum_of_all_scores_is_known_from_the_weights(predictor):
    adjacency, scorer = with_hubs(60, 45, 0.06), PREDICTORS[predictor]
    total = pair_weights.pairs_of(TwoWayCsr.of(BipartiteGraph(adjacency)), scorer, torch.float64).total
    if not scorer.per_path:
        assert total == pytest.approx(score(adjacency, predictor).sum(), rel=1e-12)


@pytest.mark.parametrize("form", COMPILED)
@pytest.mark.parametrize("predictor", ["ch3_l3p", "ch3_l3n"])
@SOFT
def test_ties_are_broken_alike_in_chunks_of_any_size(predictor, form, soft, monkeypatch):
    """A ring of neurons, each linked to the five nearest: candidates have very few different scores."""
    ring = np.abs((np.arange(70)[:, None] - np.arange(70) + 35) % 70 - 35) <= 2
    expected = [chosen_from_all(ring, predictor, 30, soft=soft, seed=seed) for seed in range(5)]
    monkeypatch.setattr(candidates, "CANDIDATES", 40)
    monkeypatch.setattr(pool, "SLACK", 0)
    monkeypatch.setattr(import_module("topolearn.linkpred.select"), "BLOCK", 300)
    for seed, links in enumerate(expected):
        np.testing.assert_array_equal(select(ring, predictor, 30, soft=soft, seed=seed, form=form), links)


@pytest.mark.parametrize("form", COMPILED)
def test_a_full_pool_is_offered_few_candidates(form, monkeypatch):
    offered = []

    class Spy(pool.Pool):
        def offer(self, cells, scores):
            offered.append(cells.numel())
            super().offer(cells, scores)

    module = import_module("topolearn.linkpred.select")
    monkeypatch.setattr(module, "Pool", Spy)
    monkeypatch.setattr(candidates, "CANDIDATES", 500)
    adjacency = np.random.default_rng(0).random((150, 150)) < 0.05
    for soft in (False, True):
        offered.clear()
        select(adjacency, "ch3_l3p", 10, soft=soft, seed=0, form=form)
        assert len(offered) > 10
        assert 10 <= sum(offered) < np.count_nonzero(score(adjacency, "ch3_l3p")) / 3


@pytest.mark.parametrize("name", names(two_sides=True))
def test_every_name_and_kind_of_graph(name):
    graph = erdos_renyi(80, 70, 0.06, seed=5)
    adjacency = graph.to_scipy().toarray()
    expected = select(graph, name, 25, seed=3)
    check(expected, adjacency, 25)
    assert expected.tolist() == sorted(expected.tolist(), key=lambda edge: edge[::-1])
    for same in (adjacency, graph.to_scipy(), graph.to_torch(), graph.to_torch().float()):
        edges = select(same, name, 25, seed=3, progress=True)
        assert isinstance(edges, np.ndarray)
        np.testing.assert_array_equal(edges, expected)
    assert (select(graph, name, 25, soft=True, seed=3) != select(graph, name, 25, soft=True, seed=4)).any()
    assert (select(graph, name, 25, soft=True) != select(graph, name, 25, soft=True)).any()


def test_random_draws_from_all_non_links_uniformly_whatever_the_form():
    adjacency = np.eye(4, 3, dtype=bool)
    field = RandomField(5, purpose="select, filled")
    expected = fill(4, 12, torch.from_numpy(np.flatnonzero(adjacency)), field)
    counts = np.zeros((4, 3))
    for form in FORMS:
        edges = select(adjacency, "random", 4, seed=5, form=form)
        assert (edges[:, 1] * 3 + edges[:, 0]).tolist() == expected.tolist()
    for seed in range(300):
        edges = select(adjacency, "random", 3, seed=seed)
        check(edges, adjacency, 3)
        counts[edges[:, 1], edges[:, 0]] += 1
    np.testing.assert_allclose(counts[~adjacency], 100, atol=4 * np.sqrt(300 * 2 / 9))


def test_cells_are_drawn_from_the_given_field():
    adjacency, field = with_hubs(70, 90, 0.05), RandomField(3, "fc", 8, "regrowth")
    for form in FORMS:
        cells = select_cells(torch.from_numpy(adjacency), "ch3_l3p", 30, field, soft=True, form=form)
        links = torch.from_numpy(np.flatnonzero(adjacency))
        scores = rounded(torch.from_numpy(score(adjacency, "ch3_l3p")).flatten())
        scores[links] = 0
        others = scores.nonzero().squeeze(1)
        drawn = choose(others, scores[others], 30, field, soft=True, n_cells=adjacency.size, excluded=links)
        assert torch.equal(cells, drawn)


def test_progress_counts_all_rows(monkeypatch):
    monkeypatch.setattr(candidates, "FEW", 1)
    done = []
    links = TwoWayCsr.of(erdos_renyi(50, 64, 0.1, seed=0))
    best = pool.Pool(5, RandomField(0), soft=False)
    candidates.stream(links, PREDICTORS["ch3_l3p"], torch.float64, best, done.append)
    assert len(done) > 1
    assert sum(done) == 64


@pytest.mark.parametrize(
    ("graph", "predictor", "k", "keywords", "error", "message"),
    [
        (np.eye(3), "ch3_l3p", -1, {}, InvalidValueError, r"k=-1 links requested, but 6 of 9 pairs.*0\.\.6"),
        (np.eye(3), "ch3_l3p", 7, {}, InvalidValueError, "k=7 links requested, but 6 of 9 pairs"),
        (np.eye(3), "random", 7, {}, InvalidValueError, "k=7 links requested, but 6 of 9 pairs"),
        (np.eye(3), "ch3_l3p", 1.5, {}, InvalidTypeError, "k=1.5"),
        (np.eye(3), "ch3_l3p", True, {}, InvalidTypeError, "k=True"),
        (np.eye(3), "ch3-l3p", 1, {}, UnknownNameError, "did you mean 'ch3_l3p'"),
        (np.eye(3), "ch3_l3p", 1, {"seed": -1}, InvalidValueError, "seed=-1"),
        (np.eye(3), "ch3_l3p", 1, {"dtype": "float16"}, InvalidValueError, "float16"),
        (np.array([[1, np.nan]]), "ch3_l3p", 1, {}, InvalidValueError, "nan"),
        ("a graph", "ch3_l3p", 1, {}, InvalidTypeError, "adjacency is a str"),
    ],
)
@EACH_FORM
def test_invalid_choices_are_rejected(graph, predictor, k, keywords, error, message, form):
    with pytest.raises(error, match=message):
        select(graph, predictor, k, form=form, **keywords)


def test_forms_that_do_not_fit_are_rejected():
    with pytest.raises(InvalidValueError, match="form='x' is not available"):
        select(np.eye(3), "ch3_l3p", 1, form="x")
    for form in ("sparse", *COMPILED):
        with pytest.raises(InvalidValueError, match=f"form='{form}' runs on the CPU, not on meta"):
            select(np.eye(3), "ch3_l3p", 1, form=form, device="meta")


@pytest.mark.parametrize("name", IN_ALL_FORMS)
@EACH_FORM
def test_a_full_graph_has_no_more_links(name, form):
    assert select(np.ones((70, 66)), name, 0, form=form).shape == (0, 2)
    with pytest.raises(InvalidValueError, match="k=1 links requested, but 0 of 4620 pairs"):
        select(np.ones((70, 66)), name, 1, form=form)


@SOFT
def test_the_links_of_a_large_layer_need_little_memory(soft):
    """All scores would take 3.2 GB."""
    graph = erdos_renyi(20_000, 20_000, 5e-4, seed=0)
    tracemalloc.start()
    try:
        edges = select(graph, "ch3_l3p", 20_000, soft=soft, seed=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2**20 < peak < 200e6
    assert np.unique(edges, axis=0).shape == (20_000, 2)
    assert not np.isin(edges[:, 1] * 20_000 + edges[:, 0], graph.cells).any()


def test_the_best_of_a_large_layer_are_the_best():
    graph = erdos_renyi(3000, 3000, 2e-3, seed=0)
    scores = score(graph, "ch3_l3p", form="stream")
    edges = select(graph, "ch3_l3p", 500, seed=0)
    least = np.sort(scores.ravel())[-500]
    assert (scores[edges[:, 1], edges[:, 0]] >= least * (1 - 1e-9)).all()


def test_tables_too_large_for_memory_are_rejected(monkeypatch):
    graph = erdos_renyi(90, 80, 0.1, seed=0)
    monkeypatch.setattr(memory, "memory_of", lambda device: 90 * 90 * 8 - 1)
    with pytest.raises(InvalidValueError, match=r"need 64800 bytes.*: use form='stream' on the CPU"):
        select(graph, "ch3_l3p", 5, seed=0, form="community")
    with pytest.raises(InvalidValueError, match="use form='stream' on the CPU"):
        select(graph, "ch3_l3p", 5, seed=0, form="dense")
    assert select(graph, "ch3_l3p", 5, seed=0, form="stream").shape == (5, 2)
    assert select(graph, "ch3_l3n", 5, seed=0, form="community").shape == (5, 2)
