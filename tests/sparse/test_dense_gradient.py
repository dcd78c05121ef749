"""The gradient of weights that do not exist, beside that of the dense weight."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import largest_gradients, recorded


def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 15), nn.ReLU(), nn.Linear(15, 4)).double()
    return tl.sparsify(model, tl.method("set", density=0.2), backend="csr")


def dense_gradients(model, batches):
    """The gradients of the dense weights, by autograd, where there are no links."""
    dense = tl.densify(model)
    for x in batches:
        dense(x).square().sum().backward()
    return [dense[i].weight.grad.abs() for i in (0, 2)]


@pytest.mark.parametrize("block", [1, 37, 10**6])
@pytest.mark.parametrize("k", [0, 1, 40])
def test_the_largest_are_those_of_the_dense_gradient(block, k):
    model, batches = network(), [torch.randn(n, 12, dtype=torch.float64) for n in (9, 4)]
    layers = [model[0], model[2]]
    with recorded(layers):
        for x in batches:
            model(x).square().sum().backward()
        found = [largest_gradients(layer, k, RandomField(0), block=block) for layer in layers]
    links = [layer.cells() for layer in layers]
    for (cells, magnitudes), linked, dense in zip(found, links, dense_gradients(model, batches), strict=True):
        expected = dense.flatten()
        expected[linked] = 0
        best = expected.topk(k).indices.sort().values
        assert torch.equal(cells, best)
        torch.testing.assert_close(magnitudes, expected[best], rtol=1e-12, atol=0)


def test_fewer_are_given_when_fewer_have_a_gradient():
    layer = tl.SparseLinear(6, 5, graph=tl.BipartiteGraph(torch.eye(5, 6)), backend="csr")
    x = torch.zeros(3, 6)
    x[:, 2] = 1
    with recorded([layer]):
        layer(x).sum().backward()
        cells, magnitudes = largest_gradients(layer, 20, RandomField(0))
    assert cells.tolist() == [2, 8, 20, 26]
    assert magnitudes.tolist() == [3.0] * 4


def test_nothing_is_kept_outside():
    layer = network()[0]
    with recorded([layer]):
        pass
    layer(torch.randn(3, 12, dtype=torch.float64)).sum().backward()
    assert layer.record is None
    with pytest.raises(InvalidValueError, match="no backward pass was recorded"):
        largest_gradients(layer, 1, RandomField(0))


@pytest.mark.parametrize("k", [-1, 193])
def test_more_than_there_are_is_refused(k):
    layer = network()[0]
    with recorded([layer]):
        layer(torch.randn(3, 12, dtype=torch.float64)).sum().backward()
        with pytest.raises(InvalidValueError, match=f"k={k}: the layer has 192 non-links"):
            largest_gradients(layer, k, RandomField(0))
