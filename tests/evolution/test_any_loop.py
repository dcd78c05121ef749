"""The scheduler in custom loops: accumulated gradients, scaled gradients, skipped steps, learning rates."""

import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import (
    EVOLVING,
    advance,
    backends_of,
    backward,
    link_state,
    on_links,
    setup,
    train_step,
)
from topolearn.errors import InvalidValueError

CONSTANT = {"set", "rigl", "rigl-soft", "cht", "chts", "deepr", "topkast"}  # constant number of links
BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])


def links_of(topology):
    return {name: layer.cells().tolist() for name, layer in topology.layers.items()}


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "mest"])
def test_accumulated_gradients_choose_the_links_of_the_whole_batch(method, backend):
    found = []
    for parts in (1, 4):
        model, trainer, topology = setup(method, "sgd", backend=backend, dtype=torch.float64)
        torch.manual_seed(1)
        x, y = torch.randn(10, 16, 12, dtype=torch.float64), torch.randint(0, 3, (10, 16))
        for step in range(10):
            for a, b in zip(x[step].chunk(parts), y[step].chunk(parts), strict=True):
                (nn.functional.cross_entropy(model(a), b) / parts).backward()
            trainer.step()
            topology.step()
            trainer.zero_grad()
        assert topology.n_updates >= 3
        found.append(links_of(topology))
    assert found[0] == found[1]


@BACKENDS
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("method", ["rigl", "mest", "chts"])
def test_a_step_that_the_scaler_skips_does_not_count(method, attached, fused, backend):
    """A run with a scaler, in which one step overflows, equals the run without that step and without a scaler."""
    found = []
    for scaled in (False, True):
        model, _, topology = setup(method, backend=backend, dtype=torch.float64)
        trainer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=fused)
        topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
        if attached:
            tl.attach(trainer, topology)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=scaled)
        torch.manual_seed(1)
        for step in range(11):
            loss = nn.functional.cross_entropy(
                model(torch.randn(8, 12, dtype=torch.float64)), torch.randint(0, 3, (8,))
            )
            if step == 3:  # in the window of the second update
                if not scaled:
                    continue
                loss = loss * float("inf")
            scaler.scale(loss).backward()
            scaler.step(trainer)
            scaler.update()
            if not attached:
                topology.step()
            trainer.zero_grad()
        assert (topology.n_steps, topology.n_updates) == (10, 5)
        found.append(links_of(topology))
    assert found[0] == found[1]


@pytest.mark.parametrize(("method", "backend"), [(m, b) for m in EVOLVING for b in backends_of(m)])
def test_groups_of_parameters_and_attaching_change_nothing(method, backend):
    found = []
    for in_groups in (False, True):
        model, _, topology = setup(method, backend=backend)
        groups = tl.parameter_groups(model, 1e-3)
        spread = [{**groups[1]}, *({**groups[0], "params": [p]} for p in reversed(groups[0]["params"]))]
        trainer = torch.optim.AdamW(spread if in_groups else groups, lr=0.01)
        topology = tl.TopologyScheduler(model, trainer, topology.method, total_steps=20, interval=2)
        if in_groups:
            tl.attach(trainer, topology)
        torch.manual_seed(1)
        for _ in range(12):
            trainer.zero_grad()
            train_step(model, trainer)
            if not in_groups:
                topology.step()
        assert topology.n_updates > 2
        found.append((links_of(topology), [layer.dense_weight().tolist() for layer in topology.layers.values()]))
    assert found[0] == found[1]


