"""One-mode networks: every predictor against its definition, and pairs of nodes as candidates."""

import igraph
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from tests.linkpred.by_hand import one_mode_by_hand
from tests.linkpred.layers import EACH
from tests.profiles import examples
from topolearn import BipartiteGraph
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.linkpred import Graph, evaluate, names, predict, score, select, select_cells
from topolearn.linkpred.rounding import rounded
from topolearn.sampling import RandomField, choose, pool

GRAPHS = st.builds(nx.gnp_random_graph, st.integers(2, 14), st.floats(0, 1), seed=st.integers(0, 10**6))
KARATE, WOMEN = nx.karate_club_graph(), nx.davis_southern_women_graph()


@EACH
@examples(25)
@given(graph=GRAPHS)
@example(graph=nx.empty_graph(2))
@example(graph=nx.path_graph(4))
@example(graph=nx.complete_graph(7))
@example(graph=nx.cycle_graph(5))
@example(graph=nx.star_graph(6))
@example(graph=nx.complete_multipartite_graph(3, 3, 2))
@example(graph=nx.petersen_graph())
def test_the_definition_by_explicit_paths(predictor, graph):
    expected = one_mode_by_hand(graph, predictor)
    scores = score(graph, predictor)
    np.testing.assert_allclose(scores, expected, rtol=1e-11)
    np.testing.assert_array_equal(scores, scores.T)
    single = score(graph, predictor, form="sparse", dtype="float32")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=2e-5)


def test_a_triangle_with_a_tail_by_hand():
    graph = nx.Graph([(0, 1), (0, 2), (1, 2), (2, 3)])
    scores = score(graph, "ch2_l3n")
    assert np.count_nonzero(scores) == 4
    # 3 - 2 - 1 - 0: node 2 has three links, one to 1 and two to the ends; node 1 has two, one to 2 and one to an end.
    assert scores[0, 3] == scores[1, 3] == pytest.approx(2 + 2)


@EACH
def test_larger_graphs_with_hubs(predictor):
    graph = nx.barabasi_albert_graph(60, 3, seed=1)
    expected = one_mode_by_hand(graph, predictor)
    np.testing.assert_allclose(score(graph, predictor), expected, rtol=1e-11)


@EACH
def test_a_graph_of_two_kinds_of_node_has_the_scores_of_its_layer(predictor):
    """Paths of length three of a bipartite graph join only its two sides, whether these are known or not."""
    layer = score(WOMEN, predictor)
    assert layer.shape == (14, 18)
    np.testing.assert_array_equal(layer, score(BipartiteGraph.from_networkx(WOMEN), predictor))
    nodes = nx.Graph(WOMEN.edges)
    number = {node: i for i, node in enumerate(nodes)}
    women, events = ([number[n] for n, d in WOMEN.nodes(data=True) if d["bipartite"] == side] for side in (0, 1))
    whole = score(nodes, predictor)
    np.testing.assert_allclose(whole[np.ix_(events, women)], layer, rtol=1e-11)
    assert not whole[np.ix_(women, women)].any()
    assert not whole[np.ix_(events, events)].any()


def test_links_are_chosen_between_the_sides_of_a_two_sided_graph():
    links = select(WOMEN, "ch3_l3p", 12, seed=0)
    np.testing.assert_array_equal(links, select(BipartiteGraph.from_networkx(WOMEN), "ch3_l3p", 12, seed=0))
    assert links.max(axis=0).tolist() <= [17, 13]
    sided = igraph.Graph.from_networkx(WOMEN)
    sided.vs["type"] = [bool(side) for side in sided.vs["bipartite"]]
    np.testing.assert_array_equal(select(sided, "ch3_l3p", 12, seed=0), links)
    np.testing.assert_array_equal(score(sided, "ch3_l3p"), score(WOMEN, "ch3_l3p"))


@EACH
@pytest.mark.parametrize("soft", [False, True])
@examples(15)
@given(graph=GRAPHS, data=st.data())
def test_the_choice_is_that_from_all_pairs(predictor, soft, graph, data):
    upper = np.triu_indices(len(graph), 1)
    is_link = nx.to_numpy_array(graph)[upper] > 0
    links, others = (torch.from_numpy(np.flatnonzero(which)) for which in (is_link, ~is_link))
    k, seed = data.draw(st.integers(0, others.numel())), data.draw(st.integers(0, 10**6))
    scores = rounded(torch.from_numpy(one_mode_by_hand(graph, predictor)[upper]))
    field = RandomField(seed, purpose="select")
    chosen = choose(others, scores[others], k, field, soft=soft, n_cells=is_link.size, excluded=links).numpy()
    pairs = select(graph, predictor, k, soft=soft, seed=seed)
    assert pairs.dtype == np.int64
    np.testing.assert_array_equal(pairs, np.column_stack([side[chosen] for side in upper]))


