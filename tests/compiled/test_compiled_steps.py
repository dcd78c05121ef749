"""Compiled steps beside the same steps by autograd: weights, moments, losses, counts; and what they decline."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

import topolearn as tl
from topolearn.compiled import refusal_of, tape
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.sampling import torch_draws_from

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.05),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9, weight_decay=1e-2, fused=True),
    "nesterov": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8, nesterov=True),
    "adam": lambda weights: torch.optim.Adam(weights, lr=1e-2, betas=(0.8, 0.95), weight_decay=1e-2),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=1e-2, eps=1e-6, weight_decay=0.1, fused=True),
}
MEAN, DEVIATION = 0.5, 2.0


def mlp(widths, density=0.4, dtype=torch.float64, *, dense_head=True, bias=True, seed=0):
    """Return a chain of csr layers, the same for the same seed; each but the last is followed by a ReLU."""
    with torch_draws_from(seed):
        return drawn(widths, density, dtype, dense_head=dense_head, bias=bias, seed=seed)


def drawn(widths, density, dtype, *, dense_head, bias, seed):
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out, bias=bias), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(dtype)
    model = tl.sparsify(model, tl.method("static", density=density), backend="csr", seed=seed)
    if dense_head and len(widths) > 2:
        head = nn.Linear(widths[-2], widths[-1], bias=bias, dtype=dtype)
        with torch.no_grad():
            head.weight.copy_(tl.densify(copy.deepcopy(model))[-1].weight)
            if bias:
                head.bias.copy_(model[-1].bias)
        model[-1] = head
    return model


def data(widths, n, loss, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(size=(n, widths[0])), dtype=dtype)
    if loss == "cross_entropy":
        return x, torch.tensor(rng.integers(widths[-1], size=n))
    return x, torch.tensor(rng.normal(size=(n, widths[-1])), dtype=dtype)


def by_autograd(model, optimizer, x, y, batches, rates, loss):
    """Train as a usual loop does; return the sum of the losses of all examples, and how many were right."""
    total, n_correct = 0.0, 0
    for batch, rate in zip(batches, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        outputs = model((x[batch].to(next(model.parameters()).dtype) - MEAN) / DEVIATION)
        value = F.cross_entropy(outputs, y[batch]) if loss == "cross_entropy" else F.mse_loss(outputs, y[batch])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        total += float(value.detach()) * len(batch)
        n_correct += int((outputs.argmax(1) == y[batch]).sum()) if loss == "cross_entropy" else 0
    return total, n_correct


def assert_alike(one, other, rtol, atol):
    """Compare models and what their optimizers remember."""
    for (a, a_optimizer), (b, b_optimizer) in [(one, other)]:
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(p.detach(), q.detach(), rtol=rtol, atol=atol)
            mine, theirs = a_optimizer.state[p], b_optimizer.state[q]
            assert {k for k, v in mine.items() if v is not None} == {k for k, v in theirs.items() if v is not None}
            for name, value in mine.items():
                if value is not None:
                    torch.testing.assert_close(value, theirs[name], rtol=rtol, atol=atol)


@settings(deadline=None, max_examples=50)
@given(
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    n_classes=st.integers(1, 7),
    density=st.floats(0.05, 0.9),
    batch=st.integers(1, 150),
    name=st.sampled_from(list(OPTIMIZERS)),
    loss=st.sampled_from(["cross_entropy", "squared_error"]),
    dense_head=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_compiled_steps_are_those_of_autograd(widths, n_classes, density, batch, name, loss, dense_head, bias, seed):
    """Weights and moments agree after 50 steps, to 1e-9 in float64."""
    widths = [*widths, n_classes]
    density = max(density, 1 / min(n_in * n_out for n_in, n_out in pairwise(widths)))
    model = mlp(widths, density, dense_head=dense_head, bias=bias, seed=seed)
    twin = copy.deepcopy(model)
    optimizer, of_twin = OPTIMIZERS[name](model.parameters()), OPTIMIZERS[name](twin.parameters())
    x, y = data(widths, 90, loss, torch.float64, seed)
    order = torch.tensor(np.random.default_rng(seed).integers(90, size=50 * batch - batch // 2))
    rates = np.linspace(0.05, 0.01, 50)
    expected = by_autograd(twin, of_twin, x, y, order.split(batch), rates, loss)
    steps = tl.CompiledSteps(model, optimizer, loss, mean=MEAN, deviation=DEVIATION)
    taken = steps.run(x, y, order, batch, rates=rates)
    assert taken.n_steps == 50
    assert taken.loss == pytest.approx(expected[0], rel=1e-9, abs=1e-9)
    assert taken.n_correct == expected[1]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert_alike((model, optimizer), (twin, of_twin), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("source", [torch.uint8, torch.float32])
def test_in_float32_they_agree_to_rounding(name, source):
    widths = [30, 50, 40, 5]
    model = mlp(widths, dtype=torch.float32)
    twin = copy.deepcopy(model)
    optimizer, of_twin = OPTIMIZERS[name](model.parameters()), OPTIMIZERS[name](twin.parameters())
    x, y = data(widths, 100, "cross_entropy", torch.float32)
    x = (x.abs() * 3).to(source)
    order = torch.arange(100).repeat(3)
    expected = by_autograd(twin, of_twin, x, y, order.split(32), [0.01] * 10, "cross_entropy")
    steps = tl.CompiledSteps(model, optimizer, mean=MEAN, deviation=DEVIATION)
    taken = steps.run(x, y, order, 32, rates=[0.01] * 10)
    assert taken.loss == pytest.approx(expected[0], rel=1e-4)
    assert_alike((model, optimizer), (twin, of_twin), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [16, 33, 200])
def test_results_do_not_depend_on_threads_nor_on_how_often_python_looks(batch, monkeypatch):
    """Bit for bit; each kernel's work is shared out, however little it is."""
    monkeypatch.setattr(tape, "LEAST", 0.0)
    widths, results = [60, 90, 70, 4], []
    x, y = data(widths, 400, "cross_entropy", torch.float32)
    for n_threads, seconds in ((1, 10.0), (2, 10.0), (3, 0.0), (2, 0.0)):
        monkeypatch.setattr("topolearn.compiled.steps.SLICE", seconds)
        model = mlp(widths, dtype=torch.float32)
        optimizer = OPTIMIZERS["adam"](model.parameters())
        before, counted = torch.get_num_threads(), []
        torch.set_num_threads(n_threads)
        try:
            taken = tl.CompiledSteps(model, optimizer).run(
                x, y, torch.arange(400).repeat(4), batch, on_steps=counted.append
            )
        finally:
            torch.set_num_threads(before)
        assert sum(counted) == taken.n_steps
        results.append((taken, [parameter.detach() for parameter in model.parameters()]))
    for taken, weights in results[1:]:
        assert taken == results[0][0]
        assert all(map(torch.equal, weights, results[0][1]))


