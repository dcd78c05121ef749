"""Hiding links and ranking them: exact measures, a planted structure, non-links by degree, seeds, and bad input."""

from functools import partial
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import bipartite_small_world, erdos_renyi
from topolearn.linkpred import PREDICTORS, Graph, evaluate, evaluation, names, score
from topolearn.linkpred.hiding import hide
from topolearn.sampling.ties import precision_at

NETWORKS = Path(__file__).parents[2].parent / "shared" / "data" / "networks"
KARATE = nx.karate_club_graph()
MEASURES = ["auc_roc", "auc_pr", "precision"]
COLUMNS = ["predictor", "repeat", *MEASURES, "n_hidden"]


def real_network(name):
    """A network from a file with two names per line: bipartite if it is named ``bip_...``, else one-mode."""
    path = NETWORKS / f"{name}.{'tsv' if name.startswith('bip_') else 'edges'}"
    if not path.exists():
        pytest.skip(f"no network at {path}")
    if path.suffix == ".edges":
        return nx.read_edgelist(path)
    pairs = [line.split("\t") for line in path.read_text().splitlines() if line.strip()]
    sides = [{name: i for i, name in enumerate(dict.fromkeys(column))} for column in zip(*pairs, strict=True)]
    edges = sorted({(sides[1][b], sides[0][a]) for a, b in pairs})
    return tl.BipartiteGraph.from_edges(edges, n_in=len(sides[1]), n_out=len(sides[0]))


@pytest.fixture(scope="module")
def lattice():
    return bipartite_small_world(60, 60, 0.15, beta=0, seed=0)


@pytest.mark.parametrize("predictor", list(PREDICTORS))
def test_a_planted_structure_is_found(lattice, predictor):
    measures = evaluate(lattice, predictor, repeats=3)[[*MEASURES, "n_hidden"]].mean()
    by_chance = measures["n_hidden"] / (lattice.n_in * lattice.n_out - lattice.n_links + measures["n_hidden"])
    assert measures["auc_roc"] > 0.9
    assert measures["auc_pr"] > 5 * by_chance
    assert measures["precision"] > 5 * by_chance


def test_the_baseline_is_at_the_base_rate(lattice):
    measures = evaluate(lattice, "random", repeats=40, seed=0)
    base = 54 / (3600 - 540 + 54)
    assert (measures["n_hidden"] == 54).all()
    mean, error = measures[MEASURES].mean(), measures[MEASURES].sem()
    assert abs(mean["auc_roc"] - 0.5) < 4 * error["auc_roc"]
    assert abs(mean["precision"] - base) < 4 * error["precision"]
    assert base / 2 < mean["auc_pr"] < 2 * base


def test_a_graph_without_structure_has_nothing_to_find():
    measures = evaluate(erdos_renyi(80, 80, 0.1, seed=0), "ch3_l3p", repeats=10, seed=0)
    assert 0.4 < measures["auc_roc"].mean() < 0.55


@pytest.mark.parametrize(
    ("name", "repeats"),
    [
        ("bip_southern_women", 20),
        ("bip_drug_target_nuclear_receptor", 20),
        ("bip_drug_target_enzyme", 3),
        ("bip_drug_target_ion_channel", 3),
        ("bip_drug_target_dtinet", 3),
        ("karate", 20),
        ("usair", 2),
        ("netscience", 2),
    ],
)
def test_real_networks(name, repeats):
    graph = real_network(name)
    table = evaluate(graph, ["ch3_l3p", "random"], repeats=repeats).groupby("predictor")[MEASURES].mean()
    measures, chance = table.loc["ch3_l3p"], table.loc["random"]
    assert (measures > chance).all()
    assert measures["auc_roc"] > 0.6


def test_hidden_links_are_hidden_and_the_same_for_every_predictor(lattice):
    seen = []

    def spy(graph):
        seen.append(graph)
        return np.zeros(graph.shape)

    for _ in range(2):
        evaluate(lattice, spy, fraction=0.3, repeats=2, seed=7)
    assert [graph.n_links for graph in seen] == [540 - 162] * 4
    assert all(set(graph.cells) < set(lattice.cells) for graph in seen)
    assert (seen[0], seen[1]) == (seen[2], seen[3])
    assert seen[0] != seen[1]


