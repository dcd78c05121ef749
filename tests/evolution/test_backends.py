"""The two backends train identically: whole runs agree, with the same links at every update."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=1e-3),
    "SGD with momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: torch.optim.Adam(p, lr=1e-3, amsgrad=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=1e-3),
}


def train(backend, optimizer, method, *, steps=50, interval=10):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 5)).double()
    model = tl.sparsify(model, method, backend=backend, seed=1)
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=steps, interval=interval, seed=1)
    x, y = torch.randn(steps, 32, 20, dtype=torch.float64), torch.randint(5, (steps, 32))
    links = []
    for i in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x[i]), y[i]).backward()
        optimizer.step()
        if topology.step() is not None:
            links.append({name: layer.cells() for name, layer in topology.layers.items()})
    return model, links, topology, optimizer


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("name", ["chts", "set"])
def test_whole_trainings_agree(name, optimizer):
    method = tl.method(name, density=0.2)
    masked, masked_links, *_ = train("masked", optimizer, method)
    csr, csr_links, *_ = train("csr", optimizer, method)
    assert len(masked_links) == len(csr_links) == 4
    for before, after in zip(masked_links, csr_links, strict=True):
        assert all(torch.equal(before[layer], after[layer]) for layer in before)
    for one, other in zip(masked, csr, strict=True):
        if isinstance(one, tl.SparseLinear):
            torch.testing.assert_close(other.dense_weight(), one.dense_weight(), rtol=0, atol=1e-9)
        elif isinstance(one, nn.Linear):
            torch.testing.assert_close(other.weight, one.weight, rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_the_optimizer_state_covers_links_only(optimizer):
    _, _, topology, optimizer = train("csr", optimizer, tl.method("chts", density=0.2), steps=20, interval=6)
    for layer in topology.layers.values():
        for state in optimizer.state[layer.values].values():
            if isinstance(state, torch.Tensor) and state.dim():
                assert state.shape == layer.values.shape
    before = copy.deepcopy(optimizer.state_dict()["state"])
    cells = {name: layer.cells() for name, layer in topology.layers.items()}
    optimizer.zero_grad()  # all gradients are None: the optimizer changes nothing
    optimizer.step()
    topology.n_steps = 5
    update = topology.step()
    for i, (name, layer) in enumerate(topology.layers.items()):
        new = torch.isin(layer.cells(), cells[name], invert=True)
        assert new.sum() == sum(1 for edge in update[name].regrown @ [1, layer.in_features] if edge not in cells[name])
        for key, state in optimizer.state[layer.values].items():
            if isinstance(state, torch.Tensor) and state.dim():
                assert not state[new].any()
                kept = torch.isin(cells[name], layer.cells())
                assert torch.equal(state[~new], before[2 * i][key][kept])


def test_a_topology_state_loads_on_the_other_backend():
    method = tl.method("chts", density=0.2)
    masked, _, topology, _ = train("masked", "SGD", method)
    csr, _, other, _ = train("csr", "SGD", method, steps=5)
    other.load_state_dict(topology.state_dict())
    for name, layer in other.layers.items():
        assert torch.equal(layer.cells(), topology.layers[name].cells())
        layer.set_link_values(topology.layers[name].link_values())
    x = torch.randn(4, 20, dtype=torch.float64)
    csr[-1].load_state_dict(masked[-1].state_dict())
    for one, two in zip(csr, masked, strict=True):
        if isinstance(one, tl.SparseLinear):
            one.get_parameter("bias").data.copy_(two.bias.data)
    torch.testing.assert_close(csr(x), masked(x), rtol=1e-12, atol=1e-12)


def test_weight_decay_of_the_groups_reaches_the_links():
    model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 2)), "set", backend="csr")
    decayed, spared = tl.parameter_groups(model, 0.1)
    assert [id(p) for p in decayed["params"]] == [id(model[0].values), id(model[2].weight)]
    assert len(spared["params"]) == 4
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
