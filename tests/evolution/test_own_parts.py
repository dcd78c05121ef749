"""Custom parts: after registration, a method can use them like the built-in ones."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError, UnknownNameError
from topolearn.evolution import METHODS, REGROWTHS, REMOVAL_SCORES, RemovalScore, Site, by_predictor, by_scores
from topolearn.evolution.schedules import DENSITY_SCHEDULES, DensitySchedule
from topolearn.linkpred import PREDICTORS, names, score
from topolearn.sampling import RandomField

NONE = torch.empty(0, dtype=torch.int64)


@pytest.fixture
def own(request):
    """Return a function that registers a part until the test ends."""

    def registered(registry, name, part):
        registry.register(name, part)
        request.addfinalizer(lambda: registry.unregister(name))

    return registered


def after(method, seed=0):
    """Return a small layer after an update, and the update."""
    torch.manual_seed(0)
    model = tl.sparsify(nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 2)), method, seed=seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=9, interval=1, seed=seed)
    model(torch.randn(8, 20)).square().sum().backward()
    optimizer.step()
    update = topology.step()["0"]
    return tl.topology_of(model)["0"], update


@pytest.mark.parametrize("ending", ["", "-soft"])
def test_a_custom_predictor_chooses_like_the_built_in_one(own, ending):
    own(REGROWTHS, "mine", by_scores(lambda g: score(g, "ch2_l3n")))
    row = tl.method("set", density=0.3)
    found = [after(row.with_overrides({"regrowth": f"{name}{ending}"})) for name in ("mine", "ch2_l3n")]
    assert found[0][0] == found[1][0]
    assert len(found[0][1].regrown) > 0


def test_a_custom_link_predictor_is_used_by_name(own):
    known = PREDICTORS["ch2_l3n"]
    own(PREDICTORS, "mine", replace(known, name="mine"))
    own(REGROWTHS, "mine", by_predictor("mine"))
    g = tl.generators.make("bsw", 20, 16, 0.3, seed=0)
    assert (score(g, "mine") == score(g, "ch2_l3n")).all()
    assert "mine" in names()
    row = tl.method("set", density=0.3)
    first, second = (after(row.with_overrides({"regrowth": name}))[0] for name in ("mine", "ch2_l3n"))
    assert first == second
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        score(g, "mines")


def test_a_custom_removal_keeps_links_with_high_scores(own):
    own(REMOVAL_SCORES, "young", RemovalScore(lambda links: (links.cells % links.shape[1]).to(torch.float64)))
    graph, update = after(tl.method("set", density=0.3, removal="young", zeta=0.5))
    kept = set(map(tuple, graph.edges().tolist())) - set(map(tuple, update.regrown.tolist()))
    assert len(update.removed) == len(kept) == 48
    assert update.removed[:, 0].max() <= min(source for source, _ in kept)


def test_a_custom_row_is_a_method(own):
    own(METHODS, "mine", tl.method("chts", density=0.2, zeta=0.1))
    assert tl.method("mine").zeta == 0.1
    assert "mine" in tl.methods()
    assert tl.TrainConfig(method="mine", hidden=(9, 9)).build_method().density == 0.2


def test_a_name_that_was_never_registered_is_rejected():
    with pytest.raises(UnknownNameError, match="unknown regrowth score 'mine'"):
        tl.method("set", regrowth="mine")


def test_links_and_barred_cells_are_never_chosen_and_others_fill_up_at_random():
    site = Site(torch.tensor([0, 5]), (2, 3), torch.tensor([1]))
    rule = by_scores(lambda g: np.array([[9, 9, 0], [1, 0, 9]]))
    assert rule.choose(site, 1, RandomField(0), False).tolist() == [3]
    assert rule.choose(site, 3, RandomField(0), True).tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((3, 2)), r"scores have shape \(3, 2\), not \(n_out, n_in\) = \(2, 3\)"),
        (np.full((2, 3), np.nan), "negative scores and NaN"),
        (-np.ones((2, 3)), "negative scores and NaN"),
    ],
)
def test_invalid_scores_are_rejected(scores, message):
    with pytest.raises(InvalidValueError, match=message):
        by_scores(lambda g: scores).choose(Site(torch.tensor([0]), (2, 3), NONE), 1, RandomField(0), False)


def test_a_custom_density_schedule_defines_its_start_and_whether_it_falls(own):
    own(DENSITY_SCHEDULES, "halfway", DensitySchedule(lambda u: float(u >= 0.5), 0.5, surplus=0.2))
    own(DENSITY_SCHEDULES, "still", DensitySchedule(lambda u: 1.0, 0.0, falls=False))
    falling = tl.method("set", density=0.3, density_schedule="halfway")
    assert falling.decays
    assert falling.initial_density == pytest.approx(0.5)
    assert not tl.method("set", density=0.3, density_schedule="still").decays
    dropped = falling.with_overrides({"density_schedule": "still"})
    assert dropped.start_density is None
    own(DENSITY_SCHEDULES, "open", DensitySchedule(lambda u: u, 0.5))
    with pytest.raises(InvalidValueError, match="density_schedule='open' needs an initial density"):
        tl.method("set", density=0.3, density_schedule="open")


def test_a_predictor_that_is_registered_first_is_not_a_built_in_regrowth():
    code = """
from topolearn.linkpred import PREDICTORS, LinkPredictor
PREDICTORS.register("inside", LinkPredictor("inside", "path", lambda degree, internal, external: internal / degree))
from topolearn.evolution import REGROWTHS, by_predictor
assert "inside" not in REGROWTHS
REGROWTHS.register("inside", by_predictor("inside"))
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
