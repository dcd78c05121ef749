"""torch.compile builds one graph of a masked model, forward and backward, and no more when its links change."""

import copy

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

import topolearn as tl
from topolearn.training.models import Llama

METHODS = {
    "set": {},
    "rigl": {},
    "gmp": {},
    "topkast": {"exploration_penalty": 0.01},
    "chtss": {},
}  # all kinds of layers


def mlp():
    return nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))


def llama():
    return Llama(vocabulary=11, width=16, hidden=24, n_layers=1, n_heads=2)


class Encoder(nn.Module):
    """A Transformer layer of torch whose attention can be sparse."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 24, dropout=0.0, batch_first=True)
        tl.unpack_attention(self)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.layer(x))


MODELS = {
    "mlp": (mlp, lambda g: torch.randn(8, 12, generator=g, dtype=torch.float64)),
    "llama": (llama, lambda g: torch.randint(11, (2, 6), generator=g)),
    "encoder": (Encoder, lambda g: torch.randn(2, 6, 16, generator=g, dtype=torch.float64)),
}


def trained(model, method, batch, *, forward=None, compiled_step=None, steps=8):
    """Train a model with updates in between; return the losses."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=steps, interval=2)
    step = optimizer.step if compiled_step is None else torch.compile(optimizer.step, backend=compiled_step)
    generator, losses = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        optimizer.zero_grad()
        y = (model if forward is None else forward)(batch(generator))
        loss = (y if isinstance(y, torch.Tensor) else y.logits).square().mean()
        loss.backward()
        step()
        topology.step()
        losses.append(loss.item())
    assert topology.n_updates >= 2
    return losses


def sparse(name, method_name):
    torch.manual_seed(0)
    make, batch = MODELS[name]
    method = tl.method(method_name, density=0.3, interval=None, **METHODS[method_name])
    model = tl.sparsify(make().to(torch.float64), method, backend="masked")  # in float32, rounding might change links
    return model, method, batch


def check_same(model, other):
    layers, others = tl.sparse.sparse_layers(model), tl.sparse.sparse_layers(other)
    for name, layer in layers.items():
        assert torch.equal(layer.cells(), others[name].cells())
        torch.testing.assert_close(layer.weight, others[name].weight, rtol=0, atol=1e-9)
        assert not layer.weight[~layer.trained_mask].any()


@pytest.mark.filterwarnings("ignore:sparsify leaves dense")
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method_name", METHODS)
def test_one_graph_serves_a_whole_training(name, method_name):
    torch._dynamo.reset()
    model, method, batch = sparse(name, method_name)
    other, counter = copy.deepcopy(model), CompileCounterWithBackend("aot_eager")
    losses = trained(model, method, batch, forward=torch.compile(model, backend=counter, fullgraph=True))
    assert counter.frame_count == 1
    assert losses == pytest.approx(trained(other, method, batch), rel=1e-9)
    check_same(model, other)


@pytest.mark.parametrize("method_name", METHODS)
def test_a_compiled_step_of_the_optimizer_is_one_graph_apart_from_its_hooks(method_name):
    torch._dynamo.reset()
    model, method, batch = sparse("mlp", method_name)
    other, counter = copy.deepcopy(model), CompileCounterWithBackend("aot_eager")
    losses = trained(model, method, batch, compiled_step=counter)
    assert counter.frame_count == 2  # one for the first step, which has no momentum yet, and one for all others
    assert losses == pytest.approx(trained(other, method, batch), rel=1e-9)
    check_same(model, other)
