"""`StoredLinear`: it computes with the links, trains its trained cells, and keeps every value."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl
from topolearn.sparse import StoredLinear

LINKS, TRAINED = torch.tensor([0, 2, 5, 9]), torch.tensor([0, 1, 2, 5, 7, 9, 11])
VALUES = torch.arange(1.0, 13.0)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    graph = tl.BipartiteGraph.from_cells(LINKS.numpy(), 4, 3)
    made = StoredLinear(4, 3, graph=graph)
    made.set_links(LINKS, TRAINED)
    made.set_stored(VALUES)
    return made


def on(cells):
    """Return a matrix of the layer's shape that is true on some cells."""
    mask = torch.zeros(12, dtype=torch.bool)
    mask[cells] = True
    return mask.view(3, 4)


def test_the_links_compute_and_all_trained_cells_get_the_gradient(layer):
    x = torch.randn(5, 4, requires_grad=True)
    y = layer(x)
    y.square().sum().backward()
    weight = (VALUES.view(3, 4) * on(LINKS)).requires_grad_()
    other = x.detach().clone().requires_grad_()
    expected = F.linear(other, weight, layer.bias.detach())
    expected.square().sum().backward()
    assert torch.equal(y, expected)
    assert torch.equal(x.grad, other.grad)
    assert torch.allclose(layer.weight.grad, weight.grad * on(TRAINED))
    assert (layer.weight.grad != 0).equal(on(TRAINED))


def test_graph_values_and_dense_weight_cover_only_the_links(layer):
    assert layer.cells().tolist() == LINKS.tolist()
    assert layer.link_values().tolist() == VALUES[LINKS].tolist()
    assert layer.graph.n_links == layer.n_links == 4
    assert torch.equal(layer.dense_weight(), VALUES.view(3, 4) * on(LINKS))
    assert torch.equal(layer.weight, VALUES.view(3, 4) * on(TRAINED))


def test_cells_keep_their_value_while_untrained_and_get_it_back_when_trained_again(layer):
    layer(torch.ones(1, 4)).sum().backward()
    with torch.no_grad():
        layer.weight[on(TRAINED)] *= 10
    gradient = layer.weight.grad.clone()
    values = torch.where(on(TRAINED).flatten(), 10 * VALUES, VALUES)
    links, trained = torch.tensor([2, 3]), torch.tensor([2, 3, 5, 8])
    moved = layer.set_links(links, trained)
    assert torch.equal(layer.latest_values(), values)
    assert torch.equal(layer.weight, values.view(3, 4) * on(trained))
    assert torch.equal(layer.weight.grad, gradient * on([2, 5]))
    assert torch.equal(moved(torch.ones(3, 4)), on(trained).float())
    layer.set_links(LINKS)
    assert torch.equal(layer.latest_values(), values)
    assert layer.trained.equal(layer.mask)
    layer.weight.grad = None
    layer(torch.ones(1, 4)).sum().backward()
    assert (layer.weight.grad != 0).equal(on(LINKS))


def test_values_of_links_leave_those_of_other_cells(layer):
    layer.set_link_values(torch.tensor([-1.0, -2.0, -3.0, -4.0]))
    assert layer.latest_values().tolist() == [-1, 2, -2, 4, 5, -3, 7, 8, 9, -4, 11, 12]


@pytest.mark.parametrize("assign", [False, True])
def test_its_weights_load_into_a_dense_layer_and_back_without_loss(layer, assign):
    x = torch.randn(3, 4)
    saved = {key: value.clone() for key, value in layer.state_dict().items()}
    assert list(saved) == ["weight", "bias", "links_packed"]
    dense = nn.Linear(4, 3)
    dense.load_state_dict(saved, strict=False)
    assert torch.equal(dense(x), layer(x))
    given = {"weight": 2 * saved["weight"], "bias": saved["bias"].clone()}
    layer.load_state_dict(given, assign=assign)
    assert torch.equal(given["weight"], 2 * saved["weight"])  # the other trained cells were not written to it
    assert torch.equal(layer.latest_values(), torch.where(on(LINKS).flatten(), 2 * VALUES, VALUES))
    layer(x).sum().backward()
    assert (layer.weight.grad != 0).equal(on(TRAINED))
    with pytest.raises(RuntimeError, match="non-zero weights off the links"):
        layer.load_state_dict({"weight": torch.ones(3, 4), "bias": saved["bias"]})


@pytest.mark.parametrize("kind", ["deepcopy", "pickle", "float64"])
def test_copies_are_the_same_layer(layer, kind):
    if kind == "pickle":
        buffer = io.BytesIO()
        torch.save(layer, buffer)
        buffer.seek(0)
        twin = torch.load(buffer, weights_only=False)
    else:
        twin = copy.deepcopy(layer).to(torch.float64 if kind == "float64" else torch.float32)
    assert torch.equal(twin.latest_values().float(), VALUES)
    assert twin.stored.dtype == twin.weight.dtype
    twin(torch.ones(2, 4, dtype=twin.weight.dtype)).sum().backward()
    assert (twin.weight.grad != 0).equal(on(TRAINED))
    assert layer.weight.grad is None


def test_without_further_trained_cells_it_is_a_masked_layer_with_a_memory():
    layer = StoredLinear(4, 3, graph=tl.BipartiteGraph.from_cells(LINKS.numpy(), 4, 3))
    layer.set_link_values(VALUES[LINKS])
    layer(torch.ones(1, 4)).sum().backward()
    assert (layer.weight.grad != 0).equal(on(LINKS))
    layer.set_links(torch.tensor([0, 1]))
    assert layer.link_values().tolist() == [1.0, 0.0]
    layer.set_links(LINKS)
    assert layer.link_values().tolist() == VALUES[LINKS].tolist()


def test_it_is_compiled_as_one_graph_and_computes_the_same(layer):
    torch._dynamo.reset()
    x = torch.randn(5, 4)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for links in (LINKS, LINKS[:2]):
        layer.set_links(links, TRAINED)
        layer.weight.grad = None
        y = compiled(x)
        y.square().sum().backward()
        gradient, layer.weight.grad = layer.weight.grad, None
        assert torch.equal(y, layer(x))
        layer(x).square().sum().backward()
        torch.testing.assert_close(gradient, layer.weight.grad)


def test_under_autocast_the_gradient_is_complete(layer):
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.ones(2, 4)).float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32
    assert (layer.weight.grad != 0).equal(on(TRAINED))
