"""DeepR: fixed signs, noise and shrinking at every step, the sign test, and how little an update touches."""

import copy
import math

import pytest
import torch
from scipy import stats
from torch import nn

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, advance, link_state, mlp, on_links, setup, train_step
from topolearn.errors import InvalidValueError
from topolearn.evolution import REMOVAL_SCORES, RemovalScore, link_signs
from topolearn.sparse import sparse_layers

BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])
STILL = {"l1": 0.0, "noise": 0.0}
# The signs of seed 0 in a layer "0" with 4 inputs and 2 outputs.
SIGNS = [-1, 1, -1, 1, -1, -1, 1, 1]


def thetas(layer, name, seed=0):
    """Return the weights of a layer times their signs."""
    return layer.link_values() * link_signs(layer.cells(), seed, name)


def one_layer(backend, weights, *, lr, seed=0, interval=1, optimizer=torch.optim.SGD, **parts):
    """Return a model with four inputs, two outputs, weights by cell, and a head whose gradients are 1 and -2."""
    rule = tl.method("deepr", density=len(weights) / 8, **{"interval": interval, **STILL, **parts})
    model = tl.sparsify(nn.Sequential(nn.Linear(4, 2, bias=False), nn.Linear(2, 1, bias=False)), rule, backend=backend)
    model[0].set_links(torch.tensor(sorted(weights)))
    model[0].set_link_values(torch.tensor([weights[cell] for cell in sorted(weights)]))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -2.0]]))
    trainer = optimizer(model.parameters(), lr=lr)
    return model, trainer, tl.TopologyScheduler(model, trainer, rule, total_steps=100, interval=interval, seed=seed)


def step(model, trainer, topology, x=(1.0, 2.0, 3.0, 4.0)):
    trainer.zero_grad()
    model(torch.tensor([x])).sum().backward()
    trainer.step()
    return topology.step()


def values_of(layer):
    return dict(zip(layer.cells().tolist(), layer.link_values().tolist(), strict=True))


# Gradients are (1, -2) x (1, 2, 3, 4), so at a rate of 0.25 weights move by -0.25 -0.5 -0.75 -1 / 0.5 1 1.5 2.
WEIGHTS = {0: -0.5, 3: 0.75, 5: -1.0, 6: 0.5}
MOVED = {0: -0.75, 3: -0.25, 5: 0.0, 6: 2.0}  # 3 must be positive; 5 is at zero, which is not the wrong sign


@BACKENDS
def test_the_first_update_worked_by_hand(backend):
    model, trainer, topology = one_layer(backend, WEIGHTS, lr=0.25)
    update = step(model, trainer, topology)["0"]
    assert (update.removed @ [1, 4]).tolist() == [3]
    (new,) = (update.regrown @ [1, 4]).tolist()
    assert new in {1, 2, 3, 4, 7}
    assert values_of(model[0]) == {cell: w for cell, w in MOVED.items() if cell != 3} | {new: 0.0}


@BACKENDS
def test_l1_shrinks_each_link_towards_zero_and_removes_it_there(backend):
    model, trainer, topology = one_layer(backend, WEIGHTS, lr=0.25, l1=0.5)  # 0.125 per step
    update = step(model, trainer, topology)["0"]
    assert sorted((update.removed @ [1, 4]).tolist()) == [3, 5]
    assert {cell: w for cell, w in values_of(model[0]).items() if w} == {0: -0.625, 6: 1.875}
    step(model, trainer, topology, x=(0.0,) * 4)
    assert {cell: w for cell, w in values_of(model[0]).items() if w} == {0: -0.5, 6: 1.75}
    assert topology.link_ages()["0"].min() == 0  # the two others fall below zero at once and are replaced


@BACKENDS
def test_between_updates_links_move_and_stay(backend):
    model, trainer, topology = one_layer(backend, WEIGHTS, lr=0.25, l1=0.5, interval=3)
    for expected in (-0.375, -0.25):
        assert step(model, trainer, topology, x=(0.0,) * 4) is None
        assert values_of(model[0])[0] == expected
    assert len(step(model, trainer, topology, x=(0.0,) * 4)["0"].removed) == 0
    for _ in range(2):
        step(model, trainer, topology, x=(0.0,) * 4)
    assert values_of(model[0])[0] == 0.125  # past zero until the next update
    assert 0 in step(model, trainer, topology, x=(0.0,) * 4)["0"].removed @ [1, 4]


