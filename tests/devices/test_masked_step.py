"""A training step of a masked model lets the host go on: no method, optimizer or loop makes it wait for the device.

What does wait, and why:

a ``GradScaler``
    Whether a step was skipped decides whether it counts, and torch asks for it once a step. With a fused optimizer,
    which skips on the device, topolearn asks in its place, as often. bf16 needs no scaler.
weights that others wrote
    They are masked at once. How many they were is read at an update, for all layers together, and at ``state_dict()``.
the first step after a move
    Only where a method lists its links at every step: DeepR looks for them once.
"""

import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import METHODS

SPARSE = [name for name, method in METHODS.items() if not method.is_dense]
KINDS = ["set", "gmp", "topkast", "deepr"]  # ordinary, stored, with more trained cells than links, with signs
INTERVAL = 20

SGD, AdamW = torch.optim.SGD, torch.optim.AdamW


class Subclass(torch.optim.SGD):
    """One that torch does not know, so that it is looked at after each step."""


OPTIMIZERS = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "momentum, one by one": lambda p: SGD(p, lr=0.1, momentum=0.9, foreach=False),
    "momentum, foreach": lambda p: SGD(p, lr=0.1, momentum=0.9, foreach=True),
    "momentum, fused": lambda p: SGD(p, lr=0.1, momentum=0.9, fused=True),
    "adamw": lambda p: AdamW(p, lr=0.01, amsgrad=True),
    "adamw, one by one": lambda p: AdamW(p, lr=0.01, foreach=False),
    "adamw, foreach": lambda p: AdamW(p, lr=0.01, foreach=True),
    "adamw, fused": lambda p: AdamW(p, lr=0.01, fused=True),
    "a subclass": lambda p: Subclass(p, lr=0.1, momentum=0.9),
}


def backward(model, x):
    model(x).square().mean().backward()


def clipped_by_norm(model, x):
    backward(model, x)
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)


def clipped_by_value(model, x):
    backward(model, x)
    nn.utils.clip_grad_value_(model.parameters(), 0.01)


def accumulated(model, x):
    for half in x.chunk(2):
        backward(model, half)


def autocast(model, x):
    with torch.autocast(x.device.type, torch.bfloat16):
        y = model(x)
    y.float().square().mean().backward()


def judged_between(model, x):
    model.eval()
    model(x)
    model.train()
    backward(model, x)


def with_penalty(model, x):
    (model(x).square().mean() + sum(p.abs().sum() for p in model.parameters())).backward()


PASSES = {each.__name__: each for each in (
    backward, clipped_by_norm, clipped_by_value, accumulated, autocast, judged_between, with_penalty
)}  # fmt: skip


def on_device(pretend, name, optimizer="momentum", interval=INTERVAL, **overrides):
    """Return a masked model on the device, its optimizer and scheduler, and inputs."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    method = tl.method(name, density=0.3, interval=None, **overrides)
    x = torch.randn(16, 12)
    calibration = x if method.needs_data else None
    model = tl.sparsify(model, method, backend="masked", calibration=calibration).to(pretend.device)
    trainer = OPTIMIZERS[optimizer](model.parameters())
    topology = tl.TopologyScheduler(model, trainer, method, total_steps=10 * interval, interval=interval)
    return model, trainer, topology, x.to(pretend.device)


def step(model, trainer, topology, x, passes=backward):
    trainer.zero_grad()
    passes(model, x)
    trainer.step()
    return topology.step()


def n_off(model):
    """Return the number of weights off the trained cells."""
    return sum(int((layer.weight.cpu()[~layer.trained_mask.cpu()] != 0).sum()) for layer in weights(model))


def weights(model):
    return list(tl.sparse.sparse_layers(model).values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", KINDS)
def test_no_optimizer_waits(pretend, name, optimizer):
    run = on_device(pretend, name, optimizer)
    step(*run)
    with pretend.counted() as trips:
        assert [step(*run) for _ in range(3)] == [None, None, None]
    assert trips == {}
    assert n_off(run[0]) == 0


@pytest.mark.parametrize("passes", PASSES)
@pytest.mark.parametrize("name", KINDS)
def test_no_loop_waits(pretend, name, passes):
    run = on_device(pretend, name)
    step(*run, PASSES[passes])
    with pretend.counted() as trips:
        assert [step(*run, PASSES[passes]) for _ in range(3)] == [None, None, None]
    assert trips == {}
    assert n_off(run[0]) == 0


@pytest.mark.parametrize("name", SPARSE)
def test_no_method_waits(pretend, name):
    run = on_device(pretend, name)
    if tl.method(name).has_signs:
        step(*run)
    with pretend.counted() as trips:
        step(*run)
    assert trips == {}


@torch.no_grad()
def write(model):
    for layer in weights(model):
        layer.weight.add_(1)


@pytest.mark.filterwarnings("error:.*off its .* links were written")
@pytest.mark.parametrize("name", KINDS)
def test_what_others_write_is_masked_at_once_and_never_waited_for(pretend, name):
    run = on_device(pretend, name)
    step(*run)
    write(run[0])
    with pretend.counted() as trips:
        run[0](run[-1])
        run[0].eval()
    assert trips == {}
    assert n_off(run[0]) == 0


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
@pytest.mark.parametrize("name", ["set", "gmp"])
def test_the_warning_comes_with_the_next_update(pretend, name):
    run = on_device(pretend, name, interval=3)
    write(run[0])
    step(*run)
    step(*run)
    with pytest.warns(UserWarning, match=r"\d+ weights of layer '\w+' off its \d+ links were written") as warned:
        assert step(*run) is not None
    assert len(warned) == len(weights(run[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [step(*run) is not None for _ in range(3)] == [False, False, True]


def test_the_warning_comes_with_a_state_dict(pretend):
    model, _, _, x = on_device(pretend, "static")
    model.state_dict()
    write(model)
    model(x)
    n_free = sum(int((~layer.mask.cpu()).sum()) for layer in weights(model))
    with pytest.warns(UserWarning, match="off its .* links were written") as warned:
        model.state_dict()
    assert sum(int(str(each.message).split()[0]) for each in warned) == n_free
