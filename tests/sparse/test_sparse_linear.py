"""`SparseLinear`: the forward pass of a linear layer, with nothing off the mask."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.sparse import BACKENDS, CsrLinear, MaskedLinear


@pytest.fixture
def graph():
    return tl.generators.erdos_renyi(7, 5, 0.4, seed=0)


@pytest.fixture
def layer(graph):
    torch.manual_seed(0)
    return tl.SparseLinear(7, 5, graph=graph)


def test_forward_is_that_of_a_masked_dense_layer(layer):
    x = torch.randn(3, 2, 7)
    expected = nn.functional.linear(x, layer.weight * layer.mask, layer.bias)
    assert torch.equal(layer(x), expected)
    assert layer(x).shape == (3, 2, 5)


def test_gradients_are_those_of_autograd_on_the_links_and_zero_elsewhere(layer):
    x = torch.randn(4, 7)
    layer(x).square().sum().backward()
    weight = layer.weight.detach().clone().requires_grad_()
    nn.functional.linear(x, weight * layer.mask, layer.bias.detach()).square().sum().backward()
    assert torch.allclose(layer.weight.grad, weight.grad)
    assert not layer.weight.grad[~layer.mask].any()


def test_gradient_stays_masked_when_accumulated(layer):
    for _ in range(3):
        layer(torch.randn(4, 7)).sum().backward()
        assert not layer.weight.grad[~layer.mask].any()


def test_a_nan_gradient_off_the_links_is_masked(layer):
    x = torch.randn(2, 7)
    x[0, 0] = float("inf")
    layer.bias.requires_grad_(False)
    layer(x).sum().backward()
    assert not layer.weight.grad[~layer.mask].any()


@pytest.mark.parametrize("copied", ["deepcopy", "pickle", "assign"])
def test_copies_mask_their_gradients_too(layer, graph, copied):
    if copied == "deepcopy":
        twin = copy.deepcopy(layer)
    elif copied == "pickle":
        buffer = io.BytesIO()
        torch.save(layer, buffer)
        buffer.seek(0)
        twin = torch.load(buffer, weights_only=False)
    else:
        twin = tl.SparseLinear(7, 5, graph=graph)
        twin.load_state_dict({k: v.clone() for k, v in layer.state_dict().items()}, assign=True)
    assert torch.equal(twin.weight, layer.weight)
    twin(torch.randn(4, 7)).sum().backward()
    assert twin.weight.grad[twin.mask].any()
    assert not twin.weight.grad[~twin.mask].any()
    assert layer.weight.grad is None


def test_state_dict_has_the_keys_of_linear_and_its_links_and_loads_into_it(layer):
    linear = nn.Linear(7, 5)
    assert linear.load_state_dict(layer.state_dict(), strict=False).unexpected_keys == ["links_packed"]
    x = torch.randn(3, 7)
    assert torch.equal(linear(x), layer(x))


def test_weights_off_the_links_are_rejected_on_loading(layer):
    before = layer.weight.detach().clone()
    with pytest.raises(RuntimeError, match=r"non-zero weights off the links.*load the topology first"):
        layer.load_state_dict(nn.Linear(7, 5).state_dict())
    assert torch.equal(layer.weight, before)


def test_graph_and_cells_are_the_links(layer, graph):
    assert layer.graph == graph
    assert layer.n_links == graph.n_links
    assert np.array_equal(layer.cells().numpy(), graph.cells)


def test_set_links_keeps_links_that_stay_and_zeroes_the_rest(layer):
    layer(torch.randn(4, 7)).sum().backward()
    weight, grad, old = layer.weight.detach().clone(), layer.weight.grad.clone(), layer.mask.clone()
    cells = layer.cells()
    new = torch.cat((cells[::2], (~old).flatten().nonzero().squeeze(1)[:3])).sort().values
    layer.set_links(new)
    assert torch.equal(layer.cells(), new)
    stays = old & layer.mask
    assert torch.equal(layer.weight[stays], weight[stays])
    assert torch.equal(layer.weight.grad[stays], grad[stays])
    assert not layer.weight[~stays].any()
    assert not layer.weight.grad[~stays].any()


def test_initial_weights_have_the_variance_of_he_for_the_mean_fan_in():
    graph = tl.generators.erdos_renyi(600, 900, 0.05, seed=0)
    layer = tl.SparseLinear(600, 900, graph=graph, backend="masked")
    layer.reset_weight(torch.Generator().manual_seed(0))
    values = layer.weight.detach()[layer.mask]
    assert not layer.weight[~layer.mask].any()
    assert float(values.var()) == pytest.approx(2 / (0.05 * 600), rel=0.05)
    assert float(values.mean()) == pytest.approx(0, abs=0.01)


def test_moving_to_another_dtype_keeps_the_links(layer, graph):
    layer.double()
    assert layer.weight.dtype == torch.float64
    assert layer.graph == graph
    layer(torch.randn(4, 7, dtype=torch.float64)).sum().backward()
    assert not layer.weight.grad[~layer.mask].any()


def test_repr_shows_how_sparse_it_is(layer):
    assert "n_links=14, density=40.00%" in repr(layer)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"graph": np.ones((5, 7))}, InvalidTypeError, "must be a BipartiteGraph, not ndarray"),
        ({"in_features": 8}, InvalidValueError, "graph has 7 inputs and 5 outputs, but the layer has 8 and 5"),
        ({"backend": "mask"}, UnknownNameError, "unknown backend 'mask': did you mean 'masked'"),
        ({"graph": tl.BipartiteGraph(np.zeros((5, 7)))}, InvalidValueError, "no links"),
    ],
)
def test_bad_arguments(graph, change, kind, message):
    with pytest.raises(kind, match=message):
        tl.SparseLinear(**{"in_features": 7, "out_features": 5, "graph": graph, **change})


class Doubled(MaskedLinear):
    """A backend that a user might write."""

    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(("backend", "kind"), [("masked", MaskedLinear), ("csr", CsrLinear), ("doubled", Doubled)])
def test_the_backend_names_the_class_and_copies_keep_it(graph, backend, kind):
    BACKENDS.register("doubled", Doubled)
    try:
        made = tl.SparseLinear(7, 5, graph=graph, backend=backend)
    finally:
        BACKENDS.unregister("doubled")
    x = torch.randn(3, 7)
    for each in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(each) is kind
        assert isinstance(each, tl.SparseLinear)
        assert torch.equal(each(x), made(x))
    with pytest.raises(UnknownNameError, match=r"unknown backend 'doubled'.*Known names: masked, csr"):
        tl.SparseLinear(7, 5, graph=graph, backend="doubled")