@BACKENDS
def test_the_rate_is_that_of_the_step(backend):
    model, trainer, topology = one_layer(backend, {6: 1.0}, lr=0.25, l1=0.5)
    trainer.zero_grad()
    trainer.step()
    trainer.param_groups[0]["lr"] = 100.0  # as a schedule may already have set it for the next step
    topology.step()
    assert values_of(model[0]) == {6: 0.875}
    model, trainer, topology = one_layer(backend, {6: 1.0}, lr=0.25, l1=0.5, interval=3, rewarmup_steps=2)
    found = []
    for _ in range(5):
        step(model, trainer, topology, x=(0.0,) * 4)
        found.append(values_of(model[0])[6])
    assert found == [0.875, 0.75, 0.625, 0.5625, 0.4375]  # half the rate in the first step after the update


def test_noise_has_its_law_and_depends_on_step_and_layer():
    rate, temperature, found = 0.05, 0.01, {}
    for backend in ("masked", "csr"):
        rule = tl.method("deepr", density=0.5, interval=100, l1=0.0, noise=temperature)
        model = tl.sparsify(mlp(100, 100, 100, 3).double(), rule, backend=backend)
        trainer = torch.optim.SGD(model.parameters(), lr=rate)
        topology = tl.TopologyScheduler(model, trainer, rule, total_steps=1000)
        found[backend] = []
        for _ in range(2):
            before = [layer.link_values().clone() for layer in topology.layers.values()]
            trainer.step()
            topology.step()
            found[backend] += [
                (layer.link_values() - old) / math.sqrt(2 * rate * temperature)
                for layer, old in zip(topology.layers.values(), before, strict=True)
            ]
    for one, other in zip(*found.values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    draws = torch.stack(found["csr"])
    assert stats.kstest(draws.flatten(), "norm").pvalue > 0.01
    assert float(draws.var()) == pytest.approx(1, abs=0.03)
    assert float(torch.corrcoef(draws).triu(1).abs().max()) < 0.05


def test_signs_are_balanced_and_depend_on_seed_and_layer():
    cells = torch.arange(100_000)
    signs = torch.stack([link_signs(cells, *of).double() for of in ((0, "a"), (0, "b"), (1, "a"))])
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert float(signs.mean(dim=1).abs().max()) < 4 / math.sqrt(1e5)
    assert float((signs @ signs.T / 1e5).triu(1).abs().max()) < 4 / math.sqrt(1e5)
    assert link_signs(torch.arange(8), 0, "0").tolist() == SIGNS


@BACKENDS
def test_links_have_their_signs_from_the_start_and_after_every_update(backend):
    model, trainer, topology = setup("deepr", "momentum", backend=backend, interval=1, total=40, noise=0.1)
    plain = setup("static", "momentum", backend=backend)[0]
    n_removed, n_back = 0, 0
    for name, layer in topology.layers.items():
        assert (thetas(layer, name) > 0).all()
        assert torch.equal(layer.link_values().abs(), sparse_layers(plain)[name].link_values().abs())
    ever = {name: set() for name in topology.layers}
    for _ in range(39):
        (update,) = advance(model, trainer, topology, 1)
        for name, layer in topology.layers.items():
            assert (thetas(layer, name) >= 0).all()
            edges = update[name]
            n_back += len(ever[name] & set(map(tuple, edges.regrown.tolist())))
            ever[name] |= set(map(tuple, edges.removed.tolist()))
            n_removed += len(edges.removed)
            assert len(edges.removed) == len(edges.regrown)
    assert topology.n_updates == 39
    assert n_removed > 50
    assert n_back > 10  # links that came back to cells of the same sign


@BACKENDS
def test_a_link_that_returns_at_once_starts_from_zero_but_keeps_its_age(backend):
    everything = {cell: 2.0 * sign for cell, sign in enumerate(SIGNS)}
    model, trainer, topology = one_layer(
        backend, everything, lr=0.25, optimizer=lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.5)
    )
    step(model, trainer, topology)
    update = step(model, trainer, topology)["0"]
    assert len(update.removed)
    assert update.removed.tolist() == update.regrown.tolist()  # there is no other cell
    cells = update.regrown @ [1, 4]
    now = {"weight": model[0].link_values(), **on_links(model[0], link_state(trainer, model[0]))}
    assert all(not value[cells].any() for value in now.values())
    assert now["weight"].count_nonzero() == 8 - len(cells)
    assert topology.link_ages()["0"].tolist() == [2] * 8