@pytest.mark.parametrize("predictor", ["random", "ch2_l3n"])
def test_seeds(lattice, predictor):
    first = evaluate(lattice, predictor, repeats=3, seed=1)
    assert first.columns.tolist() == COLUMNS
    assert first["predictor"].tolist() == [predictor] * 3
    assert first["repeat"].tolist() == [0, 1, 2]
    assert first.equals(evaluate(lattice, predictor, repeats=3, seed=1))
    assert first.iloc[:2].equals(evaluate(lattice, predictor, repeats=2, seed=1))
    assert not first.equals(evaluate(lattice, predictor, repeats=3, seed=2))
    assert not evaluate(lattice, predictor, seed=None).equals(evaluate(lattice, predictor, seed=None))
    assert evaluate(lattice, predictor, repeats=1).equals(evaluate(lattice, [predictor], repeats=1, seed=0))


@pytest.mark.parametrize("predictor", list(PREDICTORS))
def test_ties_do_not_depend_on_the_form_that_computes_the_scores(predictor, monkeypatch):
    """In a lattice many pairs have equal scores, which forms sum in different orders."""
    lattice = bipartite_small_world(30, 30, 0.12, beta=0, seed=0)
    tables = []
    for form in ("dense", "sparse", "stream"):
        monkeypatch.setattr(evaluation, "score", partial(score, form=form))
        tables.append(evaluate(lattice, predictor, repeats=3))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_scores_of_functions_are_compared_as_they_are(lattice):
    links = lattice.to_scipy().toarray()
    measures = evaluate(lattice, lambda graph: 1 + links * 2.0**-50, repeats=1)
    assert (measures[MEASURES] == 1).all(axis=None)


def test_a_perfect_predictor_and_its_opposite(lattice):
    links = lattice.to_scipy().toarray()
    best = evaluate(lattice, lambda graph: links.astype(float), repeats=2, seed=0)
    assert (best[MEASURES] == 1).all(axis=None)
    worst = evaluate(lattice, lambda graph: 1.0 - links, repeats=2, seed=0)
    assert (worst[["auc_roc", "precision"]] == 0).all(axis=None)


def test_ties_give_what_chance_gives(lattice):
    measures = evaluate(lattice, lambda graph: torch.zeros(graph.shape), repeats=2, seed=0)
    base = 54 / (3600 - 540 + 54)
    assert measures["auc_roc"].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(measures[["auc_pr", "precision"]], base, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5, 9])
def test_precision_is_the_mean_over_all_ways_to_break_ties(k):
    rng = np.random.default_rng(0)
    scores, is_hidden = np.array([3, 2, 2, 2, 2, 1, 1, 0, 0, 0]), rng.random(10) < 0.5
    drawn = [is_hidden[np.lexsort((rng.random(10), -scores))[:k]].mean() for _ in range(20_000)]
    assert precision_at(k, is_hidden, scores) == pytest.approx(np.mean(drawn), abs=0.015)


@pytest.mark.parametrize("kind", ["scipy", "numpy", "torch"])
def test_kinds_of_graph_agree(lattice, kind):
    same = {"scipy": lattice.to_scipy(), "numpy": lattice.to_scipy().toarray(), "torch": lattice.to_torch()}[kind]
    assert evaluate(same, "ch3_l3p", seed=0).equals(evaluate(lattice, "ch3_l3p", seed=0))


def test_every_name_can_be_evaluated():
    graph = bipartite_small_world(12, 10, 0.3, seed=0)
    table = evaluate(graph, names(two_sides=True), repeats=1)
    assert table["predictor"].tolist() == names(two_sides=True)
    assert np.isfinite(table[MEASURES]).all(axis=None)
    assert evaluate(nx.karate_club_graph(), names(), repeats=2)["predictor"].tolist() == np.repeat(names(), 2).tolist()


