"""Steps that a CUDA graph replays: no hooks run, nothing moves in memory, and the topology still evolves."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS

SPARSE = [name for name, method in METHODS.items() if not method.is_dense]
X = torch.randn(16, 12, generator=torch.Generator().manual_seed(0))
RATE = 0.1


def setup(name, optimizer=torch.optim.SGD, steps=24, interval=4, **overrides):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    method = tl.method(name, density=0.3, interval=None, **overrides)
    model = tl.sparsify(model, method, backend="masked", calibration=X if method.needs_data else None)
    trainer = optimizer(model.parameters(), lr=RATE)
    return model, trainer, tl.TopologyScheduler(model, trainer, method, total_steps=steps, interval=interval)


def run(model, trainer):
    trainer.zero_grad(set_to_none=False)
    model(X).square().mean().backward()
    trainer.step()


def replay(model, trainer=None):
    """Do what `run` does like a graph: with the masks in place, and without hooks."""
    parameters = list(model.parameters())
    masks = {layer.weight: layer.trained_mask for layer in weights(model)}
    gradients = torch.autograd.grad(model(X).square().mean(), parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        kept = gradient if parameter not in masks else torch.where(masks[parameter], gradient, 0)
        parameter.data.add_(kept, alpha=-RATE)


def weights(model):
    return list(tl.sparse.sparse_layers(model).values())


@pytest.mark.parametrize("name", SPARSE)
def test_training_with_replayed_steps_equals_training_with_all_steps_run(name):
    overrides = {"exploration_penalty": 0.0} if name == "topkast" else {}
    one, other = setup(name, **overrides), setup(name, **overrides)
    n_replayed = 0
    for _ in range(24):
        run(*one[:2])
        one[2].step()
        is_replayed = other[2].can_replay
        n_replayed += is_replayed
        (replay if is_replayed else run)(*other[:2])
        other[2].step(replayed=is_replayed)
    assert one[2].n_updates == other[2].n_updates
    assert n_replayed >= 18
    for layer, twin in zip(weights(one[0]), weights(other[0]), strict=True):
        assert torch.equal(layer.cells(), twin.cells())
        assert torch.equal(layer.weight, twin.weight)


RUN = {
    "rigl": ({}, [4, 8]),
    "mest": ({}, [4, 8]),
    "granet": ({}, [4, 8]),
    "srigl": ({}, [4, 8]),
    "set": ({}, []),
    "chts": ({"rewarmup_steps": 3}, [5, 6, 9, 10]),
    "cht": ({"skip_gradient_step": True}, [4, 8]),
    "topkast": ({}, []),
}


@pytest.mark.parametrize("name", RUN)
def test_steps_that_must_run_are_known_in_advance(name):
    overrides, expected = RUN[name]
    model, trainer, topology = setup(name, **overrides)
    must_run = []
    for step in range(1, 11):
        if not topology.can_replay:
            must_run.append(step)
        run(model, trainer)
        topology.step()
    assert must_run == expected


@pytest.mark.parametrize("name", ["rigl", "mest"])
def test_a_replay_of_a_step_that_must_run_is_rejected_and_the_step_can_still_run(name):
    model, trainer, topology = setup(name)
    for _ in range(3):
        replay(model)
        topology.step(replayed=True)
    replay(model)
    with pytest.raises(InvalidValueError, match=rf"step 4 was replayed .* method '{name}' needs its gradients"):
        topology.step(replayed=True)
    assert (topology.n_steps, topology.n_updates) == (3, 0)
    run(model, trainer)
    assert topology.step() is not None
    assert topology.n_steps == 4


def test_a_step_that_ran_is_not_counted_as_replayed():
    model, trainer, topology = setup("set")
    run(model, trainer)
    with pytest.raises(InvalidValueError, match=r"optimizer\.step\(\) ran since the last topology\.step\(\)"):
        topology.step(replayed=True)
    topology.step()
    assert topology.n_steps == 1


def test_the_warning_about_an_uncounted_replay_explains_how_to_count_it():
    model, _, topology = setup("set")
    replay(model)
    with pytest.warns(UserWarning, match=r"topology\.step\(replayed=True\)"):
        topology.step()


def test_a_density_in_the_exploration_loss_is_not_replayed():
    *_, topology = setup("topkast", density_schedule="cubic", start_density=0.5)
    assert not topology.can_replay


@pytest.fixture
def capturing(monkeypatch):
    """Pretend that a CUDA graph is being captured."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)


