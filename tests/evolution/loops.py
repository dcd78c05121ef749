"""Small models and training loops shared by the tests of the scheduler."""

import itertools

import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import METHODS

EVOLVING = [name for name, row in METHODS.items() if row.evolves]
DECAYING = [name for name, row in METHODS.items() if row.decays]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, foreach=False),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=1e-3),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.003, momentum=0.5, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.02),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.5),
    "asgd": lambda p: torch.optim.ASGD(p, lr=0.05, t0=3),
}


def mlp(*sizes):
    layers = itertools.chain.from_iterable((nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(sizes))
    return nn.Sequential(*list(layers)[:-1])


def backends_of(method):
    return ("masked",) if METHODS[method].storage == "dense" else ("masked", "csr")


def setup(
    method="chts", optimizer="momentum", *, sizes=(12, 20, 16, 3), seed=0, density=0.2, interval=2, total=20,
    backend="masked", dtype=torch.float32, **overrides,
):  # fmt: skip
    """Return a small MLP sparsified with a method, its optimizer, and its scheduler."""
    torch.manual_seed(seed)
    overrides |= {} if METHODS[method].interval is None else {"interval": interval}
    rule = tl.method(method, density=density, **overrides)
    data = torch.rand(64, sizes[0]) if rule.needs_data else None
    model = tl.sparsify(mlp(*sizes).to(dtype), rule, seed=seed, backend=backend, calibration=data)
    trainer = OPTIMIZERS[optimizer](model.parameters())
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=total, interval=interval, seed=seed)
    return model, trainer, topology


def backward(model):
    x = torch.randn(8, model[0].in_features, dtype=model[-1].weight.dtype)
    nn.functional.cross_entropy(model(x), torch.randint(0, 3, (8,))).backward()


def train_step(model, optimizer):
    backward(model)
    optimizer.step()


def advance(model, optimizer, topology, n_steps):
    """Take steps and return the updates among them."""
    updates = []
    for _ in range(n_steps):
        train_step(model, optimizer)
        updates.append(topology.step())
        optimizer.zero_grad()
    return [update for update in updates if update is not None]


def scheduled(topology, step, name):
    """Return how many links a layer has after an update; with constant fan-in, what active neurons share equally."""
    n_links = topology.plan.after(step)[name]
    if not topology.method.constant_fan_in:
        return n_links
    n_active = int((topology.layers[name].graph.fan_in > 0).sum())
    return n_links // n_active * n_active


def link_state(optimizer, layer):
    """Return the optimizer state of a layer's links, by name."""
    parameter = layer.link_parameter
    return {k: v for k, v in optimizer.state[parameter].items() if torch.is_tensor(v) and v.shape == parameter.shape}


def on_links(layer, state):
    """Return state tensors with one value per link."""
    return {k: v if v.dim() == 1 else v.flatten()[layer.cells()] for k, v in state.items()}
