"""Hiding links and ranking them: exact measures, a planted structure, real networks, seeds, and bad input."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import bipartite_small_world, erdos_renyi
from topolearn.linkpred import PREDICTORS, evaluate, names
from topolearn.linkpred.evaluation import _precision

NETWORKS = Path(__file__).parents[2].parent / "shared" / "data" / "networks"
MEASURES = ["auc_pr", "auc_roc", "precision"]


def real_network(name):
    """A network from a file of two names a line: bipartite by its prefix, else one-mode."""
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
    measures = evaluate(lattice, predictor, repeats=3, seed=0).mean()
    by_chance = measures["n_hidden"] / (lattice.n_in * lattice.n_out - lattice.n_links + measures["n_hidden"])
    assert measures["auc_roc"] > 0.9
    assert measures["auc_pr"] > 5 * by_chance
    assert measures["precision"] > 5 * by_chance


def test_the_baseline_is_at_the_base_rate(lattice):
    measures = evaluate(lattice, "random", repeats=40, seed=0)
    base = 54 / (3600 - 540 + 54)
    assert (measures["n_hidden"] == 54).all()
    mean, error = measures.mean(), measures.std() / np.sqrt(40)
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
    measures, chance = (evaluate(graph, which, repeats=repeats, seed=0).mean() for which in ("ch3_l3p", "random"))
    assert (measures[MEASURES] > chance[MEASURES]).all()
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
    assert first.equals(evaluate(lattice, predictor, repeats=3, seed=1))
    assert first.iloc[:2].equals(evaluate(lattice, predictor, repeats=2, seed=1))
    assert not first.equals(evaluate(lattice, predictor, repeats=3, seed=2))
    assert not evaluate(lattice, predictor, seed=None).equals(evaluate(lattice, predictor, seed=None))
    assert first.index.name == "repeat"
    assert first.columns.tolist() == [*MEASURES, "n_hidden"]


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
    assert _precision(is_hidden, scores, k) == pytest.approx(np.mean(drawn), abs=0.015)


@pytest.mark.parametrize("kind", ["scipy", "numpy", "torch"])
def test_kinds_of_graph_agree(lattice, kind):
    same = {"scipy": lattice.to_scipy(), "numpy": lattice.to_scipy().toarray(), "torch": lattice.to_torch()}[kind]
    assert evaluate(same, "ch3_l3p", seed=0).equals(evaluate(lattice, "ch3_l3p", seed=0))


def test_every_name_can_be_evaluated():
    graph = bipartite_small_world(12, 10, 0.3, seed=0)
    for name in names():
        assert np.isfinite(evaluate(graph, name, repeats=1, seed=0)).all(axis=None)


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
        (np.eye(9), lambda graph: np.zeros(3), {}, InvalidValueError, r"shape \(3,\)"),
        (np.eye(9), lambda graph: "best", {}, InvalidTypeError, "gave a str"),
        (np.eye(9), lambda graph: np.full((9, 9), np.nan), {}, InvalidValueError, "finite"),
        ("a graph", "ch3_l3p", {}, InvalidTypeError, "adjacency is a str"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(graph, predictor, keywords, error, message):
    with pytest.raises(error, match=message):
        evaluate(graph, predictor, **{"fraction": 0.2, **keywords})