def spies(seen):
    """Two functions that record their arguments and return zeros."""

    def first(graph):
        seen.append(graph)
        return np.zeros(graph.shape)

    def second(graph):
        return first(graph)

    return [first, second]


@pytest.mark.parametrize("sampling", ["uniform", "degree"])
@pytest.mark.parametrize("graph", [bipartite_small_world(12, 10, 0.3, seed=0), nx.karate_club_graph()])
def test_all_predictors_see_the_same_hidden_links_and_rank_alike_together_and_alone(graph, sampling):
    seen = []
    together = evaluate(graph, [*spies(seen), "ch3_l3p", "random"], repeats=2, sampling=sampling)
    assert [list(one.cells) for one in seen[::2]] == [list(one.cells) for one in seen[1::2]]
    assert together["predictor"].unique().tolist() == ["first", "second", "ch3_l3p", "random"]
    for name in ("ch3_l3p", "random"):
        alone = evaluate(graph, name, repeats=2, sampling=sampling)
        assert alone.equals(together[together["predictor"] == name].reset_index(drop=True))


@pytest.mark.parametrize("name", ["two sides", "one"])
def test_non_links_by_degree_are_as_many_as_hidden_links_and_have_their_degrees(name):
    """Their number and distribution; links are never drawn, and the degrees are those of the whole graph."""
    if name == "one":
        graph = Graph.from_networkx(nx.Graph([(0, 1), (0, 2), (0, 3), (4, 5)]))
        weights = {(0, 4): 3, (0, 5): 3, (1, 2): 1, (1, 3): 1, (2, 3): 1}
        weights |= {(i, j): 1 for i in (1, 2, 3) for j in (4, 5)}
        by_cell = {int(graph.starts[i] + j): weight for (i, j), weight in weights.items()}
    else:
        links = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0]])
        graph = tl.BipartiteGraph(links)
        by_cell = {4: 1, 5: 1, 6: 0, 7: 0, 8: 0}
    counts = dict.fromkeys(by_cell, 0)
    for repeat in range(600):
        hidden = hide(graph, 1, sampling="degree", seed=3, repeat=repeat)
        assert hidden.cells.size == 2
        assert np.isin(hidden.cells[hidden.is_link], graph.cells).all()
        counts[int(hidden.cells[~hidden.is_link][0])] += 1
    total = sum(by_cell.values())
    for cell, weight in by_cell.items():
        share = weight / total
        assert abs(counts[cell] / 600 - share) <= 4 * np.sqrt(share * (1 - share) / 600)


def test_non_links_by_degree_are_all_when_there_are_no_more():
    graph = tl.BipartiteGraph(1 - np.eye(3))
    hidden = hide(graph, 5, sampling="degree", seed=0, repeat=0)
    assert sorted(hidden.cells[~hidden.is_link]) == [0, 4, 8]


def test_degrees_alone_win_nothing_against_non_links_by_degree():
    graph = nx.barabasi_albert_graph(300, 4, seed=0)
    uniform, corrected = (
        evaluate(graph, "preferential_attachment", repeats=5, sampling=sampling)["auc_roc"].mean()
        for sampling in ("uniform", "degree")
    )
    assert uniform > 0.65
    assert abs(corrected - 0.5) < 0.08


def test_degrees_of_worm_neurons_predict_nothing_once_corrected_for():
    """C. elegans with a quarter of the links hidden, against the numbers of another program."""
    expected = {
        ("uniform", "preferential_attachment"): 0.7594,
        ("uniform", "resource_allocation"): 0.8472,
        ("degree", "preferential_attachment"): 0.5100,
        ("degree", "resource_allocation"): 0.7449,
    }
    graph = real_network("celegans")
    for sampling in ("uniform", "degree"):
        names_there = ["preferential_attachment", "resource_allocation"]
        table = evaluate(graph, names_there, fraction=0.25, repeats=5, sampling=sampling)
        for name, value in table.groupby("predictor")["auc_roc"].mean().items():
            assert value == pytest.approx(expected[sampling, name], abs=0.03)


def paths(graph):
    """The numbers of paths of length two."""
    links = graph.to_scipy().toarray().astype(float)
    return links @ links


