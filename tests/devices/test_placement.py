"""Every method chooses the same links on a device as on the CPU, and nothing is non-zero off the links there."""

import pytest
import torch

import topolearn as tl
from tests.devices.placed import (
    SEEDS,
    STEPS,
    batches,
    differing,
    method_named,
    off_links,
    scheduled,
    sparse_model,
    state_of,
    step,
    updates_of,
)
from tests.evolution.loops import OPTIMIZERS
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS

EVOLVING = [name for name, row in METHODS.items() if row.evolves]


def test_all_methods_are_tested():
    assert len(METHODS) == 15
    assert set(METHODS) - set(EVOLVING) == {"dense", "static"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", METHODS)
def test_each_update_is_that_of_the_cpu(name, seed, pretend):
    method = method_named(name)
    one = scheduled(sparse_model(method, seed), method, seed=seed)
    other = scheduled(sparse_model(method, seed).to(pretend.device), method, seed=seed)
    updates, on_device = updates_of(*one, batches(seed)), updates_of(*other, batches(seed))
    assert len(updates) == len(on_device) >= (2 if name in EVOLVING else 0)
    assert [differing(*pair) for pair in zip(updates, on_device, strict=True)] == [[]] * len(updates)
    assert differing(state_of(*one), state_of(*other)) == []
    assert not any(off_links(*other[1:]).values())
    assert all(layer.weight.device == pretend.device for layer in other[2].layers.values())


@pytest.mark.parametrize(
    ("optimizer", "name"), [("adam", "chtss"), ("amsgrad", "srigl"), ("rmsprop", "mest"), ("adamw", "topkast")]
)
def test_the_state_of_any_optimizer_follows_the_links(optimizer, name, pretend):
    method = method_named(name)
    one = scheduled(sparse_model(method, 0), method, optimizer)
    other = scheduled(sparse_model(method, 0).to(pretend.device), method, optimizer)
    updates, on_device = updates_of(*one, batches(0)), updates_of(*other, batches(0))
    assert [differing(*pair) for pair in zip(updates, on_device, strict=True)] == [[]] * len(updates)
    counts = off_links(*other[1:])
    assert len(counts) > len(other[2].layers)
    assert not any(counts.values())


# --- whichever way the model gets to the device ----------------------------------------------------------------------


def sparse_then_moved(method, device):
    return sparse_model(method, 0).to(device)


def moved_then_sparse(method, device):
    return sparse_model(method, 0, device=device)


def moved_by_layers(method, device):
    model = sparse_model(method, 0)
    for layer in model:
        layer.to(device)
    return model


def moved_back_and_forth(method, device):
    return sparse_model(method, 0).to(device).cpu().to(device)


def of_another_dtype_in_between(method, device):
    return sparse_model(method, 0).double().to(device).float()


def with_a_gradient(method, device):
    model = sparse_model(method, 0)
    model(torch.ones(1, 12)).sum().backward()
    return model.to(device)


def loaded(method, device):
    model = sparse_model(method, 5).to(device)
    model.load_state_dict(sparse_model(method, 0).state_dict())
    return model


def loaded_by_assignment(method, device):
    model = sparse_model(method, 5).to(device)
    state = sparse_model(method, 0).state_dict()
    model.load_state_dict({name: each.to(device) for name, each in state.items()}, assign=True)
    return model


ORDERS = [
    sparse_then_moved,
    moved_then_sparse,
    moved_by_layers,
    moved_back_and_forth,
    of_another_dtype_in_between,
    with_a_gradient,
    loaded,
    loaded_by_assignment,
]


@pytest.mark.parametrize(
    ("order", "name"),
    [
        *((order, "set") for order in ORDERS),
        *((order, "topkast") for order in ORDERS[:2]),
        (moved_back_and_forth, "gmp"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_nothing_trains_off_the_links(order, name, pretend):
    method = method_named(name)
    whole = scheduled(sparse_model(method, 0), method)
    updates = updates_of(*whole, batches(0))
    training = scheduled(order(method, pretend.device), method)
    on_device = updates_of(*training, batches(0))
    assert not any(off_links(*training[1:]).values())
    assert [differing(*pair) for pair in zip(updates, on_device, strict=True)] == [[]] * len(updates)


@pytest.mark.parametrize(
    ("name", "first"), [("rigl", 0), ("chtss", 1), ("gmp", 0), ("topkast", 1), ("topkast", 2), ("deepr", 2)]
)
def test_a_training_moves_to_the_device_and_back(name, first, pretend):
    """Model, optimizer and scheduler load the states from another device, in any order."""
    method, data = method_named(name), list(batches(0))
    whole = scheduled(sparse_model(method, 0), method)
    updates = updates_of(*whole, data)
    training, left = scheduled(sparse_model(method, 0), method), []
    for device, some in ((pretend.device, data[3:5]), ("cpu", data[5:])):
        left += updates_of(*training, data[:3]) if not left else []
        saved = [each.state_dict() for each in training]
        training = scheduled(sparse_model(method, 7).to(device), method, seed=7)
        for i in (first, *({0, 1, 2} - {first})):
            training[i].load_state_dict(saved[i])
        assert not any(off_links(*training[1:]).values())
        left += updates_of(*training, some)
        assert not any(off_links(*training[1:]).values())
    assert [differing(*pair) for pair in zip(updates, left, strict=True)] == [[]] * len(updates)
    assert differing(state_of(*whole), state_of(*training)) == []


def test_a_new_scheduler_takes_over_a_model_that_has_moved(pretend):
    """On devices for which torch creates new parameters, the optimizer must be created after the move."""
    method, data = method_named("chts"), list(batches(0))
    whole = scheduled(sparse_model(method, 0), method)
    updates = updates_of(*whole, data)
    model, optimizer, topology = scheduled(sparse_model(method, 0), method)
    left = updates_of(model, optimizer, topology, data[:4])
    moved = model.to(pretend.device)
    with pytest.raises(InvalidValueError, match="is in no param group of the optimizer: create the optimizer after"):
        tl.TopologyScheduler(moved, optimizer, method, total_steps=STEPS, interval=2, state=topology.state_dict())
    trainer = OPTIMIZERS["momentum"](moved.parameters())
    trainer.load_state_dict(optimizer.state_dict())
    again = tl.TopologyScheduler(moved, trainer, method, total_steps=STEPS, interval=2, state=topology.state_dict())
    left += updates_of(moved, trainer, again, data[4:])
    assert [differing(*pair) for pair in zip(updates, left, strict=True)] == [[]] * len(updates)


@pytest.mark.parametrize("name", ["set", "topkast"])
def test_writes_by_other_code_off_the_links_are_reset_to_zero_on_a_device(name, pretend):
    method = method_named(name)
    training = scheduled(sparse_model(method, 0).to(pretend.device), method)
    data = list(batches(0))
    for x, y in data[:3]:
        step(*training, x, y)
    _, optimizer, topology = training
    with torch.no_grad():
        for layer in topology.layers.values():
            layer.weight.add_(1.0)
            optimizer.state[layer.weight]["momentum_buffer"].add_(1.0)
    with pytest.warns(UserWarning, match="off its .* links were written, and have been reset to 0"):
        step(*training, *data[3])
    assert not any(off_links(optimizer, topology).values())