def test_they_go_on_from_steps_by_autograd_and_such_steps_from_them():
    """And in two calls as in one, in which the optimizer counts on."""
    widths = [20, 30, 3]
    x, y = data(widths, 60, "cross_entropy", torch.float64)
    order, ends = torch.arange(60).repeat(4), []
    for cuts in ((0, 240), (0, 90, 240)):
        model = mlp(widths)
        optimizer = OPTIMIZERS["adamw"](model.parameters())
        by_autograd(model, optimizer, x, y, [torch.arange(10)], [0.01], "cross_entropy")
        steps = tl.CompiledSteps(model, optimizer)
        for first, last in pairwise(cuts):
            steps.run(x, y, order[first:last], 15)
        by_autograd(model, optimizer, x, y, [torch.arange(10)], [0.01], "cross_entropy")
        assert {int(state["step"]) for state in optimizer.state.values()} == {18}
        ends.append((model, optimizer))
    assert_alike(*ends, rtol=0, atol=0)


def test_frozen_parameters_and_those_of_others_stay():
    model, other = mlp([10, 20, 3]), nn.Parameter(torch.ones(3, dtype=torch.float64))
    model[0].values.requires_grad_(False)
    optimizer = OPTIMIZERS["momentum"]([*model.parameters(), other])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    x, y = data([10, 20, 3], 40, "cross_entropy", torch.float64)
    tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(40), 8)
    changed = [not torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)]
    assert changed == [False, True, True, True]
    assert torch.equal(other, torch.ones(3, dtype=torch.float64))


def test_groups_have_learning_rates_of_their_own():
    model = mlp([10, 20, 3])
    optimizer = torch.optim.SGD([{"params": model[0].parameters()}, {"params": model[2].parameters()}], lr=0.1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    x, y = data([10, 20, 3], 40, "cross_entropy", torch.float64)
    tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(40), 20, rates=[[0.0, 0.0], [0.1, 0.0]])
    assert [not torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)] == [
        False,
        False,
        True,
        True,
    ]


