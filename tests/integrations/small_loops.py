"""A small MLP and its batches, trained by a plain loop, by accelerate and by Lightning."""

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import backends_of, mlp

METHODS = list(tl.evolution.METHODS)
EPOCHS, BATCHES, INTERVAL, SEED = 4, 6, 3, 3
STEPS = EPOCHS * BATCHES
APART = ("chts", "chtss", "rigl", "srigl", "granet", "deepr", "topkast", "gmp")  # those that remember most
EVERY = [(method, backend) for method in METHODS for backend in backends_of(method)]
EVERY.remove(("dense", "csr"))
OFTEN = [pytest.param(*case, marks=() if case[0] in APART else pytest.mark.slow) for case in EVERY]


def batches():
    """The same batches in each epoch, in order."""
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(BATCHES * 8, 12, generator=generator), torch.randint(0, 3, (BATCHES * 8,), generator=generator)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)


def rule_of(method):
    rule = tl.method(method)
    return rule if rule.is_dense else tl.method(method, density=0.25)


def interval_of(method):
    return tl.evolution.METHODS[method].interval or INTERVAL


def made(method, backend="masked", seed=SEED):
    """The sparse model and its optimizer."""
    torch.manual_seed(0)
    rule = rule_of(method)
    data = torch.rand(32, 12, generator=torch.Generator().manual_seed(2)) if rule.needs_data else None
    model = tl.sparsify(mlp(12, 20, 16, 3), rule, backend=backend, calibration=data, seed=seed)
    return model, torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)


def scheduled(model, optimizer, method, total=STEPS):
    return tl.TopologyScheduler(
        model, optimizer, rule_of(method), total_steps=total, interval=interval_of(method), seed=SEED
    )


def loss_of(model, batch):
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def links_of(topology):
    return {name: layer.cells().tolist() for name, layer in topology.layers.items()}


def plain(method, backend="masked", accumulate=1):
    """Train in a plain loop; return the scheduler and the links after each update."""
    model, optimizer = made(method, backend)
    topology = scheduled(model, optimizer, method, STEPS // accumulate)
    links = []
    for _ in range(EPOCHS):
        for i, batch in enumerate(batches(), 1):
            (loss_of(model, batch) / accumulate).backward()
            if i % accumulate == 0:
                optimizer.step()
                if topology.step() is not None:
                    links.append(links_of(topology))
                optimizer.zero_grad()
    return topology, links


def off_links(topology):
    """Number of weights that are not zero although they are neither links nor trained."""
    masked = [layer for layer in topology.layers.values() if hasattr(layer, "mask")]
    return sum(int(((layer.weight != 0) & ~layer.trained_mask).sum()) for layer in masked)


def assert_same_training(one, other):
    """Weights, optimizer state and topology state are equal, bit for bit."""
    weights, others = one.model.state_dict(), other.model.state_dict()
    assert list(weights.values())
    for mine, theirs in zip(weights.values(), others.values(), strict=True):
        assert torch.equal(mine, theirs)
    memories = [topology.optimizer.state_dict()["state"] for topology in (one, other)]
    for mine, theirs in zip(*(memory.values() for memory in memories), strict=True):
        assert all(torch.equal(value, theirs[key]) for key, value in mine.items() if torch.is_tensor(value))
    states = [topology.state_dict() for topology in (one, other)]
    for key, value in states[0].items():
        theirs = states[1][key]
        if isinstance(value, dict):
            assert all(_same(each, theirs[name]) for name, each in value.items()), key
        else:
            assert value == theirs, key
    assert off_links(one) == off_links(other) == 0


def _same(one, other):
    return torch.equal(one, other) if torch.is_tensor(one) else one == other
