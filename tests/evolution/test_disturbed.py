"""Every method on every backend, while user code writes, copies or averages weights and gradients."""

import copy

import pytest
import torch

import topolearn as tl
from tests.evolution.loops import EVOLVING, backends_of, backward, setup

EVERY = [(method, backend) for method in EVOLVING for backend in backends_of(method)]


def noisy_gradients(model, optimizer, topology):
    for parameter in model.parameters():
        parameter.grad.add_(0.01 * torch.randn_like(parameter))


@torch.no_grad()
def noisy_weights(model, optimizer, topology):
    for parameter in model.parameters():
        parameter.add_(0.01 * torch.randn_like(parameter))


@torch.no_grad()
def sharpness_aware(model, optimizer, topology):
    before = [parameter.detach().clone() for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.add_(0.05 * parameter.grad / (parameter.grad.norm() + 1e-12))
    for parameter, value in zip(model.parameters(), before, strict=True):
        parameter.copy_(value)


def clipped(model, optimizer, topology):
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)


WRITING = [noisy_gradients, noisy_weights, sharpness_aware, clipped]


def saved(model, optimizer, topology):
    copy.deepcopy([each.state_dict() for each in (model, optimizer, topology)])


def judged(model, optimizer, topology):
    with torch.inference_mode():
        model.eval()(torch.ones(3, 12))
    model.train()


def copied(model, optimizer, topology):
    tl.densify(copy.deepcopy(model))(torch.ones(3, 12))


def reloaded(model, optimizer, topology):
    model.load_state_dict(copy.deepcopy(model.state_dict()))


READING = [saved, judged, copied, reloaded]


def train(method, backend, beside):
    """Train while calling a function between backward pass and step; return model, scheduler and updates."""
    model, optimizer, topology = setup(method, "momentum", backend=backend)
    average, updates = tl.AveragedModel(model), []
    for _ in range(10):
        backward(model)
        beside(model, optimizer, topology)
        optimizer.step()
        update = topology.step()
        updates += [] if update is None else [repr(update)]
        average.update_parameters(model)
        optimizer.zero_grad()
    return model, optimizer, topology, updates


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
@pytest.mark.parametrize("beside", WRITING)
@pytest.mark.parametrize(("method", "backend"), EVERY)
def test_only_links_are_trained_whatever_user_code_writes(method, backend, beside):
    model, optimizer, topology, updates = train(method, backend, beside)
    x = torch.randn(4, 12)
    y = model(x)
    assert updates
    for layer in topology.layers.values():
        assert layer.n_links == layer.graph.n_links == layer.cells().numel()
        if backend == "masked":
            off = ~layer.trained_mask
            assert not layer.weight[off].any()
            assert not optimizer.state[layer.weight]["momentum_buffer"][off].any()
    assert torch.allclose(tl.densify(copy.deepcopy(model))(x), y, atol=1e-5)


@pytest.mark.parametrize("beside", READING)
@pytest.mark.parametrize(("method", "backend"), EVERY)
def test_code_that_only_reads_changes_nothing(method, backend, beside):
    plain = train(method, backend, lambda *_: None)
    disturbed = train(method, backend, beside)
    assert disturbed[3] == plain[3]
    states = plain[0].state_dict(), disturbed[0].state_dict()
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
