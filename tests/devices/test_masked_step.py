"""A training step of a masked model never makes the host wait for the device, for any method, optimizer or loop.

The host does wait here, for these reasons:

a ``GradScaler``
    Whether a step was skipped decides whether it counts, and torch reads this once per step. With a fused optimizer,
    which skips on the device, topolearn reads it instead, just as often; Top-KAST's exploration loss is scaled like the
    gradients, which also needs the scale. bf16 needs no scaler.
weights that other code wrote
    They are masked at once. Their number is read at an update, for all layers together, and at ``state_dict()``.
the first step after a move
    Only for methods that need the list of links in every step: DeepR finds them once.
"""

import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import METHODS
from topolearn.sparse.gradients.record import CsrRecord

SPARSE = [name for name, method in METHODS.items() if not method.is_dense]
KINDS = ["set", "gmp", "topkast", "deepr"]  # ordinary, stored, with more trained cells than links, with signs
INTERVAL = 20

SGD, AdamW = torch.optim.SGD, torch.optim.AdamW


class Subclass(torch.optim.SGD):
    """An optimizer that torch does not know, whose weights are therefore checked after each step."""


def rate_on_device_of(parameters):
    return torch.tensor(0.01, device=parameters[0].device)


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
    "adamw, a rate on the device": lambda p: AdamW(p, lr=rate_on_device_of(p), capturable=True),
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


def evaluated_between(model, x):
    model.eval()
    model(x)
    model.train()
    backward(model, x)


def with_penalty(model, x):
    (model(x).square().mean() + sum(p.abs().sum() for p in model.parameters())).backward()


PASSES = {each.__name__: each for each in (
    backward, clipped_by_norm, clipped_by_value, accumulated, autocast, evaluated_between, with_penalty
)}  # fmt: skip


def on_device(pretend, name, optimizer="momentum", interval=INTERVAL, **overrides):
    """Return a masked model on the device, its optimizer and scheduler, and inputs."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    method = tl.method(name, density=0.3, interval=None, **overrides)
    x = torch.randn(16, 12)
    calibration = x if method.needs_data else None
    model = tl.sparsify(model, method, backend="masked", calibration=calibration).to(pretend.device)
    trainer = OPTIMIZERS[optimizer](list(model.parameters()))
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


GRADIENTS = [name for name in SPARSE if tl.method(name).needs_link_gradient or tl.method(name).regrowth == "gradient"]


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize("passes", ["backward", "accumulated", "clipped_by_norm"])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_for_scores_are_kept_without_waiting(pretend, name, passes, to_none):
    model, trainer, topology, x = on_device(pretend, name, interval=2)
    for _ in range(4):  # twice: the step before an update, and the step at which it is due
        with pretend.counted() as trips:
            trainer.zero_grad(set_to_none=to_none)
            PASSES[passes](model, x)
            trainer.step()
        assert trips == {}
        topology.step()
    assert topology.n_updates == 2


@pytest.mark.parametrize(
    "loop", [["pass"], ["pass", "zeros", "pass"], ["pass", "none", "pass", "pass"], ["pass", "zeros"]], ids="-".join
)
def test_a_record_forgets_what_is_cleared_as_on_the_cpu(pretend, loop):
    graph = tl.generators.erdos_renyi(6, 5, 0.4, seed=0)
    rows = {}
    for device in ("cpu", pretend.device):
        torch.manual_seed(0)
        layer = tl.SparseLinear(6, 5, graph=graph, backend="masked").to(device)
        layer(torch.zeros(1, 6, device=device))  # puts the hooks in order
        layer.start_recording()
        for i, event in enumerate(loop):
            if event == "pass":
                layer(torch.full((2, 6), i + 1.0, device=device)).square().sum().backward()
            elif event == "zeros":
                layer.zero_grad(set_to_none=False)
            else:
                layer.zero_grad()
        layer.record.settle()
        rows[str(device)] = None if layer.record.is_empty else layer.record.rows(0, 5).cpu()
    on_cpu, on_device = rows.values()
    assert torch.equal(torch.zeros(5, 6) if on_cpu is None else on_cpu, on_device)


def test_a_record_of_a_csr_layer_becomes_zero_when_it_is_cleared():
    """On CPU tensors, since the pretend device has no sparse products."""
    record = CsrRecord(nn.Parameter(torch.ones(3)), (2, 2))
    passes = ((torch.full((2, 4), torch.nan), torch.ones(2, 4)),)
    for is_cleared in (False, True):
        kept = record._zero_where(torch.tensor(is_cleared), passes)
        assert all(bool((each == 0).all()) == is_cleared for each in kept[0])


@pytest.mark.parametrize("name", KINDS)
def test_a_scaler_makes_a_fused_optimizer_wait_once(pretend, name):
    model, trainer, topology, x = on_device(pretend, name, "adamw, fused")
    step(model, trainer, topology, x)
    trainer.grad_scale = torch.tensor(1.0).to(pretend.device)  # a GradScaler sets both around such a step
    for overflows in (False, True):
        trainer.found_inf = torch.tensor(float(overflows)).to(pretend.device)
        trainer.zero_grad()
        backward(model, x)
        with pretend.counted() as trips:
            trainer.step()
        assert trips.total() == (2 if tl.method(name).exploration_penalty and not overflows else 1)
        n_steps = topology.n_steps
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            topology.step()
        assert topology.n_steps == n_steps + (not overflows)


@torch.no_grad()
def write(model):
    for layer in weights(model):
        layer.weight.add_(1)


@pytest.mark.filterwarnings("error:.*off its .* links were written")
@pytest.mark.parametrize("name", KINDS)
def test_writes_by_other_code_are_masked_at_once_without_waiting(pretend, name):
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
