"""One evolution step: worked by hand on small layers, and its invariants on random ones."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from tests.profiles import examples
from topolearn.evolution import LayerLinks, Targets, edges_of, evolve
from topolearn.graph import LayeredNetwork, NeuronGroup, percolate
from topolearn.linkpred import score

REMOVALS = ("weight_magnitude", "weight_magnitude-soft")
REGROWTHS = ("random", "ch2_l3n", "ch2_l3n-soft")


def rule(**parts):
    return tl.method("chts", **{"removal": "weight_magnitude", "regrowth": "ch2_l3n", **parts})


def step(weights, groups=(), *, seed=0, index=1, progress=0.0, **parts):
    layers = {name: LayerLinks.of(torch.tensor(w), torch.tensor(w) != 0) for name, w in weights.items()}
    return evolve(layers, groups, rule(**parts), progress=progress, seed=seed, index=index)


def cells_of(edges, n_in):
    return {int(o * n_in + i) for i, o in edges}


def test_hard_removal_takes_the_smallest_weights_of_both_signs():
    # 6 links, zeta 1/3: the two smallest |w| go, at (input 1, output 0) and (input 0, output 1).
    weights = {"a": [[3.0, -0.1, 2.0], [0.2, -5.0, 4.0]]}
    cells, updates = step(weights, zeta=0.34, percolation=False, regrowth="random")
    assert updates["a"].removed.tolist() == [[0, 1], [1, 0]]
    # All other cells are links, so the two that were removed are the only ones to return.
    assert updates["a"].regrown.tolist() == [[0, 1], [1, 0]]
    assert updates["a"].overlap == 1.0
    assert cells["a"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("zeta", "n_removed"), [(0.29, 29), (0.57, 57), (0.3, 30), (0.299, 29)])
def test_rounding_errors_keep_no_link(zeta, n_removed):
    _, updates = step(
        {"a": [[float(weight) for weight in range(1, 101)]]}, zeta=zeta, percolation=False, regrowth="random"
    )
    assert len(updates["a"].removed) == n_removed


def test_hard_regrowth_takes_the_best_score_of_the_remaining_graph():
    # After removal of the weakest link (input 2, output 2) the links are a path u0-v0-u1-v1-u2 (outputs u, inputs v).
    weights = {"a": [[1.0, 0, 0], [2.0, 3.0, 0], [0, 4.0, 0.5]]}
    cells, updates = step(weights, zeta=0.2, percolation=False)
    assert updates["a"].removed.tolist() == [[2, 2]]
    left = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]])
    best = score(left, "ch2_l3n")
    # Outputs 0 and 2 each close a path of length three; input 2 is isolated and scores 0.
    assert best[0, 1] > 0
    assert best[2, 0] == best[0, 1]
    assert best[:, 2].max() == 0
    assert updates["a"].regrown.tolist() in ([[1, 0]], [[0, 2]])
    assert cells["a"].numel() == 5


def test_regrowth_scores_the_graph_after_percolation():
    # Layer a feeds b. Hidden neuron 1 loses its only outgoing link, so its incoming link is removed as well.
    weights = {"a": [[5.0, 6.0], [7.0, 8.0]], "b": [[9.0, 0.1], [9.0, 0.0]]}
    layers = {name: LayerLinks.of(torch.tensor(w), torch.tensor(w) != 0) for name, w in weights.items()}
    groups = (NeuronGroup(("a",), ("b",)),)
    cells, updates = evolve(layers, groups, rule(zeta=0.34, regrowth="random"), progress=0.0, seed=0, index=1)
    assert updates["b"].removed.tolist() == [[1, 0]]
    assert updates["a"].removed.tolist() == [[0, 0]]
    assert updates["a"].percolated.tolist() == [[0, 1], [1, 1]]
    assert updates["b"].percolated.tolist() == []
    assert len(updates["a"].regrown) == 3
    assert {n: c.numel() for n, c in cells.items()} == {"a": 4, "b": 3}


def test_percolation_that_would_empty_a_layer_is_skipped_with_a_warning():
    # Removal leaves hidden neuron 0 with only an incoming link, and neuron 1 with only an outgoing link.
    weights = {"a": [[5.0, 0.0], [0.1, 0.0]], "b": [[0.1, 5.0]]}
    with pytest.warns(
        UserWarning, match="percolation would leave no links in 'a', 'b', so these layers stay unchanged"
    ):
        cells, updates = step(weights, (NeuronGroup(("a",), ("b",)),), zeta=0.5)
    assert not len(updates["a"].percolated)
    assert {n: c.numel() for n, c in cells.items()} == {"a": 2, "b": 2}


def test_other_layers_percolate_where_one_would_be_emptied():
    # The chain c -> d loses hidden neuron 1 and keeps neuron 0, while a -> b falls apart as above.
    weights = {"a": [[5.0, 0.0], [0.1, 0.0]], "b": [[0.1, 5.0]], "c": [[5.0, 6.0], [7.0, 0.1]], "d": [[9.0, 0.1]]}
    groups = (NeuronGroup(("a",), ("b",)), NeuronGroup(("c",), ("d",)))
    with pytest.warns(UserWarning, match=r"percolation would leave no links in 'a', 'b', so"):
        _, updates = step(weights, groups, zeta=0.5, regrowth="random")
    assert [len(updates[name].percolated) for name in "abd"] == [0, 0, 0]
    assert updates["c"].removed.tolist() == [[0, 0], [1, 1]]
    assert updates["c"].percolated.tolist() == [[0, 1]]


def test_the_method_sets_the_unit_of_percolation():
    # Queries drive coordinate 0 of a head, keys its partner, coordinate 1. Values and all else stay unchanged.
    weights = {
        "q": [[5.0, 6.0], [0.0, 0.0], [7.0, 0.0], [0.0, 0.0]],
        "k": [[0.0, 0.0], [5.0, 6.0], [7.0, 0.0], [0.0, 0.0]],
    }
    group = NeuronGroup(("q", "k"), (), "all", heads=2, rotary="halves")
    for unit, gone in [("coordinate", 2), ("rotary_pair", 0)]:
        _, updates = step(weights, (group,), zeta=0.1, regrowth="random", percolation_unit=unit)
        assert [len(updates[name].percolated) for name in "qk"] == [gone, gone]


def test_heads_are_removed_and_regrown_separately():
    # The first head's links are all weaker than the second's. Without heads it would lose 4 of 8, all its own.
    weights = {"q": [[0.1, 0.2, 0.3, 0.4], [0.0] * 4, [1.0, 2.0, 3.0, 4.0], [0.0] * 4], "o": [[1.0, 1.0, 1.0, 1.0]]}
    group = NeuronGroup(("q",), ("o",), heads=2)
    for per_head, expected in [(False, [[0, 0], [1, 0], [2, 0], [3, 0]]), (True, [[0, 0], [0, 2], [1, 0], [1, 2]])]:
        parts = {"zeta": 0.5, "regrowth": "random", "percolation": False, "per_head": per_head}
        cells, updates = step(weights, (group,), **parts)
        assert updates["q"].removed.tolist() == expected
        if per_head:  # each head has as many links as before, and a reader of heads is not a head
            assert ((cells["q"] < 8).sum(), (cells["q"] >= 8).sum()) == (4, 4)
        assert len(updates["o"].removed) == 2


@pytest.mark.parametrize("regrowth", ["random", "ch2_l3n", "ch2_l3n-soft"])
@pytest.mark.parametrize("removal", ["relative_importance", "weight_magnitude-soft"])
def test_heads_evolve_as_layers_of_their_size(removal, regrowth):
    """A head evolves like a layer with its rows, name and random field."""
    torch.manual_seed(0)
    weight = torch.randn(12, 10) * (torch.rand(12, 10) < 0.4)
    parts = {f"v, head {i}": LayerLinks.of(w, w != 0) for i, w in enumerate(weight.split(4))}
    method = rule(removal=removal, regrowth=regrowth, percolation=False, per_head=True)
    whole = {"v": LayerLinks.of(weight, weight != 0), "o": LayerLinks.of(torch.ones(2, 12), torch.ones(2, 12) > 0)}
    group = NeuronGroup(("v",), ("o",), heads=3)
    cells, _ = evolve(whole, (group,), method, progress=0.5, seed=3, index=2)
    apart, _ = evolve(parts, (), method, progress=0.5, seed=3, index=2)
    expected = torch.cat([apart[f"v, head {i}"] + i * 40 for i in range(3)])
    assert torch.equal(cells["v"], expected)


def test_falling_targets_are_split_among_heads():
    weight = torch.zeros(4, 10)
    weight[:2, :8], weight[2:, :2] = torch.rand(2, 8) + 1, torch.rand(2, 2) + 1  # 16 links and 4
    layers = {"v": LayerLinks.of(weight, weight > 0), "o": LayerLinks.of(torch.ones(1, 4), torch.ones(1, 4) > 0)}
    method = tl.method("granet", density=0.1, per_head=True, removal="weight_magnitude", regrowth="random")
    targets = Targets({"v": 11, "o": 4}, {"v": 10, "o": 4}, decays=True)
    cells, updates = evolve(
        layers, (NeuronGroup(("v",), ("o",), heads=2),), method, progress=0.5, seed=0, index=1, targets=targets
    )
    assert ((cells["v"] < 20).sum(), (cells["v"] >= 20).sum()) == (9, 2)  # 8.8 and 2.2
    assert len(updates["v"].decayed) == 9


def test_soft_removal_keeps_links_in_proportion_to_their_weight():
    # Weights 1, 2, 3, keep 2: {1,2} .15, {1,3} .2667, {2,3} .5833 (facts of successive sampling).
    seen = {}
    for seed in range(1500):
        _, updates = step(
            {"a": [[1.0, 2.0, 3.0, 0.0]]}, seed=seed, zeta=0.34, removal="weight_magnitude-soft", percolation=False
        )
        removed = int(updates["a"].removed[0, 0])
        seen[removed] = seen.get(removed, 0) + 1 / 1500
    assert seen == pytest.approx({2: 0.15, 1: 0.2667, 0: 0.5833}, abs=0.04)


def test_soft_removal_hardens_during_training():
    def share_of_the_weakest(progress):
        n_weakest = 0
        for seed in range(400):
            weights = {"a": [[1.0, 2.0, 3.0, 0.0]]}
            _, updates = step(
                weights, seed=seed, progress=progress, zeta=0.34, removal="weight_magnitude-soft", percolation=False
            )
            n_weakest += int(updates["a"].removed[0, 0] == 0)
        return n_weakest / 400

    # With exponent 3 the weights count as 1, 8, 27: the weakest goes with probability 8/36 * 27/28 + 27/36 * 8/9.
    assert share_of_the_weakest(1.0) == pytest.approx(8 / 36 * 27 / 28 + 27 / 36 * 8 / 9, abs=0.06)


def test_links_of_weight_zero_are_links_and_go_first():
    weight, mask = torch.tensor([[0.0, 1.0, 0.0, 2.0]]), torch.tensor([[True, True, False, True]])
    for removal in REMOVALS:
        _, updates = evolve(
            {"a": LayerLinks.of(weight, mask)}, (), rule(zeta=0.34, removal=removal, percolation=False),
            progress=0.0, seed=3, index=1,
        )  # fmt: skip
        assert updates["a"].removed.tolist() == [[0, 0]]


def test_zeta_below_one_link_removes_nothing():
    _, updates = step({"a": [[1.0, 2.0], [3.0, 0.0]]}, zeta=0.3, percolation=False)
    assert len(updates["a"].removed) == len(updates["a"].regrown) == 0
    assert updates["a"].overlap == 0.0


def test_cosine_zeta_removes_less_and_less():
    weights = {"a": (torch.arange(100.0).reshape(10, 10) + 1).tolist()}
    removed = [
        len(step(weights, zeta=0.4, zeta_schedule="cosine", progress=p, percolation=False)[1]["a"].removed)
        for p in (0.0, 0.5, 1.0)
    ]
    assert removed == [40, 20, 0]


@st.composite
def chains(draw):
    sizes = draw(st.lists(st.integers(2, 12), min_size=2, max_size=5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    density = draw(st.floats(0.1, 0.9))
    layers = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        n_links = max(1, round(density * n_in * n_out))
        mask = torch.zeros(n_out * n_in, dtype=torch.bool)
        mask[torch.randperm(n_out * n_in, generator=generator)[:n_links]] = True
        mask = mask.reshape(n_out, n_in)
        layers[f"layer{i}"] = LayerLinks.of(torch.randn(n_out, n_in, generator=generator) * mask, mask)
    names = list(layers)
    groups = [NeuronGroup((a,), (b,)) for a, b in pairwise(names)]
    method = rule(
        zeta=draw(st.floats(0.05, 0.95)),
        removal=draw(st.sampled_from(REMOVALS)),
        regrowth=draw(st.sampled_from(REGROWTHS)),
        percolation=draw(st.booleans()),
    )
    return layers, groups, method, draw(st.integers(0, 100))


@pytest.mark.filterwarnings("ignore:percolation would leave")
@examples(150)
@given(chains())
def test_invariants_of_a_step(case):
    layers, groups, method, seed = case
    before = {name: layer.cells.clone() for name, layer in layers.items()}
    cells, updates = evolve(layers, groups, method, progress=0.3, seed=seed, index=4)
    percolated = {}
    kept_graphs = {}
    for name, layer in layers.items():
        n_out, n_in = layer.shape
        old, new = set(before[name].tolist()), set(cells[name].tolist())
        removed, regrown = (cells_of(getattr(updates[name], event), n_in) for event in ("removed", "regrown"))
        percolated[name] = cells_of(updates[name].percolated, n_in)
        left = old - removed - percolated[name]
        assert cells[name].numel() == len(new) == len(old)
        assert torch.equal(cells[name], cells[name].sort().values)
        assert len(removed) == len(updates[name].removed) == int(method.zeta * len(old) + 1e-9)
        assert removed <= old
        assert percolated[name] <= old - removed
        assert not regrown & left
        assert new == left | regrown
        assert not len(updates[name].decayed)
        assert torch.equal(layer.cells, before[name])
        kept_graphs[name] = tl.BipartiteGraph.from_cells(sorted(old - removed), n_in, n_out)
    network, expected = percolate(LayeredNetwork(kept_graphs, groups))
    if not method.percolation or any(graph.n_links == 0 for graph in network.graphs.values()):
        assert not any(percolated.values())
    else:
        assert percolated == {name: cells_of(edges, network[name].n_in) for name, edges in expected.items()}
        assert not any(len(edges) for edges in percolate(network)[1].values()), "one-sided neurons are left"


@examples(30)
@given(chains())
@pytest.mark.filterwarnings("ignore:percolation would leave")
def test_a_step_is_a_function_of_seed_and_index(case):
    layers, groups, method, seed = case
    first, again, other = (
        evolve(layers, groups, method, progress=0.3, seed=seed, index=index)[0] for index in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert set(other) == set(first)


def test_two_identical_layers_draw_differently():
    weights = torch.arange(1.0, 101.0).reshape(10, 10).tolist()
    cells, _ = step({"a": weights, "b": weights}, removal="weight_magnitude-soft", percolation=False)
    assert cells["a"].numel() == cells["b"].numel() == 100
    _, updates = step({"a": weights, "b": weights}, removal="weight_magnitude-soft", percolation=False)
    assert updates["a"].removed.tolist() != updates["b"].removed.tolist()


def test_edges_are_rows_of_input_and_output_sorted():
    assert edges_of(np.array([0, 3, 4, 5]), 3).tolist() == [[0, 0], [0, 1], [1, 1], [2, 1]]