@pytest.mark.parametrize("attached", [True, False])
def test_a_captured_step_is_not_counted(capturing, attached):
    model, trainer, topology = setup("set")
    if attached:
        tl.attach(trainer, topology)
    run(model, trainer)
    assert topology.n_steps == 0
    topology.step(replayed=True)
    assert topology.n_steps == 1


def test_a_topology_does_not_evolve_within_a_graph(capturing):
    model, trainer, topology = setup("set")
    run(model, trainer)
    with pytest.raises(InvalidValueError, match=r"capturing a CUDA graph.*after graph\.replay\(\)"):
        topology.step()


def test_a_step_that_must_run_is_not_captured(monkeypatch):
    model, trainer, topology = setup("rigl", interval=2)
    run(model, trainer)
    topology.step()
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    with pytest.raises(InvalidValueError, match="cannot capture step 2 in a CUDA graph: "):
        run(model, trainer)


def adam(parameters, lr):
    return torch.optim.AdamW(parameters, lr=lr, amsgrad=True)


def momentum(parameters, lr):
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9)


@pytest.mark.parametrize("optimizer", [adam, momentum])
@pytest.mark.parametrize("name", SPARSE)
def test_tensors_that_a_graph_reads_keep_their_place_in_memory(name, optimizer):
    overrides = {"skip_gradient_step": False} if tl.method(name).skip_gradient_step else {}  # otherwise .grad is None
    model, trainer, topology = setup(name, optimizer, **overrides)
    places = []
    for _ in range(24):
        run(model, trainer)
        topology.step()
        places.append({
            f"{layer.layer_name}: {key}": each.data_ptr()
            for layer in weights(model)
            for key, each in read_by_graphs(layer, trainer).items()
        })  # fmt: skip
    assert tl.method(name).removal is None or topology.n_updates >= 3
    assert all(each == places[0] for each in places)


def read_by_graphs(layer, trainer):
    moments = {key: each for key, each in trainer.state[layer.weight].items() if each.shape == layer.weight.shape}
    own = {key: each for key, each in layer.named_buffers() if each is not None and key != "links"}
    return {"weight": layer.weight, "gradient": layer.weight.grad, "bits": layer._kept, **moments, **own}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("name", ["set", "rigl", "topkast", "deepr"])
def test_a_graph_trains_like_its_steps(name):
    losses = {}
    for uses_graph in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))
        method = tl.method(name, density=0.3, interval=None)
        model = tl.sparsify(model, method, backend="masked").cuda()
        trainer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.01, device="cuda"), capturable=True)
        topology = tl.TopologyScheduler(model, trainer, method, total_steps=24, interval=4)
        graph, x, side = None, X.cuda(), torch.cuda.Stream()

        def step(trainer=trainer, model=model, x=x):
            trainer.zero_grad()
            model(x).square().mean().backward()
            trainer.step()

        for _ in range(24):
            if not uses_graph or topology.n_steps < 3 or not topology.can_replay:
                side.wait_stream(torch.cuda.current_stream())
                with torch.cuda.stream(side):
                    step()
                torch.cuda.current_stream().wait_stream(side)
                topology.step()
                continue
            if graph is None:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    step()
            graph.replay()
            topology.step(replayed=True)
        losses[uses_graph] = float(model(x).square().mean())
    assert losses[True] == pytest.approx(losses[False], rel=1e-3)