def test_an_update_of_the_topology_follows_them():
    """What the optimizer remembers moves with the links, as after steps by autograd."""
    ends = []
    x, y = data([16, 24, 24, 3], 200, "cross_entropy", torch.float64)
    for compiled in (False, True):
        method = tl.method("set", density=0.3)
        layers = [nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3)]
        model = tl.sparsify(nn.Sequential(*layers).to(torch.float64), method, backend="csr", seed=1)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(2))
        optimizer = OPTIMIZERS["adam"](model.parameters())
        topology = tl.TopologyScheduler(model, optimizer, method, total_steps=60, interval=10, seed=3)
        for _ in range(6):
            order = torch.arange(200).roll(int(topology.n_steps))
            if compiled:
                assert topology.n_replayable == 10
                tl.CompiledSteps(model, optimizer, mean=MEAN, deviation=DEVIATION).run(
                    x, y, order, 20, rates=[0.01] * 10
                )
                topology.step(replayed=10)
            else:
                for batch in order.split(20):
                    by_autograd(model, optimizer, x, y, [batch], [0.01], "cross_entropy")
                    topology.step()
        assert (topology.n_steps, topology.n_updates) == (60, 5)
        ends.append((model, optimizer))
    assert torch.equal(ends[0][0][0].cells(), ends[1][0][0].cells())
    assert_alike(*ends, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_before", [0, 3])
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(n_before):
    model = mlp([10, 20, 3])
    optimizer = OPTIMIZERS["adam"](model.parameters())
    x, y = data([10, 20, 3], 50, "cross_entropy", torch.float64)
    x[5 * n_before, 0] = np.inf
    taken = tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(50), 5)
    assert (taken.n_steps, taken.is_finite) == (n_before + 1, False)
    assert {int(state["step"]) for state in optimizer.state.values()} == {n_before + 1}


def test_an_interrupted_run_leaves_whole_steps(monkeypatch):
    """Ctrl-C is heard between calls of a tenth of a second; what was done by then is in model and optimizer."""
    monkeypatch.setattr("topolearn.compiled.steps.SLICE", 0.0)
    widths, ends = [20, 30, 3], []
    x, y = data(widths, 200, "cross_entropy", torch.float64)
    for is_interrupted in (True, False):
        model = mlp(widths)
        optimizer, n_done = OPTIMIZERS["adam"](model.parameters()), []

        def stop(n_steps, n_done=n_done, stops=is_interrupted):
            n_done.append(n_steps)
            if stops and len(n_done) == 4:
                raise KeyboardInterrupt

        steps = tl.CompiledSteps(model, optimizer)
        if is_interrupted:
            with pytest.raises(KeyboardInterrupt):
                steps.run(x, y, torch.arange(200), 10, on_steps=stop)
            assert {int(state["step"]) for state in optimizer.state.values()} == {4} == {sum(n_done)}
        else:
            steps.run(x, y, torch.arange(40), 10)
        ends.append((model, optimizer))
    assert_alike(*ends, rtol=0, atol=0)


# --- what cannot be compiled, and bad data ---------------------------------------------------------------------------


def with_hook(model):
    model[0].register_forward_hook(lambda *_: None)
    return model


class Loud(nn.Linear):
    """A layer of somebody else's."""


MODELS = {
    "no sequence": (lambda: mlp([4, 4, 2])[0], "the model is a CsrLinear, not a torch.nn.Sequential"),
    "dense": (lambda: nn.Sequential(nn.Linear(4, 4)), "it has no layer of the csr backend"),
    "masked": (
        lambda: tl.sparsify(
            nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), tl.method("set", density=0.5), backend="masked"
        ),
        "its module MaskedLinear is neither a layer nor a ReLU",
    ),
    "tanh": (lambda: nn.Sequential(*mlp([4, 4, 2])[:1], nn.Tanh()), "its module Tanh is neither"),
    "subclass": (lambda: nn.Sequential(*mlp([4, 4, 2])[:2], Loud(4, 2)), "its module Loud is neither"),
    "relu first": (lambda: nn.Sequential(nn.ReLU(), *mlp([4, 4, 2])), "it begins with a ReLU"),
    "relu last": (lambda: mlp([4, 4, 4, 2])[:2], "it ends with a ReLU"),
    "dense first": (lambda: nn.Sequential(nn.Linear(4, 4).double(), *mlp([4, 4, 2])), "its dense layer of 4 outputs"),
    "wide head": (lambda: mlp([4, 4, 200]), "its dense last layer has 200 outputs, more than 128"),
    "layers that do not meet": (lambda: nn.Sequential(*mlp([4, 6, 2])[:2], *mlp([4, 6, 2])), "do not meet"),
    "two dtypes": (lambda: nn.Sequential(*mlp([4, 4, 2])[:2], nn.Linear(4, 2)), "not all float32, or all float64"),
    "hook": (lambda: with_hook(mlp([4, 4, 2])), "its module CsrLinear has hooks"),
}


@pytest.mark.parametrize("name", MODELS)
def test_other_models_are_declined_with_the_reason(name):
    make, reason = MODELS[name]
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert reason in refusal_of(model, optimizer)
    with pytest.raises(InvalidValueError, match=r"cannot be compiled: .*Train by autograd"):
        tl.CompiledSteps(model, optimizer)