def test_without_an_optimizer_step_nothing_is_counted_and_a_warning_is_issued():
    model, _, topology = setup(interval=1)
    backward(model)
    with pytest.warns(UserWarning, match=r"called without an optimizer\.step\(\) since the last call"):
        assert topology.step() is None
    assert topology.n_steps == 0


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "mest"])
@pytest.mark.filterwarnings("ignore:topology.step")
def test_calls_between_accumulated_batches_lose_no_gradients(method, backend):
    links = []
    for often in (False, True):
        model, trainer, topology = setup(method, "sgd", backend=backend, dtype=torch.float64)
        torch.manual_seed(1)
        for _ in range(10):
            for _ in range(3):
                if often:
                    topology.step()
                backward(model)
            trainer.step()
            topology.step()
            trainer.zero_grad()
        assert (topology.n_steps, topology.n_updates) == (10, 5)
        links.append(links_of(topology))
    assert links[0] == links[1]


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "srigl", "granet", "set", "mest"])
def test_uncounted_steps_are_reported_once(method, backend):
    """With ten optimizer steps per scheduler step, at most one of them is skipped."""
    model, trainer, topology = setup(method, "sgd", backend=backend, dtype=torch.float64)
    n_still = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(4):
            for _ in range(10):
                head = model[-1].weight.detach().clone()
                trainer.zero_grad()
                train_step(model, trainer)
                n_still += torch.equal(model[-1].weight, head)
            topology.step()
    assert [str(each.message)[:101] for each in caught] == [
        "optimizer.step() was called again before topology.step(): of 2 optimizer steps, 0 are counted, so the"
    ]
    assert caught[0].filename.endswith("loops.py")
    assert (topology.n_steps, topology.n_updates) == (4, 2)
    assert n_still == (2 if topology.method.skip_gradient_step else 0)


@pytest.mark.parametrize("method", ["static", "dense"])
def test_without_updates_no_step_is_reported_as_missed(method):
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    rule = tl.method(method) if method == "dense" else tl.method(method, density=0.5)
    trainer = torch.optim.SGD(tl.sparsify(model, rule).parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=9, interval=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            model(torch.ones(2, 8)).sum().backward()
            trainer.step()
    assert topology.n_steps == 0


@pytest.mark.parametrize(
    ("options", "steps"),
    [({"interval": 20}, "step 20 "), ({"interval": 16, "stop_fraction": 0.75}, "step 15 "), ({"interval": 50}, "")],
)
def test_an_interval_that_is_never_reached_gives_a_warning(options, steps):
    with pytest.warns(
        UserWarning, match=rf"interval={options['interval']} never changes the topology.*{steps}.*total_steps=20"
    ):
        setup("set", **options)


@pytest.mark.parametrize("interval", [19, 10])
def test_an_interval_that_is_reached_once_is_enough(interval):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        setup("set", interval=interval)


@BACKENDS
def test_an_update_can_replace_the_gradient_step(backend):
    model, trainer, topology = setup("set", "adam", backend=backend, interval=3, skip_gradient_step=True)
    for step in range(1, 10):
        head, steps = model[-1].weight.detach().clone(), float(trainer.state[model[-1].weight].get("step", 0))
        train_step(model, trainer)
        update = topology.step()
        trainer.zero_grad()
        assert (update is not None) == (step % 3 == 0)
        assert torch.equal(model[-1].weight, head) == (step % 3 == 0)
        assert float(trainer.state[model[-1].weight]["step"]) == steps + (step % 3 != 0)


def test_the_learning_rate_rises_again_after_an_update():
    model, trainer, topology = setup("set", "sgd", interval=5, rewarmup_steps=3)
    rates = []
    for _ in range(11):
        before, bias = trainer.param_groups[0]["lr"], model[-1].bias.detach().clone()
        backward(model)
        gradient = model[-1].bias.grad.clone()
        trainer.step()
        topology.step()
        rates.append(float(((bias - model[-1].bias.detach()) / gradient).mean()) / 0.05)
        assert trainer.param_groups[0]["lr"] == before == 0.05
        trainer.zero_grad()
    assert rates == pytest.approx([1, 1, 1, 1, 1, 1 / 3, 2 / 3, 1, 1, 1, 1 / 3], rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip_gradient_step": True, "interval": 1}, "skips every gradient step"),
        ({"rewarmup_steps": 2, "interval": 2}, "rewarmup_steps=2 must be less than interval=2"),
    ],
)
def test_options_that_leave_nothing_to_train_are_rejected(options, message):
    with pytest.raises(InvalidValueError, match=message):
        setup("set", **options)