@EACH
def test_neither_threads_nor_chunks_matter(predictor, n_threads, monkeypatch):
    graph = nx.gnp_random_graph(70, 0.06, seed=2)
    all_scores, all_links = [], []
    for threads, slack in ((1, 2**20), (2, 3), (3, 0)):
        n_threads(threads)
        monkeypatch.setattr(pool, "SLACK", slack)
        all_scores.append(score(graph, predictor))
        all_links.append([select(graph, predictor, 90, soft=soft, seed=0) for soft in (False, True)])
    for scores, links in zip(all_scores[1:], all_links[1:], strict=True):
        np.testing.assert_array_equal(scores, all_scores[0])
        np.testing.assert_array_equal(links, all_links[0])


@pytest.mark.parametrize("name", names())
def test_names_and_kinds_of_graph_agree(name):
    seed = {"seed": 1} if name == "random" else {}
    expected = score(KARATE, name, **seed)
    assert expected.shape == (34, 34)
    linked = nx.to_numpy_array(KARATE) > 0
    assert not expected[linked].any()
    assert not expected.diagonal().any()
    np.testing.assert_array_equal(expected, expected.T)
    links = select(KARATE, name, 9, seed=1)
    assert (links[:, 0] < links[:, 1]).all()
    assert not linked[links[:, 0], links[:, 1]].any()
    lettered = nx.relabel_nodes(KARATE, {i: f"member {i}" for i in KARATE})
    assert list(Graph.from_networkx(lettered).names) == list(lettered)
    for same in (lettered, igraph.Graph.from_networkx(KARATE), Graph(list(KARATE.edges), 34)):
        np.testing.assert_array_equal(score(same, name, **seed), expected)
        np.testing.assert_array_equal(select(same, name, 9, seed=1), links)


@EACH
def test_scores_follow_the_order_of_the_nodes(predictor):
    order = np.random.default_rng(0).permutation(34)
    shuffled = nx.Graph()
    shuffled.add_nodes_from(order.tolist())
    shuffled.add_edges_from((b, a) for a, b in KARATE.edges)
    np.testing.assert_allclose(score(shuffled, predictor), score(KARATE, predictor)[np.ix_(order, order)], rtol=1e-11)


@examples(40)
@given(graph=GRAPHS)
def test_cells_are_the_pairs_in_order(graph):
    nodes = Graph.from_networkx(graph)
    pairs = np.column_stack(np.triu_indices(len(graph), 1))
    assert nodes.n_cells == len(pairs)
    np.testing.assert_array_equal(nodes.edges(np.arange(len(pairs))), pairs)
    np.testing.assert_array_equal(nodes.starts[pairs[:, 0]] + pairs[:, 1], np.arange(len(pairs)))
    assert sorted(map(tuple, nodes.edges().tolist())) == sorted(tuple(sorted(edge)) for edge in graph.edges)
    np.testing.assert_array_equal(nodes.to_scipy().toarray(), nx.to_numpy_array(graph) > 0)
    assert nodes.n_links == graph.number_of_edges()


def test_cells_of_a_graph_too_large_for_a_matrix():
    nodes = Graph([(0, 1), (10**6 - 2, 10**6 - 1), (5, 10**6 - 1)], 10**6)
    assert nodes.edges().tolist() == [[0, 1], [5, 10**6 - 1], [10**6 - 2, 10**6 - 1]]
    assert nodes.cells.tolist()[::2] == [0, nodes.n_cells - 1]
    with pytest.raises(InvalidValueError, match=r"1000000 x 1000000 neurons need 8000000000000 bytes.*linkpred.select"):
        score(nodes, "ch3_l3p")


def test_the_only_pair_with_a_score_among_many():
    path = Graph([(0, 7), (7, 9_999), (9_999, 3)], 10_000)
    assert select(path, "ch3_l3p", 1, seed=0).tolist() == [[0, 3]]


def test_hidden_links_of_a_network_are_found():
    table = evaluate(KARATE, ["ch3_l3p", "random"]).groupby("predictor").mean()
    measures, chance = table.loc["ch3_l3p"], table.loc["random"]
    assert measures["n_hidden"] == 8
    assert (measures[["auc_pr", "auc_roc", "precision"]] > chance[["auc_pr", "auc_roc", "precision"]]).all()
    assert measures["auc_roc"] > 0.6
    assert 0.35 < chance["auc_roc"] < 0.65


