"""Gradients of csr layers can be differentiated again: gradient penalties, Hessian-vector products, and beyond."""

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.sparse import recorded, sparse_chain
from topolearn.sparse.chains.chain import Stage
from topolearn.sparse.products import form as product_form
from topolearn.sparse.products.index import LinkIndex

FORMS = pytest.mark.parametrize("form", ["compiled", "torch"])
BACKENDS = pytest.mark.parametrize("backend", ["csr", "masked"])
SHAPES = {  # sizes of a chain, whether each stage has a ReLU, whether there are biases
    "one layer": ((5, 4), (False,), True),
    "no bias": ((5, 4), (False,), False),
    "one layer and ReLU": ((5, 4), (True,), True),
    "chain": ((5, 6, 4), (True, False), True),
    "chain without biases": ((5, 6, 4), (True, True), False),
    "linear chain": ((5, 6, 3, 4), (False, True, False), True),
}


@pytest.fixture
def as_form(monkeypatch):
    return lambda form: monkeypatch.setattr(product_form, "COMPILED", form == "compiled")


def chain_of(shape):
    """Return the function of a chain's outputs, and its inputs: x, then values and biases alternating."""
    sizes, relus, has_bias = SHAPES[shape]
    rng = torch.Generator().manual_seed(0)
    links, inputs = [], [torch.randn(3, sizes[0], generator=rng, dtype=torch.float64)]
    for n_in, n_out in pairwise(sizes):
        graph = tl.generators.erdos_renyi(n_in, n_out, 0.5, seed=n_out)
        links.append(LinkIndex.of_cells(torch.tensor(graph.cells), n_out, n_in))
        inputs.append(torch.randn(graph.n_links, generator=rng, dtype=torch.float64))
        inputs += [torch.randn(n_out, generator=rng, dtype=torch.float64)] if has_bias else []

    def outputs(x, *parameters):
        each = iter(parameters)
        stages = [
            Stage(i, next(each), next(each) if has_bias else None, relu) for i, relu in zip(links, relus, strict=True)
        ]
        return sparse_chain(x, stages, feature_major=len(sizes) % 2 == 0)

    return outputs, [each.requires_grad_() for each in inputs]


@FORMS
@pytest.mark.parametrize("shape", SHAPES)
def test_gradcheck_and_gradgradcheck_pass(shape, form, as_form):
    as_form(form)
    outputs, inputs = chain_of(shape)
    assert torch.autograd.gradcheck(outputs, inputs)
    assert torch.autograd.gradgradcheck(outputs, inputs)


def network(backend="csr", activation=nn.ReLU):
    torch.manual_seed(0)
    layers = [nn.Linear(12, 20), activation(), nn.Linear(20, 15), activation(), nn.Linear(15, 4)]
    return tl.sparsify(nn.Sequential(*layers).double(), tl.method("set", density=0.3), backend=backend)


def penalty(model, x):
    """Return a loss plus the gradient penalty of WGAN-GP."""
    x = x.clone().requires_grad_()
    y = model(x)
    (gradient,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    return y.mean() + 10 * (gradient.norm(dim=1) - 1).square().mean()


def third(model, x):
    """Return a loss with three derivatives with respect to the inputs, as for differential equations."""
    x = x.clone().requires_grad_()
    y = model(x).sum()
    for _ in range(3):
        (dy,) = torch.autograd.grad(y, x, create_graph=True)
        y = dy.square().sum()
    return y


LOSSES = {"penalty": (penalty, nn.ReLU), "penalty, smooth": (penalty, nn.Tanh), "third": (third, nn.Tanh)}


def gradients(model, loss, x):
    """Return the gradients of all parameters under a loss."""
    model.zero_grad()
    loss(model, x).backward()
    return [each.grad for each in model.parameters()]


@FORMS
@pytest.mark.parametrize("case", LOSSES)
def test_a_loss_with_gradients_has_the_gradient_of_dense_layers(case, form, as_form):
    as_form(form)
    loss, activation = LOSSES[case]
    model, x = network(activation=activation), torch.randn(9, 12, dtype=torch.float64)
    dense = tl.densify(copy.deepcopy(model))
    for mine, layer, whole in zip(
        gradients(model, loss, x)[::2], model[::2], gradients(dense, loss, x)[::2], strict=True
    ):
        expected = whole.flatten()[layer.cells()] if hasattr(layer, "cells") else whole
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-9)
    for mine, expected in zip(gradients(model, loss, x)[1::2], gradients(dense, loss, x)[1::2], strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-9)


@BACKENDS
@pytest.mark.parametrize("case", LOSSES)
def test_the_recorded_gradient_is_that_of_dense_layers_under_the_same_loss(case, backend):
    loss, activation = LOSSES[case]
    model, (first, second) = network(backend, activation), torch.randn(2, 9, 12, dtype=torch.float64)
    dense = tl.densify(copy.deepcopy(model))
    (loss(dense, first) + loss(dense, second)).backward()
    with recorded([model[0], model[2]]):
        for x in (first, second):
            loss(model, x).backward()
        for i in (0, 2):
            whole = dense[i].weight.grad
            torch.testing.assert_close(model[i].record.rows(0, len(whole)), whole, rtol=1e-9, atol=1e-9)


def test_a_hessian_vector_product_is_that_of_dense_layers_on_the_links():
    model, x = network(activation=nn.Tanh), torch.randn(9, 12, dtype=torch.float64)
    dense = tl.densify(copy.deepcopy(model))
    directions = [torch.randn_like(each) for each in model.parameters()]
    whole = [each.clone() for each in directions]
    for i, at in ((0, 0), (2, 2)):
        whole[at] = torch.zeros_like(dense[i].weight)
        whole[at].view(-1)[model[i].cells()] = directions[at]

    def product(each, vectors):
        parameters = list(each.parameters())
        first = torch.autograd.grad(each(x).square().sum(), parameters, create_graph=True)
        along = sum((gradient * vector).sum() for gradient, vector in zip(first, vectors, strict=True))
        return torch.autograd.grad(along, parameters)

    for at, (mine, expected) in enumerate(zip(product(model, directions), product(dense, whole), strict=True)):
        on_links = expected.flatten()[model[at].cells()] if at in (0, 2) else expected
        torch.testing.assert_close(mine, on_links, rtol=1e-9, atol=1e-9)


def test_gradients_are_the_same_with_and_without_create_graph():
    model, x = network(), torch.randn(9, 12, dtype=torch.float64, requires_grad=True)
    inputs = [x, *model.parameters()]
    plain = torch.autograd.grad(model(x).square().sum(), inputs)
    with_graph = torch.autograd.grad(model(x).square().sum(), inputs, create_graph=True)
    for mine, expected in zip(with_graph, plain, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-12, atol=1e-12)
