"""Sparse layers under torch.compile, autocast, CUDA graphs and in the workers of a DataLoader."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import topolearn as tl

METHOD = tl.method("set", density=0.2)


def make(backend, dtype=torch.float32):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    return tl.sparsify(model.to(dtype), METHOD, backend=backend)


def train(model, forward, steps=6):
    """Train with topology updates in between; return the losses."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    topology = tl.TopologyScheduler(model, optimizer, METHOD, total_steps=steps, interval=2)
    generator, losses = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        x = torch.randn(8, 12, generator=generator, dtype=model[-1].weight.dtype)
        y = torch.randint(3, (8,), generator=generator)
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(x), y)
        loss.backward()
        optimizer.step()
        topology.step()
        losses.append(loss.item())
    assert topology.n_updates == 2
    return losses


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("compiler", ["eager", "aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_a_compiled_model_trains_as_the_model_does(backend, compiler):
    torch._dynamo.reset()
    model = make(backend, torch.float64)  # in float32, rounding might decide which link is the smallest
    other = copy.deepcopy(model)
    losses = train(model, torch.compile(model, backend=compiler))
    assert losses == pytest.approx(train(other, other), rel=1e-9)
    assert [layer.n_links for layer in tl.sparse.sparse_layers(model).values()] == [48, 80]
    torch.testing.assert_close(dense_weights(model), dense_weights(other), rtol=0, atol=1e-9)


def test_a_masked_layer_is_compiled_as_one_graph():
    """Only the hook on the gradient, which is not part of the forward, runs outside."""
    torch._dynamo.reset()
    compiled = torch.compile(make("masked"), backend="eager", fullgraph=True)
    compiled(torch.randn(8, 12)).sum().backward()


def test_masked_layers_under_autocast():
    model = make("masked")
    with torch.autocast("cpu", torch.bfloat16):
        y = model(torch.randn(8, 12))
        assert y.dtype == torch.bfloat16
        y.float().square().sum().backward()
    for layer in tl.sparse.sparse_layers(model).values():
        assert layer.weight.grad.dtype == torch.float32
        assert not layer.weight.grad[~layer.mask].any()
        assert layer.weight.grad[layer.mask].any()


def test_masked_training_under_autocast_leaves_other_weights_at_zero():
    model = make("masked")

    def forward(x):
        with torch.autocast("cpu", torch.bfloat16):
            return model(x).float()

    assert all(map(math.isfinite, train(model, forward)))
    for layer in tl.sparse.sparse_layers(model).values():
        assert not layer.weight[~layer.mask].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_captured_step_uses_the_links_of_later_updates():
    model = make("masked").cuda()
    x = torch.randn(8, 12, device="cuda")

    def step():
        model(x).square().sum().backward()

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        step()
    model.zero_grad(set_to_none=False)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    layer = model[0]
    cells = layer.cells()
    layer.set_links((cells + 1)[: len(cells) - 1].unique())
    graph.replay()
    torch.cuda.synchronize()
    assert not layer.weight.grad[~layer.mask].any()
    assert layer.weight.grad[layer.mask].any()


class Encoded(Dataset):
    """Examples that pass through a sparse layer in the worker that loads them."""

    def __init__(self, layer):
        self.layer = layer

    def __len__(self):
        return 6

    def __getitem__(self, i):
        with torch.no_grad():
            return self.layer(torch.full((4, 50), float(i)))


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_workers_of_a_data_loader(backend):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        graph = tl.generators.erdos_renyi(50, 40, 0.2, seed=0)
        data = Encoded(tl.SparseLinear(50, 40, graph=graph, backend=backend))
        expected = torch.stack([data[i] for i in range(6)])
        loader = DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context="fork", timeout=60)
        outputs = torch.cat(list(loader))
        precision = 0 if backend == "csr" else 1e-6  # torch's bits depend on the number of threads
        torch.testing.assert_close(outputs, expected, rtol=precision, atol=precision)
    finally:
        torch.set_num_threads(threads)


def dense_weights(model):
    return [layer.dense_weight() for layer in tl.sparse.sparse_layers(model).values()]