def test_a_function_is_evaluated_on_a_graph_whose_links_are_hidden():
    seen = []

    def spy(graph):
        seen.append(graph)
        return nx.to_numpy_array(KARATE)

    assert (evaluate(KARATE, spy, repeats=2, seed=0)[["auc_pr", "auc_roc", "precision"]] == 1).all(axis=None)
    assert [type(graph) for graph in seen] == [Graph] * 2
    assert [graph.n_links for graph in seen] == [70, 70]
    assert all(set(graph.cells) < set(Graph.from_networkx(KARATE).cells) for graph in seen)
    with pytest.raises(InvalidValueError, match=r"shape \(34, 33\)"):
        evaluate(KARATE, lambda graph: np.zeros((34, 33)), seed=0)


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (nx.DiGraph([(0, 1), (1, 2)]), InvalidTypeError, "networkx graph is directed"),
        (igraph.Graph([(0, 1), (1, 2)], directed=True), InvalidTypeError, "igraph graph is directed"),
        (nx.Graph([("a", "b"), ("c", "c")]), InvalidValueError, "node 'c' is linked to itself"),
        (nx.MultiGraph([(0, 1), (1, 0), (1, 2)]), InvalidValueError, "the link 0 - 1 appears 2 times"),
        (igraph.Graph([(0, 1), (0, 1)]), InvalidValueError, "the link 0 - 1 appears 2 times"),
        (nx.empty_graph(1), InvalidValueError, "n_nodes=1"),
        (nx.Graph(), InvalidValueError, "n_nodes=0"),
    ],
)
def test_graphs_that_are_not_simple_are_rejected(graph, error, message):
    for use in (score, lambda graph, name: select(graph, name, 1), evaluate):
        with pytest.raises(error, match=message):
            use(graph, "ch3_l3p")


@pytest.mark.parametrize(
    ("edges", "keywords", "message"),
    [
        ([(0, 3)], {}, "node 3: nodes are 0..2"),
        ([(-1, 0)], {}, "nodes are 0..2"),
        ([(1, 1)], {"names": [*"abc"]}, "node 'b' is linked to itself"),
        ([(0, 1)], {"names": [*"ab"]}, "names has 2 names for 3 nodes"),
    ],
)
def test_edges_that_name_no_pair_are_rejected(edges, keywords, message):
    with pytest.raises(InvalidValueError, match=message):
        Graph(edges, 3, **keywords)


@pytest.mark.parametrize("form", ["dense", "stream", "community"])
def test_forms_and_devices_for_two_sides_are_rejected(form):
    for use in (score, lambda graph, name, **keywords: select(graph, name, 1, **keywords)):
        with pytest.raises(InvalidValueError, match=f"form='{form}' is for graphs with two sides"):
            use(KARATE, "ch3_l3p", form=form)
        with pytest.raises(InvalidValueError, match="device='meta': one-mode graphs"):
            use(KARATE, "ch3_l3p", device="meta")


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("k", "message"), [(-1, "k=-1"), (484, "k=484 links requested, but 483 of 561 pairs")])
def test_more_links_than_non_links_are_rejected(name, k, message):
    with pytest.raises(InvalidValueError, match=message):
        select(KARATE, name, k)
    assert len(select(KARATE, name, 483)) == 483


AS_MATRICES = [nx.to_numpy_array(KARATE), nx.to_scipy_sparse_array(KARATE), torch.from_numpy(nx.to_numpy_array(KARATE))]


@pytest.mark.parametrize("matrix", AS_MATRICES, ids=["numpy", "scipy", "torch"])
@pytest.mark.parametrize("name", ["ch3_l3p", "preferential_attachment", "random"])
def test_a_matrix_that_may_be_one_mode_is_rejected(matrix, name):
    doors = [score, lambda g, name: select(g, name, 3), lambda g, name: predict(g, name, 3), evaluate]
    for door in doors:
        with pytest.raises(InvalidValueError, match=r"shape \(34, 34\) .* one-mode network or a layer"):
            door(matrix, name)
    assert [len(door(BipartiteGraph(matrix), name)) for door in doors] == [34, 3, 3, 10]
    assert select_cells(matrix, name, 3, RandomField(0), soft=False).numel() == 3


def test_layers_of_a_stack_may_be_symmetric():
    matrix = torch.from_numpy(nx.to_numpy_array(KARATE))
    for name in ("ch3_l3p", "preferential_attachment", "random"):
        assert score(matrix[None], name).shape == (1, 34, 34)
