"""Workloads of small models, and real trainings of the same models to compare the counts with."""

import torch
from torch import nn

import topolearn as tl
from topolearn.counting import Workload, count

STEPS, BATCH, INPUTS, CLASSES = 40, 6, 24, 3


def mlp():
    return nn.Sequential(
        nn.Linear(INPUTS, 40), nn.ReLU(), nn.Linear(40, 32), nn.ReLU(), nn.Linear(32, CLASSES)
    )  # fmt: skip


def costs(method, **values):
    """Return the count of the small MLP under a method."""
    with torch.device("meta"):
        model, x = mlp(), torch.empty(BATCH, INPUTS)
    interval = None if method.is_dense or method.interval else 5
    given = {"steps": STEPS, "interval": interval, "optimizer": "sgd+momentum"} | values
    return count(Workload(model=model, inputs=[x], method=method, **given))


def training(method, optimizer=None, backend="masked", steps=STEPS):
    """Yield model, optimizer and scheduler of a real training before each step and at the end."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(BATCH, INPUTS, generator=generator), torch.arange(BATCH) % CLASSES
    model = mlp()
    calibration = x if method.needs_data else None
    tl.sparsify(model, method, calibration=calibration, **({} if method.is_dense else {"backend": backend}))
    optimizer = (optimizer or (lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)))(model.parameters())
    interval = None if method.interval else 5
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=STEPS, interval=interval)
    for _ in range(steps):
        yield model, optimizer, topology
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        topology.step()
    yield model, optimizer, topology