@BACKENDS
def test_layers_whose_links_stay_are_not_touched(backend, monkeypatch):
    model, trainer, topology = one_layer(backend, WEIGHTS, lr=0.0)
    step(model, trainer, topology)
    for name in ("set_links", "change_links", "cells"):
        monkeypatch.setattr(type(model[0]), name, None)  # calling it fails
    update = step(model, trainer, topology)
    monkeypatch.undo()
    assert repr(update) == "TopologyUpdate(2 at step 2: nothing changed)"
    assert values_of(model[0]) == WEIGHTS


def test_nothing_moves_after_the_last_test():
    model, trainer, topology = setup("deepr", "sgd", interval=1, total=20, stop_fraction=0.5, noise=1.0)
    advance(model, trainer, topology, 9)
    before = model[0].link_values().clone()
    trainer.step()
    assert topology.step() is None
    assert torch.equal(model[0].link_values(), before)
    assert topology.n_updates == 9


def test_a_step_that_a_scaler_skips_gets_no_noise():
    model, trainer, topology = setup("deepr", "momentum", interval=1, noise=1.0)
    scaler = torch.amp.GradScaler("cpu")
    before = copy.deepcopy(model.state_dict())
    scaler.scale(model(torch.full((2, 12), math.inf)).sum()).backward()
    scaler.step(trainer)
    scaler.update()
    assert topology.step() is None
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_loaded_links_get_their_own_signs():
    """The state of a csr layer includes its links."""
    first, second = (setup("deepr", "sgd", backend="csr", interval=1, seed=0, noise=1e-3) for _ in range(2))
    advance(*first, 5)
    advance(*second, 1)
    second[0].load_state_dict(first[0].state_dict())
    update = advance(*second, 1)[0]
    for name, layer in second[2].layers.items():
        assert (thetas(layer, name) >= 0).all()
        removed = torch.from_numpy(update[name].removed @ [1, layer.in_features])
        loaded = first[2].layers[name].cells()
        assert torch.isin(loaded[torch.isin(loaded, removed, invert=True)], layer.cells()).all()


def test_with_a_falling_density_and_percolation():
    parts = {"density_schedule": "cubic", "start_density": 0.6, "percolation": True, "decay_end": 1.0, "noise": 0.1}
    model, trainer, topology = setup("deepr", "momentum", interval=1, total=30, density=0.3, **parts)
    updates = advance(model, trainer, topology, 29)
    assert sum(len(update["0"].decayed) for update in updates) == round(0.3 * 240)
    assert sum(len(update["0"].removed) for update in updates) > 5
    for name, layer in topology.layers.items():
        assert (thetas(layer, name) >= 0).all()
        assert layer.n_links == topology.plan.final[name]


def test_a_custom_test_needs_no_signs():
    REMOVAL_SCORES.register("below_one", RemovalScore(lambda links: (links.values.abs() < 1).float(), is_test=True))
    try:
        model, trainer, topology = setup("set", "sgd", removal="below_one", zeta=None, interval=2)
        large = {name: int((layer.link_values().abs() >= 0.9).sum()) for name, layer in topology.layers.items()}
        (update,) = advance(model, trainer, topology, 2)
        assert all(0 < len(update[name].removed) <= n for name, n in large.items())
        assert "as many as fail the test" in repr(type(tl.methods())("method", {"own": topology.method}))
    finally:
        REMOVAL_SCORES.unregister("below_one")


