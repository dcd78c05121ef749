"""Trainings in a plain loop on any device, with the state after each update on the CPU."""

import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, mlp
from topolearn.evolution import METHODS
from topolearn.evolution.step.update import EVENTS

SIZES = (12, 16, 16, 16, 3)  # two sparse layers have one shape, and one has another
STEPS, INTERVAL, BATCH = 7, 2, 8
SEEDS = (0, 1, 2)


def method_named(name, density=0.2, **parts):
    parts |= {} if METHODS[name].interval is None else {"interval": INTERVAL}
    return tl.method(name, **({} if METHODS[name].is_dense else {"density": density}), **parts)


def sparse_model(method, seed, sizes=SIZES, backend="masked", device=None):
    """Return a small MLP made sparse with a method, with the weights of a seed, on a device or the CPU."""
    torch.manual_seed(seed)
    model = mlp(*sizes)
    if method.is_dense:
        return model.to(device)
    data = torch.rand(64, sizes[0], generator=torch.Generator().manual_seed(seed)) if method.needs_data else None
    return tl.sparsify(model.to(device), method, seed=seed, backend=backend, calibration=data)


def scheduled(model, method, optimizer="momentum", seed=0, **options):
    trainer = OPTIMIZERS[optimizer](model.parameters())
    interval = None if method.is_dense else INTERVAL
    options = {"total_steps": STEPS, "interval": interval or 1, "seed": seed, **options}
    return model, trainer, tl.TopologyScheduler(model, trainer, method, **options)


def batches(seed, n=STEPS, sizes=SIZES):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n):
        x = torch.randn(BATCH, sizes[0], generator=generator)
        yield x, torch.randint(0, sizes[-1], (BATCH,), generator=generator)


def step(model, optimizer, topology, x, y):
    """Take a step on the model's device; return the update, if there was one."""
    device = next(model.parameters()).device
    optimizer.zero_grad()
    logits = model(x.to(device))
    nn.functional.cross_entropy(logits, y.to(logits.device)).backward()
    optimizer.step()
    return topology.step()


def updates_of(model, optimizer, topology, data):
    """Take steps; return the state after each update, with its events."""
    left = [(step(model, optimizer, topology, x, y), state_of(model, optimizer, topology)) for x, y in data]
    return [state | events_of(update) for update, state in left if update is not None]


def events_of(update):
    head = {"index": update.index, "step": update.step, "overlap": update.overlap, "elm": update.elm}
    return head | {f"{event} {name}": layer.cells[event] for name, layer in update.items() for event in EVENTS}


def state_of(model, optimizer, topology):
    """Return everything that a training holds, on the CPU, by name."""
    state = {f"weights {name}": each for name, each in model.state_dict().items()}
    state |= {f"links {name}": layer.cells() for name, layer in topology.layers.items()}
    state |= {f"ages {name}": each for name, each in topology.link_ages().items()}
    state |= {f"itop {name}": each for name, each in topology.itop_rate().items()}
    names = [name for name, _ in model.named_parameters()]
    for i, memory in optimizer.state_dict()["state"].items():
        state |= {f"{key} {names[i]}": each for key, each in memory.items()}
    for key, value in topology.state_dict().items():
        of_layers = value.items() if isinstance(value, dict) else [("", value)]
        state |= {f"topology {key} {name}": each for name, each in of_layers}
    return {name: each.detach().cpu().clone() if torch.is_tensor(each) else each for name, each in state.items()}


def differing(one, other):
    """Return the names of all values that are not bit for bit the same."""
    return [name for name in one.keys() | other.keys() if not is_same(one.get(name), other.get(name))]


def is_same(one, other):
    if torch.is_tensor(one) and torch.is_tensor(other):
        return one.dtype == other.dtype and torch.equal(one, other)
    if hasattr(one, "tolist") and hasattr(other, "tolist"):
        return one.dtype == other.dtype and one.tolist() == other.tolist()
    return one == other


def off_links(optimizer, topology):
    """Return the number of non-zero weights and moments of each layer off its trained cells."""
    counts = {}
    for name, layer in topology.layers.items():
        off = ~layer.trained_mask.cpu()
        held = {"weight": layer.weight, **optimizer.state.get(layer.weight, {})}
        held = {key: each.detach().cpu() for key, each in held.items() if torch.is_tensor(each) and each.dim() == 2}
        counts |= {f"{key} {name}": int(each[off].count_nonzero()) for key, each in held.items()}
    return counts
