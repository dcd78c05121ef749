"""Model, optimizer and topology load in any order, and training continues as if it had never stopped."""

import copy
import itertools
import pickle

import pytest
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

import topolearn as tl
from tests.evolution.loops import EVOLVING, OPTIMIZERS, advance, backends_of, setup
from topolearn.errors import CheckpointError, InvalidValueError

ORDERS = list(itertools.permutations((0, 1, 2)))  # of model, optimizer and topology
EVERY = [(method, backend) for method in EVOLVING for backend in backends_of(method)]


@pytest.mark.parametrize(("method", "backend"), EVERY)
def test_training_continues_bit_for_bit_in_any_order_of_loading(method, backend):
    training = setup(method, "adam", backend=backend)
    advance(*training, 7)
    saved = copy.deepcopy([each.state_dict() for each in training])
    rng = torch.get_rng_state()
    updates, expected = advance(*training, 8), copy.deepcopy(training[0].state_dict())
    for order in ORDERS:
        again = setup(method, "adam", backend=backend, seed=5)
        for i in order:
            again[i].load_state_dict(copy.deepcopy(saved[i]))
        torch.set_rng_state(rng)
        assert [repr(update) for update in advance(*again, 8)] == [repr(update) for update in updates], order
        state = again[0].state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(value, expected[key]) for key, value in state.items()), order
        assert {name: ages.tolist() for name, ages in again[2].link_ages().items()} == {
            name: ages.tolist() for name, ages in training[2].link_ages().items()
        }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(("method", "backend"), [("chtss", "csr"), ("rigl", "masked"), ("deepr", "csr")])
def test_the_step_by_which_torch_creates_an_optimizers_state_does_not_count(method, backend, attached):
    training = setup(method, "adam", backend=backend)
    model, optimizer, topology = training
    get_optimizer_state_dict(model, optimizer)
    advance(*training, 7)
    saved = model.state_dict(), get_optimizer_state_dict(model, optimizer), topology.state_dict()
    saved, rng = copy.deepcopy(saved), torch.get_rng_state()
    updates = advance(*training, 8)
    for order in ORDERS:
        again = setup(method, "adam", backend=backend, seed=5)
        handle = tl.attach(again[1], again[2]) if attached else None
        for i in order:
            if i == 1:
                set_optimizer_state_dict(*again[:2], copy.deepcopy(saved[1]))
            else:
                again[i].load_state_dict(copy.deepcopy(saved[i]))
        assert again[2].n_steps == 7
        if handle:
            handle.remove()
        torch.set_rng_state(rng)
        assert [repr(update) for update in advance(*again, 8)] == [repr(update) for update in updates], order
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in again[0].state_dict().items()), order


@pytest.mark.parametrize(("method", "backend"), [("set", "csr"), ("chtss", "csr"), ("set", "masked")])
def test_copies_of_a_frozen_model_load_in_any_order_once_they_train(method, backend):
    frozen, _, topology = setup(method, "adam", backend=backend)
    frozen = pickle.loads(pickle.dumps(frozen.requires_grad_(False)))

    def made():
        model = copy.deepcopy(frozen).requires_grad_(True)
        optimizer = OPTIMIZERS["adam"](model.parameters())
        return model, optimizer, tl.TopologyScheduler(
            model, optimizer, topology.method, total_steps=20, interval=topology.interval
        )  # fmt: skip

    training = made()
    advance(*training, 7)
    saved, rng = copy.deepcopy([each.state_dict() for each in training]), torch.get_rng_state()
    advance(*training, 8)
    for order in ORDERS:
        again = made()
        for i in order:
            again[i].load_state_dict(copy.deepcopy(saved[i]))
        torch.set_rng_state(rng)
        advance(*again, 8)
        state = again[0].state_dict()
        assert all(torch.equal(value, state[key]) for key, value in training[0].state_dict().items()), order


