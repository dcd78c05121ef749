"""`sparsify` for layers that have no weights yet."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError


def test_layers_on_the_meta_device_never_have_a_dense_weight():
    def sparse(seed, **options):
        layers = OrderedDict(a=nn.Linear(200_000, 100_000, device="meta"), b=nn.ReLU(), c=nn.Linear(100_000, 2))
        return tl.sparsify(nn.Sequential(layers), tl.method("set", density=1e-7), seed=seed, **options)

    model, same, other = sparse(0), sparse(0), sparse(1)
    assert model.a.n_links == 2000
    assert model.a.bias.abs().max() <= 200_000**-0.5
    assert model.a.bias.std().item() == pytest.approx(200_000**-0.5 / 3**0.5, rel=0.05)
    assert torch.equal(model.a.bias, same.a.bias)
    assert not torch.equal(model.a.bias, other.a.bias)
    with pytest.raises(InvalidValueError, match="layer 'a' is on the meta device and has no weights to keep"):
        sparse(0, init="keep")


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_layers_from_the_meta_device_are_the_same_for_every_backend(backend):
    def sparse(backend):
        model = nn.Sequential(nn.Linear(20, 30, device="meta"), nn.Linear(30, 2))
        return tl.sparsify(model, tl.method("set", density=0.1), backend=backend)[0]

    assert torch.equal(sparse(backend).bias, sparse("masked").bias)
    assert torch.equal(sparse(backend).dense_weight(), sparse("masked").dense_weight())


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_state_loads_into_memory_that_was_never_filled(backend):
    model = tl.sparsify(nn.Sequential(nn.Linear(20, 30), nn.Linear(30, 2)), "set", backend=backend)
    again = copy.deepcopy(model).to("meta")
    for assign in (False, True):
        with pytest.raises(RuntimeError, match=r"0\.is on the meta device, .* call model\.to_empty\(device=\.\.\.\)"):
            again.load_state_dict(model.state_dict(), assign=assign)
    again.to_empty(device="cpu")
    if backend == "csr":
        again[0].crow.fill_(-1)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again[0].dense_weight(), model[0].dense_weight())
    assert torch.equal(again(torch.ones(1, 20)), model(torch.ones(1, 20)))