def test_scores_of_a_one_mode_graph_may_differ_by_rounding_and_at_links():
    def uneven(graph):
        return (paths(graph) * (1 + 1e-7 * np.tri(34)) + graph.to_scipy() * np.tri(34)).astype(np.float32)

    exact, rounded = (evaluate(KARATE, predictor, repeats=2) for predictor in (paths, uneven))
    assert rounded["precision"].equals(exact["precision"])


@pytest.mark.parametrize(
    ("graph", "predictor", "keywords", "error", "message"),
    [
        (np.eye(9), "ch3_l3p", {"fraction": 0}, InvalidValueError, r"fraction=0 .*\(0, 1\)"),
        (np.eye(9), "ch3_l3p", {"fraction": 1}, InvalidValueError, "fraction=1 "),
        (np.eye(9), "ch3_l3p", {"fraction": float("nan")}, InvalidValueError, "fraction=nan"),
        (np.eye(9), "ch3_l3p", {"fraction": "half"}, InvalidValueError, "fraction='half'"),
        (np.eye(9), "ch3_l3p", {"fraction": 0.05}, InvalidValueError, "of 9 links hides 0"),
        (np.eye(9), "ch3_l3p", {"fraction": 0.99}, InvalidValueError, "of 9 links hides 9"),
        (np.zeros((2, 2)), "ch3_l3p", {}, InvalidValueError, "of 0 links hides 0"),
        (np.ones((4, 5)), "ch3_l3p", {}, InvalidValueError, "all 20 possible links exist"),
        (np.eye(9), "ch3_l3p", {"repeats": 0}, InvalidValueError, "repeats=0"),
        (np.eye(9), "ch3_l3p", {"repeats": 2.5}, InvalidValueError, "repeats=2.5"),
        (np.eye(9), "ch3_l3p", {"seed": -1}, InvalidValueError, "seed=-1"),
        (np.eye(9), "ch3_l3p", {"seed": "a"}, InvalidTypeError, "seed='a'"),
        (np.eye(9), "ch3-l3p", {}, UnknownNameError, "did you mean 'ch3_l3p'"),
        (np.eye(9), 3, {}, InvalidTypeError, "predictor=3"),
        (np.eye(9), ["ch3_l3p", 3], {}, InvalidTypeError, "predictor=3"),
        (np.eye(9), [], {}, InvalidValueError, "predictors is empty"),
        (np.eye(9), ["ch3_l3p", "ch3_l3p"], {}, InvalidValueError, "two predictors are named 'ch3_l3p'"),
        (np.eye(9), ["ch3_l3p", "adamic_adar"], {}, InvalidValueError, "'adamic_adar' needs paths of length two"),
        (np.eye(9), "ch3_l3p", {"sampling": "degrees"}, InvalidValueError, "sampling='degrees' .*'uniform', 'degree'"),
        (np.eye(9), lambda graph: np.zeros(3), {}, InvalidValueError, r"shape \(3,\)"),
        (np.eye(9), lambda graph: "best", {}, InvalidTypeError, "returned a str"),
        (np.eye(9), lambda graph: np.full((9, 9), np.nan), {}, InvalidValueError, "finite"),
        ("a graph", "ch3_l3p", {}, InvalidTypeError, "adjacency is a str"),
        (
            1 - np.eye(9),
            "ch3_l3p",
            {},
            InvalidValueError,
            r"shape \(9, 9\) .* one-mode .*Graph.from_adjacency\(matrix\)",
        ),
        (
            KARATE,
            lambda graph: np.tril(paths(graph)),
            {},
            InvalidValueError,
            r"scores\[0, \d+\] = 0 but scores\[\d+, 0\] = \d",
        ),
        (KARATE, lambda graph: np.triu(paths(graph)), {}, InvalidValueError, r"return scores \+ scores.T"),
    ],
)
def test_invalid_evaluations_are_rejected(graph, predictor, keywords, error, message):
    with pytest.raises(error, match=message):
        evaluate(graph, predictor, **{"fraction": 0.2, **keywords})