@BACKENDS
@pytest.mark.parametrize("method", ["rigl", "chtss"])
@pytest.mark.parametrize("compiler", ["eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_compiled_models_reach_the_same_links(method, backend, compiler):
    found = []
    for compiled in (False, True):
        model, trainer, topology = setup(method, "adam", backend=backend, dtype=torch.float64)
        run = torch.compile(model, backend=compiler) if compiled else model
        topology = tl.TopologyScheduler(run, trainer, topology.method, total_steps=20, interval=2)
        torch.manual_seed(1)
        for _ in range(12):
            x = torch.randn(8, 12, dtype=torch.float64)
            nn.functional.cross_entropy(run(x), torch.randint(0, 3, (8,))).backward()
            trainer.step()
            topology.step()
            trainer.zero_grad()
        found.append(links_of(topology))
    assert found[0] == found[1]


@BACKENDS
def test_a_gradient_that_is_not_finite_names_the_layer_and_leaves_the_model(backend):
    model, trainer, topology = setup("rigl", "sgd", backend=backend)
    advance(model, trainer, topology, 1)
    backward(model)
    links = links_of(topology)
    record = topology.layers["2"].record
    (record.passes[0][1] if backend == "csr" else record.rows(0, 16)).fill_(float("nan"))
    trainer.step()
    with pytest.raises(InvalidValueError, match="layer '2': its gradient is not finite"):
        topology.step()
    assert links_of(topology) == links


def test_a_parameter_that_changed_its_shape_is_rejected():
    model, trainer, topology = setup("set", "sgd", backend="csr")
    advance(model, trainer, topology, 1)
    train_step(model, trainer)
    model[0].values.data = model[0].values.data[:-1]
    message = r"the weight of layer '0' has shape \(47,\) at step 2, but its links need \(48,\)"
    with pytest.raises(InvalidValueError, match=message):
        topology.step()


@pytest.mark.parametrize(("method", "backend"), [(m, b) for m in EVOLVING if m in CONSTANT for b in backends_of(m)])
def test_another_optimizer_takes_over_with_a_new_scheduler(method, backend):
    """If the optimizer has no state, the run equals the one that keeps the optimizer."""
    results = []
    for replaced in (False, True):
        model, trainer, topology = setup(method, "sgd", backend=backend)
        torch.manual_seed(1)
        advance(model, trainer, topology, 5)
        if replaced:
            old, trainer = topology, torch.optim.SGD(model.parameters(), lr=0.05)
            topology = tl.TopologyScheduler(model, trainer, old.method, total_steps=20, interval=2)
            topology.load_state_dict(old.state_dict())
            assert topology.n_updates == old.n_updates == 2
        updates = advance(model, trainer, topology, 7)
        events = [(update.step, update.index, update.overlap) for update in updates]
        assert events[0][:2] == (6, 3)
        ages = {name: each.tolist() for name, each in topology.link_ages().items()}
        weights = [layer.dense_weight().tolist() for layer in topology.layers.values()]
        results.append((links_of(topology), weights, ages, topology.itop_rate(), events))
    assert max(max(each) for each in results[0][2].values()) > 6  # some links are older than the new optimizer
    assert results[0] == results[1]


@BACKENDS
def test_the_new_optimizer_follows_the_links(backend):
    model, trainer, topology = setup("set", "sgd", backend=backend)
    advance(model, trainer, topology, 5)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    state, topology = (
        topology.state_dict(),
        tl.TopologyScheduler(model, adam, topology.method, total_steps=20, interval=2),
    )
    topology.load_state_dict(state)
    advance(model, adam, topology, 3)
    for name, layer in topology.layers.items():
        new = topology.link_ages()[name] == 0
        assert bool(new.any())
        for each in on_links(layer, link_state(adam, layer)).values():
            assert bool((each[new] == 0).all())


def test_an_unreferenced_scheduler_is_collected():
    model, trainer, topology = setup("rigl", "sgd", interval=2)
    method = topology.method
    del topology
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        topology = tl.TopologyScheduler(model, trainer, method, total_steps=20, interval=2)
        assert len(advance(model, trainer, topology, 4)) == 2
    assert len(trainer._optimizer_step_pre_hooks) == 1