def attached(weights):
    optimizer = torch.optim.SGD(weights, lr=0.1)
    optimizer.register_step_post_hook(lambda *_: None)
    return optimizer


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (torch.optim.RMSprop, "the optimizer is RMSprop, not SGD, Adam or AdamW"),
        (lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, dampening=0.5), "has dampening=0.5"),
        (lambda weights: torch.optim.SGD(weights, lr=0.1, maximize=True), "has maximize=True"),
        (lambda weights: torch.optim.Adam(weights, amsgrad=True), "has amsgrad=True"),
        (lambda weights: torch.optim.Adam(weights, lr=torch.tensor(0.1), foreach=False), "learning rate is a tensor"),
        (attached, "the optimizer has hooks"),
    ],
)
def test_other_optimizers_are_declined_with_the_reason(make, reason):
    model = mlp([4, 4, 2])
    assert reason in refusal_of(model, make(list(model.parameters())))


def test_hooks_of_parameters_modules_and_optimizers_at_large_are_never_passed_by():
    model = mlp([4, 4, 2])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = tl.CompiledSteps(model, optimizer)
    for register, reason in (
        (lambda: model[0].values.register_hook(lambda gradient: gradient), "a parameter has hooks"),
        (lambda: model[0].bias.register_post_accumulate_grad_hook(lambda _: None), "a parameter has hooks"),
        (lambda: register_module_forward_hook(lambda *_: None), "hooks for all modules"),
        (lambda: register_optimizer_step_post_hook(lambda *_: None), "the optimizer has hooks"),
    ):
        handle = register()
        try:
            assert reason in steps.refusal
            with pytest.raises(InvalidValueError, match=reason):
                steps.run(*data([4, 4, 2], 4, "cross_entropy", torch.float64), torch.arange(4), 2)
        finally:
            handle.remove()
    assert steps.refusal is None


def test_the_gradients_that_an_update_asks_for_are_left_to_autograd():
    method = tl.method("rigl", density=0.3)
    model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)), method, backend="csr")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=100, interval=2)
    assert topology.n_replayable == 1
    topology.step(replayed=1)
    assert topology.n_replayable == 0
    assert refusal_of(model, optimizer) == "its gradients are recorded for an update"


X, Y, ORDER = torch.zeros(6, 4, dtype=torch.float64), torch.zeros(6, dtype=torch.int64), torch.arange(6)


@pytest.mark.parametrize(
    ("x", "y", "order", "batch", "rates", "error", "message"),
    [
        (X.float(), Y, ORDER, 2, None, InvalidTypeError, "x is torch.float32.*uint8, or the model's torch.float64"),
        (X[:, :3], Y, ORDER, 2, None, InvalidValueError, r"x has shape \(6, 3\): give \(n_examples, 4\)"),
        (X, Y[:5], ORDER, 2, None, InvalidTypeError, "give 6 labels, int64"),
        (X, Y.to(torch.int32), ORDER, 2, None, InvalidTypeError, "y is torch.int32"),
        (X, Y + 2, ORDER, 2, None, InvalidValueError, "labels from 2 to 2: the model has 2 outputs"),
        (X, Y - 1, ORDER, 2, None, InvalidValueError, "labels from -1 to -1"),
        (X, Y, ORDER + 1, 2, None, InvalidValueError, "numbers from 1 to 6 of 6 examples"),
        (X, Y, ORDER.to(torch.int32), 2, None, InvalidTypeError, "order is torch.int32"),
        (X, Y, ORDER, 0, None, InvalidValueError, "batch_size=0"),
        (
            X,
            Y,
            ORDER,
            2,
            [0.1],
            InvalidValueError,
            r"rates has shape \(1,\): give one for each of 3 steps, or 1 groups",
        ),
        (X, Y, ORDER, 2, [0.1, -1, 0.1], InvalidValueError, "negative or not finite"),
        (X, Y, ORDER, 2, [0.1, np.nan, 0.1], InvalidValueError, "negative or not finite"),
    ],
)
def test_bad_data_are_declined_and_nothing_is_changed(x, y, order, batch, rates, error, message):
    model = mlp([4, 4, 2])
    optimizer = torch.optim.Adam(model.parameters())
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(error, match=message):
        tl.CompiledSteps(model, optimizer).run(x, y, order, batch, rates=rates)
    assert not optimizer.state
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_targets_must_fit_and_the_loss_be_known():
    model = mlp([4, 4, 2])
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(InvalidTypeError, match=r"give torch.float64 of \(6, 2\)"):
        tl.CompiledSteps(model, optimizer, "squared_error").run(X, torch.zeros(6, 3, dtype=torch.float64), ORDER, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'cross_entropy'"):
        tl.CompiledSteps(model, optimizer, "cross-entropy")


def test_no_example_is_no_step():
    model = mlp([4, 4, 2])
    taken = tl.CompiledSteps(model, torch.optim.Adam(model.parameters())).run(X, Y, ORDER[:0], 2)
    assert (taken.n_steps, taken.loss, taken.n_correct) == (0, 0.0, 0)
