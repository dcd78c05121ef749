"""`optimizer.step(closure)` trains exactly as a backward pass before `optimizer.step()` does."""

import pytest
import torch

from tests.evolution.loops import EVOLVING, backends_of, backward, setup

CASES = [(method, backend) for method in EVOLVING for backend in backends_of(method)]
WAYS = {
    "positional": lambda optimizer, closure: optimizer.step(closure),
    "keyword": lambda optimizer, closure: optimizer.step(closure=closure),
    "none": lambda optimizer, closure: (closure(), optimizer.step(None)),
}


def closure_of(model, optimizer):
    def closure():
        optimizer.zero_grad()
        backward(model)
        return torch.tensor(7.0)

    return closure


def plain(optimizer, closure):
    closure()
    optimizer.step()


def trained(method, step, **options):
    """Return all parameters, links and optimizer states after some steps, each taken by a function."""
    model, optimizer, topology = setup(method, "adamw", **options)
    torch.manual_seed(1)
    for _ in range(9):
        step(optimizer, closure_of(model, optimizer))
        topology.step()
    assert topology.n_updates >= 2
    state = [value for each in optimizer.state.values() for value in each.values()]
    links = [layer.cells() for layer in topology.layers.values()]
    return [*(each.detach() for each in model.parameters()), *links, *state]


@pytest.mark.parametrize(("method", "backend"), CASES)
def test_a_closure_trains_as_the_plain_loop(method, backend):
    expected = trained(method, plain, backend=backend)
    for step in WAYS.values():
        assert all(map(torch.equal, trained(method, step, backend=backend), expected))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("method", "options"),
    [("set", {"interval": 3, "rewarmup_steps": 2}), ("mest", {"score_params": {"gradient_weight": 100.0}})],
)
def test_learning_rates_and_gradients_are_those_after_the_closure(method, options, way):
    assert all(map(torch.equal, trained(method, WAYS[way], **options), trained(method, plain, **options)))


@pytest.mark.parametrize("way", ["positional", "keyword"])
def test_the_loss_of_the_closure_is_returned(way):
    model, optimizer, _ = setup("rigl")
    assert WAYS[way](optimizer, closure_of(model, optimizer)) == 7.0


def test_a_closure_that_raises_leaves_learning_rates_and_counts_nothing():
    model, optimizer, topology = setup("set", "sgd", interval=3, rewarmup_steps=2)
    for _ in range(3):
        optimizer.step(closure_of(model, optimizer))
        topology.step()
    head = model[-1].weight.detach().clone()

    def failing():
        backward(model)
        raise KeyError("data")

    with pytest.raises(KeyError):
        optimizer.step(failing)
    assert optimizer.param_groups[0]["lr"] == 0.05
    assert torch.equal(model[-1].weight, head)
    with pytest.warns(UserWarning, match="no step is counted"):
        assert topology.step() is None
    assert topology.n_steps == 3


def test_the_closure_sees_the_learning_rates_that_the_user_set():
    model, optimizer, topology = setup("set", "sgd", interval=3, rewarmup_steps=2)
    seen = []

    def closure():
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        backward(model)

    for _ in range(6):
        optimizer.step(closure)
        topology.step()
    assert seen == [0.05] * 6 and optimizer.param_groups[0]["lr"] == 0.05
