"""Extra backward passes of a loop have no effect: it trains like an undisturbed twin, bit for bit."""

import pytest
import torch
from torch import nn

from tests.evolution.loops import EVOLVING, backends_of, setup

CASES = [(method, backend) for method in EVOLVING for backend in backends_of(method)]
N_STEPS = 9


def batches():
    """Return training batches, and others with larger gradients that only the disturbances use."""
    rng = torch.Generator().manual_seed(1)
    xs, others = torch.randn(2, N_STEPS, 8, 12, generator=rng, dtype=torch.float64)
    return list(zip(xs, torch.randint(0, 3, (N_STEPS, 8), generator=rng), 100 * others, strict=True))


def backward(model, x, y):
    nn.functional.cross_entropy(model(x), y).backward()


def plain(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    backward(model, x, y)
    optimizer.step()
    topology.step()


def closure(model, optimizer, topology, x, y, other):
    def compute():
        optimizer.zero_grad()
        backward(model, x, y)

    optimizer.step(compute)
    topology.step()


def saliency_before(model, optimizer, topology, x, y, other):
    other.requires_grad_()
    torch.autograd.grad(model(other).square().sum(), other)
    plain(model, optimizer, topology, x, y, other)


def saliency_between(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    backward(model, x, y)
    other.requires_grad_()
    torch.autograd.grad(model(other).square().sum(), other)
    optimizer.step()
    topology.step()


def saliency_after(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    backward(model, x, y)
    optimizer.step()
    other.requires_grad_()
    torch.autograd.grad(model(other).square().sum(), other, create_graph=True)
    topology.step()


def gradients_by_hand(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    backward(model, x, y)
    torch.autograd.grad(model(other).square().sum(), list(model.parameters()))
    optimizer.step()
    topology.step()


def attack_cleared_in_place(model, optimizer, topology, x, y, other):
    backward(model, other, y)
    optimizer.zero_grad(set_to_none=False)
    backward(model, x, y)
    optimizer.step()
    topology.step()


def validation_before_zero_grad(model, optimizer, topology, x, y, other):
    backward(model, other, y)
    plain(model, optimizer, topology, x, y, other)


def validation_after_the_step(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    backward(model, x, y)
    optimizer.step()
    optimizer.zero_grad()
    backward(model, other, y)
    topology.step()


def validation_in_a_closure(model, optimizer, topology, x, y, other):
    def compute():
        backward(model, other, y)
        optimizer.zero_grad(set_to_none=False)
        backward(model, x, y)

    optimizer.step(compute)
    topology.step()


def penalty_that_is_cleared(model, optimizer, topology, x, y, other):
    penalised(model, other, y).backward()
    plain(model, optimizer, topology, x, y, other)


DISTURBANCES = [
    closure, saliency_before, saliency_between, saliency_after, gradients_by_hand, attack_cleared_in_place,
    validation_before_zero_grad, validation_after_the_step, validation_in_a_closure, penalty_that_is_cleared,
]  # fmt: skip


def penalised(model, x, y):
    x = x.clone().requires_grad_()
    outputs = model(x)
    (gradient,) = torch.autograd.grad(outputs.square().sum(), x, create_graph=True)
    return nn.functional.cross_entropy(outputs, y) + 0.1 * (gradient.norm(dim=1) - 1).square().mean()


def with_penalty(model, optimizer, topology, x, y, other):
    optimizer.zero_grad()
    penalised(model, x, y).backward()
    optimizer.step()
    topology.step()


def trained(method, backend, loop, optimizer="momentum"):
    """Return links and weights after each step of a loop."""
    options = {"score_params": {"gradient_weight": 100.0}} if method == "mest" else {}  # else gradients hardly matter
    model, optimizer, topology = setup(method, optimizer, backend=backend, dtype=torch.float64, **options)
    history = []
    for x, y, other in batches():
        loop(model, optimizer, topology, x, y, other)
        history += [layer.cells().clone() for layer in topology.layers.values()]
        history += [layer.dense_weight() for layer in topology.layers.values()]
    assert topology.n_updates >= 4
    return history


@pytest.fixture(scope="module")
def undisturbed():
    return {case: trained(*case, plain) for case in CASES}


@pytest.mark.parametrize("loop", DISTURBANCES, ids=lambda loop: loop.__name__)
@pytest.mark.parametrize(("method", "backend"), CASES)
def test_a_disturbance_changes_nothing(method, backend, loop, undisturbed):
    for mine, expected in zip(trained(method, backend, loop), undisturbed[method, backend], strict=True):
        assert torch.equal(mine, expected)


@pytest.mark.parametrize("method", [method for method, backend in CASES if backend == "csr"])
def test_under_a_penalty_both_backends_train_alike(method):
    histories = [trained(method, backend, with_penalty) for backend in ("masked", "csr")]
    for masked, csr in zip(*histories, strict=True):
        torch.testing.assert_close(csr, masked, rtol=1e-9, atol=1e-9)
