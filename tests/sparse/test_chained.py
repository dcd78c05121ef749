"""Chained sequences: one autograd node that behaves like the plain sequence."""

import copy

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import TopolearnError
from topolearn.sparse import CsrLinear
from topolearn.sparse.chains.sequential import FEW_OUTPUTS, LEAST_BATCH, ChainedSequential


def mlp(*, inplace=False, middle=None):
    modules = [nn.Linear(12, 20), nn.ReLU(inplace), nn.Linear(20, 20), *(middle or []), nn.ReLU(inplace)]
    return nn.Sequential(*modules, nn.Linear(20, 16), nn.Linear(16, 4))


def pair(model, density=0.3, exclude=None):
    """Return the same network with the csr and with the masked backend."""
    networks = []
    for backend in ("csr", "masked"):
        torch.manual_seed(0)
        twin = copy.deepcopy(model).double()
        networks.append(tl.sparsify(twin, tl.method("set", density=density), backend=backend, exclude=exclude))
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        if one.shape == other.shape:
            one.data.copy_(other.data)
    return networks


def gradients(model, x):
    x = x.clone().requires_grad_()
    y = model(x)
    y.square().sum().backward()
    values = []
    for module in model.modules():
        if isinstance(module, CsrLinear):
            values.append(module.values.grad)
        elif isinstance(module, tl.SparseLinear):
            values.append(module.weight.grad.flatten()[module.cells()])
        elif isinstance(module, nn.Linear):
            values.append(module.weight.grad)
    values += [parameter.grad for name, parameter in model.named_parameters() if name.endswith("bias")]
    return [y.detach(), x.grad, *values]


def names_of(model):
    return [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]


MODELS = {
    "relu": mlp(),
    "relu in place": mlp(inplace=True),
    "another activation": mlp(middle=[nn.Tanh()]),
    "dropout with p=0": mlp(middle=[nn.Dropout(0.0)]),
    "nested": nn.Sequential(nn.Sequential(nn.Linear(12, 20), nn.ReLU()), mlp()[2:]),
    "only layers": nn.Sequential(nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 4)),
    "wide head": nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, FEW_OUTPUTS + 1)),
    "no biases": nn.Sequential(nn.Linear(12, 8, bias=False), nn.ReLU(), nn.Linear(8, 4, bias=False)),
    "relu last": nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU()),
    "activation first": nn.Sequential(nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.ReLU(), nn.Linear(8, 4)),
}


DENSE = {"dense head": None, "sparse head": [], "dense third": ["2"]}


@pytest.mark.parametrize(
    ("name", "dense"), [(n, d) for n in MODELS for d in DENSE if d != "dense third" or "2" in names_of(MODELS[n])]
)
def test_outputs_and_gradients_are_those_of_the_masked_backend(name, dense):
    csr, masked = pair(MODELS[name], exclude=DENSE[dense])
    x = torch.randn(LEAST_BATCH, 12, dtype=torch.float64)
    for one, other in zip(gradients(csr, x), gradients(masked, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def nodes_of(y):
    names, nodes = [], [y.grad_fn]
    while nodes:
        node = nodes.pop()
        names.append(type(node).__name__)
        nodes += [each for each, _ in node.next_functions if each is not None]
    return names


def test_a_chain_is_one_autograd_node():
    csr, _ = pair(mlp())
    names = nodes_of(csr(torch.randn(LEAST_BATCH, 12, dtype=torch.float64)))
    assert names.count("ChainBackward") == 1
    assert set(names) == {"ChainBackward", "AccumulateGrad"}  # the dense last layer included


def test_with_few_examples_a_dense_layer_is_a_separate_node():
    csr, masked = pair(mlp())
    x = torch.randn(LEAST_BATCH - 1, 12, dtype=torch.float64)
    assert "AddmmBackward0" in nodes_of(csr(x))
    for one, other in zip(gradients(csr, x), gradients(masked, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_model_looks_like_a_sequence():
    csr, masked = pair(mlp())
    assert isinstance(csr, nn.Sequential)
    assert type(csr) is ChainedSequential
    assert repr(csr).startswith("Sequential(")
    assert [name for name, _ in csr.named_modules()] == [name for name, _ in masked.named_modules()]
    assert type(csr[:2]) is ChainedSequential
    assert type(masked) is nn.Sequential
    assert type(tl.densify(csr)) is nn.Sequential


def test_hooks_see_each_layer():
    csr, _ = pair(mlp())
    x, seen = torch.randn(3, 12, dtype=torch.float64), {}
    expected = csr(x)
    for i in (1, 2):
        csr[i].register_forward_hook(lambda module, inputs, output: seen.update({module: output.detach()}))
    assert torch.equal(csr(x), expected)
    first = copy.deepcopy(csr[0])
    assert torch.equal(seen[csr[1]], first(x).relu())
    assert torch.equal(seen[csr[2]], csr[2](seen[csr[1]]))


def test_subclasses_of_sequential_keep_their_forward():
    class Doubled(nn.Sequential):
        def forward(self, x):
            return 2 * super().forward(x)

    model = tl.sparsify(Doubled(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), "set", backend="csr")
    assert type(model) is Doubled
    x = torch.randn(3, 4)
    assert torch.equal(model(x), 2 * model[2](model[1](model[0](x))))


def test_copies_are_chained_too():
    csr, _ = pair(mlp())
    x = torch.randn(3, 12, dtype=torch.float64)
    twin = copy.deepcopy(csr)
    assert type(twin) is ChainedSequential
    assert torch.equal(twin(x), csr(x))
    with torch.no_grad():
        assert torch.equal(csr.eval()(x), twin(x))


def layer(n_in, n_out):
    return tl.SparseLinear(n_in, n_out, graph=tl.generators.erdos_renyi(n_in, n_out, 0.5, seed=0), backend="csr")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([layer(6, 9), layer(8, 2)], "with 9 outputs is followed by one with 8 inputs: make these numbers equal"),
        ([layer(6, 8), layer(8, 2).double()], "a layer in torch.float32 on cpu is followed by one in torch.float64"),
    ],
)
def test_layers_that_do_not_fit_are_rejected(layers, message):
    with pytest.raises(TopolearnError, match=message):
        ChainedSequential(*layers)(torch.zeros(3, 6))


@pytest.mark.parametrize(
    ("n_out", "batch", "relu"),
    [(1, 5, False), (1, 20, False), (1, 20, True), (3, 1, False), (3, 20, False), (3, 20, True), (3, 0, False)],
)
def test_later_code_may_change_the_outputs_in_place(n_out, batch, relu):
    modules = [nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, n_out), *([nn.ReLU()] if relu else [])]
    csr, masked = pair(nn.Sequential(*modules))
    x = torch.randn(batch, 12, dtype=torch.float64)
    for model in (csr, masked):
        y = model(x)
        y = y.add_(1) if model is csr else y + 1
        y.square().sum().backward()
    for one, other in zip(csr[0].dense_weight(), masked[0].dense_weight(), strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(csr[2].weight.grad, masked[2].weight.grad, rtol=1e-12, atol=1e-12)


def test_biases_of_another_dtype_are_rejected():
    csr, _ = pair(mlp())
    csr[0].bias.data = csr[0].bias.data.float()
    with pytest.raises(TopolearnError, match=r"values in torch\.float64 and biases in torch\.float32"):
        csr(torch.randn(3, 12, dtype=torch.float64))


def test_an_input_without_dimensions_is_rejected():
    csr, _ = pair(mlp())
    with pytest.raises(TopolearnError, match=r"the input has shape \(\)"):
        csr(torch.tensor(1.0, dtype=torch.float64))
