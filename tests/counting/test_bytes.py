"""Counted bytes match those of real tensors."""

from functools import partial

import pytest
import torch

import topolearn as tl
from tests.counting.counted import STEPS, costs, training
from topolearn.counting import OPTIMIZERS
from topolearn.sparse import CsrLinear, StoredLinear, sparse_layers

CLASSES = {
    "sgd": torch.optim.SGD,
    "sgd+momentum": partial(torch.optim.SGD, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
}


def real(model, optimizer):
    """Return the bytes of weights, gradients, optimizer and indices of a model in training."""
    parameters, layers = list(model.parameters()), sparse_layers(model).values()
    stored = sum(layer.stored.nbytes for layer in layers if isinstance(layer, StoredLinear))
    state = [value for each in parameters for value in optimizer.state[each].values() if getattr(value, "ndim", 0)]
    return {
        "weights": sum(each.nbytes for each in parameters) + stored,
        "gradients": sum(each.grad.nbytes for each in parameters),
        "optimizer": sum(each.nbytes for each in state),
        "indices": sum(map(index_bytes, layers)),
    }


def index_bytes(layer):
    if isinstance(layer, CsrLinear):
        return layer.index.n_bytes
    trained = getattr(layer, "trained", None)
    own = 0 if trained is None else trained.nbytes
    return layer.mask.nbytes + layer.trained_bits(layer.weight).nbytes + layer.cells().nbytes + own


def counted(memory):
    return {name: getattr(memory, name) for name in ("weights", "gradients", "optimizer", "indices")}


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("name", ["set", "chtss", "gmp", "topkast"])
def test_bytes_are_those_of_a_training(name, backend):
    method = tl.method(name, density=0.1)
    memory = costs(method).memory
    if method.remembers_all and backend == "csr":
        assert set(memory) == {"dense", "masked"}
        return
    states = list(training(method, backend=backend, steps=1))
    assert real(*states[-1][:2]) == counted(memory[backend])
    assert ("csr at the end" in memory) == (name == "chtss")


def test_csr_layers_shrink_as_the_density_falls():
    method = tl.method("chtss", density=0.1)
    for step, (model, optimizer, _) in enumerate(training(method, backend="csr")):
        if step == STEPS:
            assert real(model, optimizer) == counted(costs(method).memory["csr at the end"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_remember_as_many_values(name):
    method = tl.method("set", density=0.1)
    *_, (model, optimizer, _) = training(method, partial(CLASSES[name], lr=0.01), backend="csr", steps=1)
    assert real(model, optimizer) == counted(costs(method, optimizer=name).memory["csr"])


def test_the_dense_network():
    *_, (model, optimizer, _) = training(tl.method("dense"), steps=1)
    memory = costs(tl.method("dense")).memory
    assert real(model, optimizer) == counted(memory["dense"])
    assert memory.keys() == {"dense"}
    assert memory["dense"].total == 3 * sum(each.nbytes for each in model.parameters())
