"""Storms of numbers: what befalls a training, for every method and backend, and what must come of it."""

import math
import os
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, backends_of, mlp, scheduled
from topolearn.evolution import METHODS

NAN, INF = math.nan, math.inf
RIGHT, REFUSED, DOOR = "right", "refused at a step", "refused at the door"
CASES = [(name, backend) for name in METHODS for backend in backends_of(name)[: 1 if METHODS[name].is_dense else 2]]
STEPS, INTERVAL = 8, 2
SEED = int(os.environ.get("TOPOLEARN_FAULT_SEED", "0"))


@dataclass(frozen=True)
class Storm:
    """What befalls a training before, in or after its step ``at``, which counts from 1; and what must come of it."""

    name: str
    outcome: Any = RIGHT
    at: int = 3
    weights: Any = None  # after the optimizer's step
    gradient: float | None = None
    state: float | None = None
    loss: Any = None
    rows: int = 8
    options: dict = field(default_factory=dict)
    optimizer: str = "adam"
    dtype: torch.dtype = torch.float32

    def expected(self, method, backend):
        """The outcome for a method and a backend; None where there is nothing to ask."""
        return self.outcome(METHODS[method], backend) if callable(self.outcome) else self.outcome


def cross_entropy(y):
    return nn.functional.cross_entropy(y.float(), torch.zeros(len(y), dtype=torch.long))


def all_of(value):
    return lambda n: torch.full((n,), value)


def only_masked(row, backend):
    return RIGHT if backend == "masked" or row.is_dense else REFUSED


def unless_it_falls(row, backend):
    return DOOR if row.decays else RIGHT


def not_sparse(row, backend):
    return None if row.is_dense else DOOR  # a model that stays dense is its user's own affair


def each_step(row, backend):
    return DOOR if row.skip_gradient_step or row.rewarmup_steps else RIGHT


STORMS = [
    *(Storm(f"weights {value}", weights=all_of(value)) for value in (0.0, 0.5, -0.5, 1e-42)),
    Storm("weights are denormal", weights=lambda n: torch.randn(n) * 1e-42),
    *(Storm(f"weights {value}", REFUSED, weights=all_of(value)) for value in (NAN, INF, -INF)),
    Storm("weights of all sizes", REFUSED, weights=lambda n: torch.logspace(-44, 38, n)),
    *(Storm(f"gradient {value}", REFUSED, gradient=value) for value in (NAN, INF)),
    *(Storm(f"state {value}", REFUSED, state=value) for value in (NAN, INF)),
    *(Storm(f"loss {value}", REFUSED, loss=lambda y, value=value: cross_entropy(y) * value) for value in (NAN, INF)),
    *(Storm(f"empty batch at step {at}", rows=0, at=at) for at in (1, 2, 3, 4)),
    Storm("empty batch, momentum", rows=0, optimizer="momentum"),
    Storm("batch of one", rows=1),
    Storm("float64", dtype=torch.float64),
    Storm("bfloat16", only_masked, dtype=torch.bfloat16, optimizer="momentum"),
    Storm("float16", only_masked, dtype=torch.float16, optimizer="momentum"),
    Storm("complex64", not_sparse, dtype=torch.complex64),
    *(
        Storm(f"layers {sizes}, density 1", unless_it_falls, options={"sizes": sizes, "density": 1.0})
        for sizes in ((1, 1, 1), (5, 1, 3), (1, 5, 1, 5, 1))
    ),
    Storm("layers of one neuron", options={"sizes": (6, 1, 3), "density": 0.4}),
    Storm("density 1", unless_it_falls, options={"density": 1.0}),
    *(Storm(f"zeta {zeta}", DOOR, options={"zeta": zeta}) for zeta in (0.0, 1.0)),
    Storm("interval 1", each_step, options={"interval": 1}),
]


def begin(storm, method, backend):
    """Model, optimizer and scheduler at the beginning of a storm."""
    print(f"TOPOLEARN_FAULT_SEED={SEED}")
    torch.manual_seed(SEED)
    options = {"sizes": (12, 20, 16, 3), "interval": INTERVAL, "density": 0.2} | storm.options
    sizes, interval, density = (options.pop(key) for key in ("sizes", "interval", "density"))
    row = METHODS[method]
    options |= {} if row.interval is None else {"interval": interval}
    options |= {} if row.is_dense else {"density": density}
    rule = tl.method(method, **options)
    data = torch.rand(64, sizes[0]) if rule.needs_data else None
    model = tl.sparsify(mlp(*sizes).to(storm.dtype), rule, backend=backend, calibration=data)
    optimizer = OPTIMIZERS[storm.optimizer](model.parameters())
    return model, optimizer, tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=interval)


def weather(storm, model, optimizer, topology):
    """Train through a storm."""
    for step in range(1, STEPS + 1):
        is_now = step == storm.at
        x = torch.randn(storm.rows if is_now else 8, model[0].in_features, dtype=storm.dtype)
        optimizer.zero_grad()
        loss = storm.loss if storm.loss and is_now else cross_entropy
        loss(model(x)).backward()
        if is_now and storm.gradient is not None:
            for parameter in model.parameters():
                parameter.grad.fill_(storm.gradient)
        optimizer.step()
        if is_now:
            strike(storm, optimizer, topology)
        check_links(topology, topology.step())


@torch.no_grad()
def strike(storm, optimizer, topology):
    """Write what a storm writes into weights and optimizer state."""
    for layer in topology.layers.values() if storm.weights else ():
        layer.set_link_values(storm.weights(layer.n_links))
    if storm.weights and not topology.layers:
        for parameter in topology.model.parameters():
            parameter.copy_(storm.weights(parameter.numel()).view_as(parameter))
    for state in optimizer.state.values() if storm.state is not None else ():
        for tensor in state.values():
            if tensor.dim():
                tensor.fill_(storm.state)


def check_links(topology, update):
    """Links are sorted, each once, as many as scheduled."""
    for name, layer in topology.layers.items():
        assert layer.n_links >= 1
        assert bool((layer.cells().diff() > 0).all())
        if update is not None and not topology.method.is_pooled:
            assert layer.n_links == scheduled(topology, update.step, name)