@pytest.mark.parametrize(("method", "backend"), [("set", "csr"), ("chtss", "csr"), ("set", "masked")])
def test_weights_of_an_earlier_step_bring_their_links_and_move_the_optimizer_state(method, backend):
    model, trainer, topology = setup(method, "momentum", backend=backend)
    advance(model, trainer, topology, 5)
    best = copy.deepcopy(model.state_dict())
    advance(model, trainer, topology, 4)
    layer = topology.layers["0"]
    momentum = dense_momentum(trainer, layer)
    model.load_state_dict(best)
    trainer.zero_grad(set_to_none=True)
    trainer.step()  # without gradients nothing moves, but the state is reordered
    expected = torch.where(layer.graph.to_torch(), momentum, 0)
    assert torch.equal(dense_momentum(trainer, layer), expected)
    assert all(torch.equal(value, best[key]) for key, value in model.state_dict().items())
    topology.step()
    advance(model, trainer, topology, 4)
    assert all(ages.numel() == topology.layers[name].n_links for name, ages in topology.link_ages().items())


def dense_momentum(optimizer, layer):
    momentum = optimizer.state[layer.link_parameter]["momentum_buffer"]
    if momentum.dim() == 2:
        return momentum.clone()
    return momentum.new_zeros(layer.shape).flatten().index_put_((layer.cells(),), momentum).view(layer.shape)


def test_optimizer_state_of_unknown_links_is_rejected_at_the_step():
    first, second, third = (setup("set", "momentum", backend="csr", seed=seed) for seed in (0, 1, 2))
    for training in (first, second):
        advance(*training, 3)
    third[1].load_state_dict(second[1].state_dict())
    third[0].load_state_dict(first[0].state_dict())
    before = copy.deepcopy(third[0].state_dict())
    third[0](torch.ones(2, 12)).sum().backward()
    with pytest.raises(InvalidValueError, match="state for layer '0' belongs to other links than the layer has"):
        third[1].step()
    assert all(torch.equal(value, before[key]) for key, value in third[0].state_dict().items())


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_state_without_marks_loads_after_the_links_as_before(backend):
    training = setup("set", "momentum", backend=backend)
    advance(*training, 5)
    saved = copy.deepcopy([each.state_dict() for each in training])
    for entry in saved[1]["state"].values():
        entry.pop("links", None)
    for key in [key for key in saved[0] if key.endswith("links_packed")]:
        del saved[0][key]
    rng = torch.get_rng_state()
    advance(*training, 4)
    again = setup("set", "momentum", backend=backend, seed=5)
    again[2].load_state_dict(saved[2])
    missing = again[0].load_state_dict(saved[0])
    again[1].load_state_dict(saved[1])
    torch.set_rng_state(rng)
    advance(*again, 4)
    assert not missing.missing_keys
    assert all(torch.equal(value, training[0].state_dict()[key]) for key, value in again[0].state_dict().items())


@pytest.mark.parametrize(("method", "backend"), EVERY)
def test_a_new_optimizer_continues_with_a_model_past_its_first_links(method, backend):
    model, trainer, topology = setup(method, "sgd", backend=backend)
    advance(model, trainer, topology, 13)
    rng, twin = torch.get_rng_state(), copy.deepcopy(model)
    twin_trainer = OPTIMIZERS["sgd"](twin.parameters())
    twin_topology = tl.TopologyScheduler(
        twin, twin_trainer, topology.method, total_steps=20, interval=topology.interval, state=topology.state_dict()
    )
    expected = advance(model, trainer, topology, 6)
    torch.set_rng_state(rng)
    assert [repr(update) for update in advance(twin, twin_trainer, twin_topology, 6)] == [repr(u) for u in expected]
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in model.state_dict().items())


def test_a_state_of_another_model_is_rejected():
    training, other = setup("chtss"), setup("chtss", sizes=(12, 24, 16, 3))
    advance(*training, 9)
    with pytest.raises(CheckpointError, match=r"layer '0' has shape \(24, 12\) in the topology state but \(20, 12\)"):
        tl.TopologyScheduler(
            training[0], training[1], training[2].method, total_steps=20, interval=2, state=other[2].state_dict()
        )