@pytest.mark.parametrize(
    ("name", "parts", "message"),
    [
        (
            "set",
            {"removal": "sign"},
            r"zeta=0.3 sets how many links to remove, but the test removal='sign' decides this: set zeta=",
        ),
        (
            "set",
            {"removal": "sign-soft", "zeta": None},
            r"removal='sign-soft': the test 'sign' cannot be soft: use removal='sign'",
        ),
        ("set", {"l1": 0.1}, r"l1=0.1 needs links with fixed signs: set removal='sign'"),
        ("set", {"noise": 0.1}, r"noise=0.1 needs links with fixed signs"),
        ("deepr", {"removal": "weight_magnitude"}, r"zeta=None removes down to the final density, but the density"),
        ("deepr", {"removal": "weight_magnitude", "zeta": 0.3}, r"l1=1e-05 needs links with fixed signs"),
        (
            "deepr",
            {"zeta_schedule": "cosine"},
            r"zeta_schedule='cosine' needs a zeta, but removal='sign' does not use one",
        ),
        ("deepr", {"storage": "dense"}, r"storage='dense' restores the weights .* use storage='links'"),
        ("deepr", {"softness": (0.1, 0.2)}, r"softness=\(0.1, 0.2\) needs a soft removal"),
        ("deepr", {"l1": -1.0}, r"l1=-1.0 must be finite and at least 0"),
        ("deepr", {"noise": math.nan}, r"noise=nan must be finite and at least 0"),
        ("deepr", {"noise": math.inf}, r"noise=inf must be finite and at least 0"),
        ("deepr", {"interval": 0}, r"interval=0 must be at least 1"),
        ("static", {"interval": 2}, r"interval=2 needs a topology that evolves"),
        ("granet", {"pruning": "sign"}, r"pruning='sign' is a test and cannot rank links"),
    ],
)
def test_parts_that_do_not_fit_together(name, parts, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method(name, **parts)


def test_kept_weights_are_rejected():
    with pytest.raises(InvalidValueError, match=r"'deepr' assigns a fixed sign to every link, .* use init='he'"):
        tl.sparsify(mlp(20, 20, 3), "deepr", init="keep")


def test_the_seed_of_the_scheduler_must_be_that_of_the_signs():
    model = tl.sparsify(mlp(20, 20, 3), "deepr", seed=3)
    trainer = OPTIMIZERS["sgd"](model.parameters())
    with pytest.raises(InvalidValueError, match=r"\d+ of 20 links of layer '0' do not have the sign that seed=0 gives"):
        tl.TopologyScheduler(model, trainer, "deepr", total_steps=9)
    assert tl.TopologyScheduler(model, trainer, "deepr", total_steps=9, seed=3).interval == 1
    model[0].requires_grad_(False)  # frozen links may have any sign
    tl.TopologyScheduler(model, trainer, "deepr", total_steps=9, seed=0)


@pytest.mark.parametrize(
    ("name", "interval", "message"),
    [
        ("deepr", 5, r"interval=5, but method 'deepr' requires 1: .* tl.method\('deepr', interval=5\)"),
        ("set", None, r"method 'set' does not define an interval: pass interval="),
    ],
)
def test_an_interval_is_given_once(name, interval, message):
    model = tl.sparsify(mlp(20, 20, 3), name)
    trainer = OPTIMIZERS["sgd"](model.parameters())
    with pytest.raises(InvalidValueError, match=message):
        tl.TopologyScheduler(model, trainer, name, total_steps=9, interval=interval)


def test_weights_whose_shape_has_changed_are_rejected_between_updates_too():
    model, trainer, topology = setup("deepr", "sgd", interval=5, backend="csr")
    train_step(model, trainer)
    model[0].values.data = model[0].values.data[1:]
    with pytest.raises(InvalidValueError, match=r"the weight of layer '0' has shape \(47,\) at step 1"):
        topology.step()


def test_moves_of_a_failed_update_are_not_written_later():
    model, trainer, topology = setup("deepr", "sgd", backend="masked", noise=1e-3, total=6)
    advance(model, trainer, topology, topology.plan.last_update - 1)
    train_step(model, trainer)
    other = topology.layers["2"]
    values = other.link_values().clone()
    other.set_link_values(torch.full_like(values, float("nan")))
    with pytest.raises(InvalidValueError, match="layer '2' has a weight that is not finite"):
        topology.step()
    other.set_link_values(values)
    trainer.zero_grad()
    train_step(model, trainer)
    before = copy.deepcopy(model.state_dict())
    assert topology.step() is None  # after the last update, only the optimizer moves weights
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
