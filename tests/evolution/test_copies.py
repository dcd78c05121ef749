"""Copies and pickles of a scheduler with its model and optimizer train on as the original does."""

import copy
import pickle

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import EVOLVING, OPTIMIZERS, advance, backends_of, backward, setup, train_step
from topolearn.errors import InvalidValueError

EVERY = pytest.mark.parametrize(("method", "backend"), [(m, b) for m in EVOLVING for b in backends_of(m)])


def pickled(value):
    return pickle.loads(pickle.dumps(value))


COPIES = pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=["deepcopy", "pickle"])


def facts(model, optimizer, topology):
    """Return the complete training state, tensors as lists."""
    state = [
        {k: v.tolist() if torch.is_tensor(v) else v for k, v in optimizer.state[p].items()} for p in model.parameters()
    ]
    return (
        {key: each.tolist() for key, each in model.state_dict().items()},
        state,
        {name: layer.cells().tolist() for name, layer in topology.layers.items()},
        {name: ages.tolist() for name, ages in topology.link_ages().items()},
        topology.itop_rate(),
        topology.converged,
        (topology.n_steps, topology.n_updates, topology.last_update_step),
    )


def go_on(model, optimizer, topology, n_steps, attached=False):
    """Continue training with batches that only depend on the step."""
    for _ in range(n_steps):
        torch.manual_seed(100 + topology.n_steps)
        optimizer.zero_grad()
        train_step(model, optimizer)
        if not attached:
            topology.step()
    return facts(model, optimizer, topology)


@COPIES
@EVERY
def test_a_copy_trains_on_as_the_original_and_leaves_it_alone(method, backend, copied):
    alone = go_on(*setup(method, backend=backend, interval=3), 14)
    for after in (0, 2, 3, 7):  # before the first step, before an update, just after one, between two
        original = setup(method, backend=backend, interval=3)
        go_on(*original, after)
        other = copied(original)
        assert other[2].model is other[0]
        assert other[2].optimizer is other[1]
        assert go_on(*other, 14 - after) == alone
        assert original[2].n_steps == after
        assert go_on(*original, 14 - after) == alone


@COPIES
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_a_copy_follows_with_any_optimizer(optimizer, copied):
    alone = go_on(*setup("rigl", optimizer), 9)
    original = setup("rigl", optimizer)
    go_on(*original, 5)
    assert go_on(*copied(original), 4) == alone


@COPIES
@pytest.mark.parametrize("remove", [False, True])
def test_a_copy_of_an_attached_scheduler_is_attached(copied, remove):
    alone = go_on(*setup("rigl"), 9)
    original = setup("rigl")
    handle = tl.attach(original[1], original[2])
    go_on(*original, 5, attached=True)
    if remove:
        handle.remove()
    model, optimizer, topology = copied(original)
    if remove:
        go_on(model, optimizer, topology, 4)
    else:
        again = tl.attach(optimizer, topology)
        assert again is topology.attachment
        go_on(model, optimizer, topology, 4, attached=True)
    assert facts(model, optimizer, topology) == alone
    assert original[2].n_steps == 5


@COPIES
@pytest.mark.parametrize("method", ["set", "mest", "deepr"])
def test_a_copy_between_the_optimizer_and_the_scheduler_counts_the_step(method, copied):
    results = []
    for is_copied in (False, True):
        model, optimizer, topology = setup(method, interval=2)
        go_on(model, optimizer, topology, 1)
        train_step(model, optimizer)
        if is_copied:
            model, optimizer, topology = copied((model, optimizer, topology))
        assert topology.step() is not None
        results.append(go_on(model, optimizer, topology, 4))
    assert results[0] == results[1]


@COPIES
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_copy_that_would_lose_gradients_is_rejected(backend, copied):
    model, optimizer, topology = setup("rigl", backend=backend, interval=2)
    advance(model, optimizer, topology, 1)
    backward(model)
    with pytest.raises(
        InvalidValueError, match=r"layer '0' holds gradients of a backward pass .* after topology.step\(\), before the"
    ):
        copied((model, optimizer, topology))
    optimizer.step()
    assert topology.step() is not None
    copied((model, optimizer, topology))


@COPIES
def test_hooks_of_updates_stay_with_the_original(copied):
    told = []
    model, optimizer, topology = setup("set", interval=1)
    topology.register_update_hook(lambda *_: told.append(1))
    other = copied((model, optimizer, topology))
    go_on(*other, 2)
    assert told == []
    go_on(model, optimizer, topology, 2)
    assert told == [1, 1]


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.optimizer, self.topology = setup("rigl")


@COPIES
def test_a_scheduler_that_its_module_holds_is_copied_with_it(copied):
    alone = go_on(*setup("rigl"), 6)
    other = copied(Module())
    assert go_on(other.net, other.optimizer, other.topology, 6) == alone
