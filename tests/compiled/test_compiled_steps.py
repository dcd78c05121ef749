"""Compiled steps compared with the same steps with autograd: weights, moments, losses, counts."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import topolearn as tl
from tests.compiled.networks import data, mlp
from topolearn.compiled import tape

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.05),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9, weight_decay=1e-2, fused=True),
    "nesterov": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8, nesterov=True),
    "adam": lambda weights: torch.optim.Adam(weights, lr=1e-2, betas=(0.8, 0.95), weight_decay=1e-2),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=1e-2, eps=1e-6, weight_decay=0.1, fused=True),
}
MEAN, DEVIATION = 0.5, 2.0


def by_autograd(model, optimizer, x, y, batches, rates, loss):
    """Train with a usual loop; return the sum of the losses of all examples, and how many were right."""
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
    assume(np.isfinite(expected[0]))  # compiled steps stop when the loss diverges, as it does for a few draws
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
def test_results_do_not_depend_on_threads_or_on_the_slices_between_returns_to_python(batch, monkeypatch):
    """Bit for bit; even the smallest work is shared among threads."""
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


@pytest.mark.parametrize("batch", [16, 200])
def test_results_do_not_depend_on_the_chunks_of_links_that_take_their_steps_together(batch, monkeypatch):
    widths, results = [60, 90, 70, 4], []
    x, y = data(widths, 400, "cross_entropy", torch.float32)
    for links_per_chunk in (10**6, 500, 1):
        monkeypatch.setattr("topolearn.compiled.step_tape.LINKS_PER_CHUNK", links_per_chunk)
        model = mlp(widths, dtype=torch.float32)
        optimizer = OPTIMIZERS["momentum"](model.parameters())
        tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(400).repeat(2), batch)
        results.append(
            [*model.parameters(), *(optimizer.state[each]["momentum_buffer"] for each in model.parameters())]
        )
    for tensors in results[1:]:
        assert all(map(torch.equal, tensors, results[0]))


def test_compiled_steps_and_steps_with_autograd_can_alternate():
    """Two calls also match one, and the optimizer keeps counting."""
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


def test_a_relu_that_occurs_twice_counts_twice():
    layers, relu = mlp([12, 16, 14, 4]), nn.ReLU()
    model = nn.Sequential(layers[0], relu, layers[2], relu, layers[4])
    twin = copy.deepcopy(model)
    x, y = torch.randn(64, 12, dtype=torch.float64), torch.arange(64) % 4
    optimizers = [torch.optim.SGD(each.parameters(), lr=0.1) for each in (model, twin)]
    order = torch.arange(64)
    tl.CompiledSteps(model, optimizers[0], mean=MEAN, deviation=DEVIATION).run(x, y, order, 16)
    by_autograd(twin, optimizers[1], x, y, order.split(16), [0.1] * 4, "cross_entropy")
    assert_alike((model, optimizers[0]), (twin, optimizers[1]), rtol=1e-4, atol=1e-5)


def test_frozen_parameters_and_those_of_other_models_stay():
    model, other = mlp([10, 20, 3]), nn.Parameter(torch.ones(3, dtype=torch.float64))
    model[0].values.requires_grad_(False)
    optimizer = OPTIMIZERS["momentum"]([*model.parameters(), other])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    x, y = data([10, 20, 3], 40, "cross_entropy", torch.float64)
    tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(40), 8)
    changed = [not torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)]
    assert changed == [False, True, True, True]
    assert torch.equal(other, torch.ones(3, dtype=torch.float64))


def test_groups_have_their_own_learning_rates():
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


def test_an_update_of_the_topology_may_follow():
    """Optimizer state moves with the links, as after steps with autograd."""
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
    """Ctrl-C takes effect between calls of a tenth of a second; model and optimizer have all steps taken by then."""
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


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 TiB")])
def test_running_out_of_memory_is_reported_and_changes_nothing(error, monkeypatch):
    model = mlp([10, 20, 3])
    before, optimizer = copy.deepcopy(model.state_dict()), OPTIMIZERS["adam"](model.parameters())
    x, y = data([10, 20, 3], 50, "cross_entropy", torch.float64)

    def no_tape(*_):
        raise error

    monkeypatch.setattr("topolearn.compiled.steps.step_tape", no_tape)
    with pytest.raises(tl.errors.InvalidValueError, match="a step on 25 examples does not fit into memory"):
        tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(50), 25)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    monkeypatch.undo()
    assert tl.CompiledSteps(model, optimizer).run(x, y, torch.arange(50), 25).n_steps == 2


def test_other_errors_of_torch_are_not_taken_for_memory(monkeypatch):
    def wrong(*_):
        raise RuntimeError("something else")

    model = mlp([10, 20, 3])
    monkeypatch.setattr("topolearn.compiled.steps.step_tape", wrong)
    x, y = data([10, 20, 3], 50, "cross_entropy", torch.float64)
    with pytest.raises(RuntimeError, match="something else"):
        tl.CompiledSteps(model, OPTIMIZERS["sgd"](model.parameters())).run(x, y, torch.arange(50), 25)
