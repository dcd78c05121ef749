"""Baselines of link prediction: the scores of networkx, choices from all scores, and errors."""

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import topolearn as tl
from tests.profiles import examples
from topolearn import linkpred
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import erdos_renyi
from topolearn.linkpred import BASELINES, Baseline, baseline, layer_scores, names, predict, score, select, select_cells
from topolearn.linkpred.rounding import rounded
from topolearn.sampling import RandomField, choose

EACH_BASELINE = pytest.mark.parametrize("name", list(BASELINES))
GRAPHS = st.builds(nx.gnp_random_graph, st.integers(2, 14), st.floats(0, 1), seed=st.integers(0, 10**6))
WOMEN = nx.davis_southern_women_graph()
OF_NETWORKX = {
    "common_neighbours": lambda graph, pairs: [(u, v, len(list(nx.common_neighbors(graph, u, v)))) for u, v in pairs],
    "adamic_adar": nx.adamic_adar_index,
    "resource_allocation": nx.resource_allocation_index,
    "preferential_attachment": nx.preferential_attachment,
}


def by_networkx(graph, name):
    """The scores of all pairs, 0 at links."""
    number, scores = {node: i for i, node in enumerate(graph)}, np.zeros((len(graph), len(graph)))
    for u, v, value in OF_NETWORKX[name](graph, list(nx.non_edges(graph))):
        scores[number[u], number[v]] = scores[number[v], number[u]] = value
    return scores


@EACH_BASELINE
@examples(25)
@given(graph=GRAPHS)
@example(graph=nx.empty_graph(2))
@example(graph=nx.complete_graph(5))
@example(graph=nx.star_graph(6))
@example(graph=nx.path_graph(4))
def test_scores_are_those_of_networkx(name, graph):
    scores = score(graph, name)
    np.testing.assert_allclose(scores, by_networkx(graph, name), rtol=1e-12)
    np.testing.assert_array_equal(scores, scores.T)
    single = score(graph, name, form="sparse", dtype="float32")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, scores, rtol=1e-6)


@EACH_BASELINE
def test_a_baseline_is_a_row_of_its_name_with_a_function(name):
    graph = nx.karate_club_graph()
    assert BASELINES[name].name == name
    assert name in names()
    assert (name in names(two_sides=True)) == BASELINES[name].two_sides
    np.testing.assert_array_equal(getattr(linkpred, name)(graph), score(graph, name))


@EACH_BASELINE
@pytest.mark.parametrize("soft", [False, True])
@examples(15)
@given(graph=GRAPHS, data=st.data())
def test_the_choice_is_that_from_all_pairs(name, soft, graph, data):
    upper = np.triu_indices(len(graph), 1)
    is_link = nx.to_numpy_array(graph)[upper] > 0
    links, others = (torch.from_numpy(np.flatnonzero(which)) for which in (is_link, ~is_link))
    k, seed = data.draw(st.integers(0, others.numel())), data.draw(st.integers(0, 10**6))
    scores = rounded(torch.from_numpy(by_networkx(graph, name)[upper]))
    field = RandomField(seed, purpose="select")
    chosen = choose(others, scores[others], k, field, soft=soft, n_cells=is_link.size, excluded=links).numpy()
    pairs = select(graph, name, k, soft=soft, seed=seed)
    np.testing.assert_array_equal(pairs, np.column_stack([side[chosen] for side in upper]))


@EACH_BASELINE
def test_blocks_of_rows_change_nothing(name, monkeypatch):
    graph = nx.gnp_random_graph(40, 0.15, seed=1)
    whole = score(graph, name), select(graph, name, 30, seed=0), predict(graph, name, 5, seed=0)
    monkeypatch.setattr(baseline, "BLOCK", 100)
    np.testing.assert_array_equal(score(graph, name), whole[0])
    np.testing.assert_array_equal(select(graph, name, 30, seed=0, progress=True), whole[1])
    assert predict(graph, name, 5, seed=0).equals(whole[2])


def test_preferential_attachment_of_two_sides():
    graph = erdos_renyi(9, 7, 0.3, seed=0)
    links = graph.to_scipy().toarray()
    expected = np.where(links, 0, np.outer(links.sum(axis=1), links.sum(axis=0)))
    np.testing.assert_array_equal(score(graph, "preferential_attachment"), expected)
    layers = torch.stack([graph.to_torch(), graph.to_torch()])
    assert torch.equal(score(layers, "preferential_attachment")[1], torch.from_numpy(expected).double())
    free = torch.from_numpy(np.flatnonzero(~links))
    cells = select_cells(graph, "preferential_attachment", 5, RandomField(1), soft=False, barred=free[::3])
    assert not torch.isin(cells, free[::3]).any()
    assert score(WOMEN, "preferential_attachment").shape == (14, 18)


def test_a_custom_baseline_works_wherever_names_do():
    def rows(adjacency, chosen):
        degrees = adjacency.sum(axis=0)
        return np.abs(degrees[chosen][:, None] - degrees[None])

    BASELINES.register("unlike", Baseline("unlike", rows))
    try:
        assert "unlike" in names()
        table = linkpred.evaluate(nx.karate_club_graph(), ["unlike", "random"], repeats=1)
        assert table["predictor"].tolist() == ["unlike", "random"]
    finally:
        BASELINES.unregister("unlike")
    with pytest.raises(InvalidTypeError, match="register a Baseline"):
        BASELINES.register("rows", rows)


@pytest.mark.parametrize("name", [name for name in BASELINES if not BASELINES[name].two_sides])
def test_paths_of_length_two_are_rejected_on_two_sides(name):
    message = f"'{name}' needs paths of length two.*such as 'ra_l3' or 'ch3_l3p', or 'preferential_attachment'"
    for graph in (WOMEN, np.eye(3), tl.BipartiteGraph(np.eye(3)), torch.ones(2, 3, 3)):
        with pytest.raises(InvalidValueError, match=message):
            score(graph, name)
    for use in (select, predict, linkpred.evaluate):
        with pytest.raises(InvalidValueError, match=message):
            use(WOMEN, name, **({} if use is linkpred.evaluate else {"k": 1}))


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"form": "dense"}, InvalidValueError, "form='dense' is for paths of length three: use 'auto'"),
        ({"form": "stream"}, InvalidValueError, "form='stream' is for paths of length three"),
        ({"form": "best"}, InvalidValueError, "form='best' is not available"),
        ({"device": "meta"}, InvalidValueError, "'preferential_attachment' runs on the CPU, not on meta"),
        ({"dtype": "float16"}, InvalidValueError, "float16"),
    ],
)
def test_forms_and_devices_that_baselines_lack_are_rejected(keywords, error, message):
    for graph in (np.eye(3), nx.path_graph(4)):
        with pytest.raises(error, match=message):
            score(graph, "preferential_attachment", **keywords)
        with pytest.raises(error, match=message):
            select(graph, "preferential_attachment", 1, **keywords)
    with pytest.raises(InvalidValueError, match="has no dense form"):
        layer_scores([torch.tensor([0])], (2, 2), "preferential_attachment", torch.float32)
    with pytest.raises(InvalidValueError, match="is deterministic"):
        score(nx.path_graph(4), "adamic_adar", seed=1)
    with pytest.raises(UnknownNameError, match="did you mean 'adamic_adar'"):
        score(nx.path_graph(4), "adamic_ada")
