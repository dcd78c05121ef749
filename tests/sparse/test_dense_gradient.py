"""The gradient of weights that do not exist, compared with that of the dense weight."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import largest_gradients, recorded

BACKENDS = ("csr", "masked")


def network(backend="csr"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 15), nn.ReLU(), nn.Linear(15, 4)).double()
    return tl.sparsify(model, tl.method("set", density=0.2), backend=backend)


def dense_gradients(model, batches):
    """Return the gradient magnitudes of the dense weights, with autograd."""
    dense = tl.densify(model)
    for x in batches:
        dense(x).square().sum().backward()
    return [dense[i].weight.grad.abs() for i in (0, 2)]


@pytest.mark.parametrize("block", [1, 37, 10**6])
@pytest.mark.parametrize("k", [0, 1, 40])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_largest_are_those_of_the_dense_gradient(block, k, backend):
    model, batches = network(backend), [torch.randn(n, 12, dtype=torch.float64) for n in (9, 4)]
    layers = [model[0], model[2]]
    with recorded(layers):
        for x in batches:
            model(x).square().sum().backward()
        largest = [largest_gradients(layer, k, RandomField(0), block=block) for layer in layers]
    links = [layer.cells() for layer in layers]
    for (cells, magnitudes), linked, dense in zip(largest, links, dense_gradients(model, batches), strict=True):
        expected = dense.flatten()
        expected[linked] = 0
        best = expected.topk(k).indices.sort().values
        assert torch.equal(cells, best)
        torch.testing.assert_close(magnitudes, expected[best], rtol=1e-12, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_fewer_are_returned_if_fewer_have_a_gradient(backend):
    layer = tl.SparseLinear(6, 5, graph=tl.BipartiteGraph(torch.eye(5, 6)), backend=backend)
    x = torch.zeros(3, 6)
    x[:, 2] = 1
    with recorded([layer]):
        layer(x).sum().backward()
        cells, magnitudes = largest_gradients(layer, 20, RandomField(0))
    assert cells.tolist() == [2, 8, 20, 26]
    assert magnitudes.tolist() == [3.0] * 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_recorded_outside_of_the_block(backend):
    layer = network(backend)[0]
    with recorded([layer]):
        pass
    layer(torch.randn(3, 12, dtype=torch.float64)).sum().backward()
    assert layer.record is None
    with pytest.raises(InvalidValueError, match="no backward pass was recorded"):
        largest_gradients(layer, 1, RandomField(0))


@pytest.mark.parametrize("k", [-1, 193])
def test_a_number_out_of_range_is_rejected(k):
    layer = network()[0]
    with recorded([layer]):
        layer(torch.randn(3, 12, dtype=torch.float64)).sum().backward()
        with pytest.raises(InvalidValueError, match=f"k={k} is out of range: the layer has 192 non-links"):
            largest_gradients(layer, k, RandomField(0))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pass_after_zero_grad_starts_over(backend):
    model, (first, second) = network(backend), torch.randn(2, 9, 12, dtype=torch.float64)
    with recorded([model[0], model[2]]):
        model(first).square().sum().backward()
        model.zero_grad()
        model(second).square().sum().backward()
        record = model[2].record.rows(0, 15)
    torch.testing.assert_close(record.abs(), dense_gradients(model, [second])[1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_layer_that_is_used_twice_has_the_gradient_of_both_uses(backend):
    torch.manual_seed(0)
    layer = tl.SparseLinear(7, 7, graph=tl.generators.erdos_renyi(7, 7, 0.4, seed=0), backend=backend).double()
    x, dense = torch.randn(5, 7, dtype=torch.float64), layer.dense_weight().requires_grad_()
    torch.tanh(x @ dense.t() + layer.bias).matmul(dense.t()).square().sum().backward()
    with recorded([layer]):
        for _ in range(2):
            layer.zero_grad()
            (layer(torch.tanh(layer(x))) - layer.bias).square().sum().backward()
        record = layer.record.rows(0, 7)
    torch.testing.assert_close(record, dense.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sample_is_in_proportion_to_the_magnitudes(backend):
    # One example, one output neuron: the gradients are the inputs 1, 2, 3 themselves.
    graph = tl.BipartiteGraph(torch.tensor([[1, 0, 0, 0]]))
    layer = tl.SparseLinear(4, 1, graph=graph, backend=backend)
    counts = torch.zeros(4)
    with recorded([layer]):
        layer(torch.tensor([[9.0, 1.0, 2.0, 3.0]])).sum().backward()
        for seed in range(1200):
            counts[largest_gradients(layer, 1, RandomField(seed), soft=True)[0]] += 1
    torch.testing.assert_close(counts / 1200, torch.tensor([0, 1 / 6, 2 / 6, 3 / 6]), rtol=0, atol=0.05)


def test_bf16_gradients_add_up_in_float32():
    layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(torch.eye(2, 3)), backend="masked").bfloat16()
    with recorded([layer]):
        for value in (1.0, 2**-9):
            layer(torch.full((1, 3), value, dtype=torch.bfloat16)).sum().backward()
        assert layer.record.rows(0, 2).tolist() == [[1 + 2**-9] * 3] * 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gradient_that_is_not_finite_is_rejected(backend):
    layer = network(backend)[0]
    with recorded([layer]):
        (layer(torch.randn(3, 12, dtype=torch.float64)).sum() * float("nan")).backward()
        with pytest.raises(InvalidValueError, match="its gradient is not finite"):
            largest_gradients(layer, 3, RandomField(0))


def test_the_mean_over_ranks_is_taken_at_each_read():
    layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(torch.eye(2, 3)))
    layer.start_recording(average=lambda block: block.div_(4))
    layer(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    for _ in range(2):
        largest_gradients(layer, 2, RandomField(0))
    assert largest_gradients(layer, 4, RandomField(0))[1].tolist() == [0.5, 0.75, 0.25, 0.75]
