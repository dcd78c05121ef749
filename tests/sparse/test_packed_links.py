"""The links that a layer saves with its weights, and what loads or changes them from outside."""

import copy
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict
from torch.nn import functional as F

import topolearn as tl
from tests.profiles import examples
from tests.sparse.masked_models import X, Y, add_noise, backward, is_zero_off_links, model_of, weights
from topolearn.errors import InvalidValueError
from topolearn.sparse import StoredLinear
from topolearn.sparse.weights.packed_links import packed, unpacked


@examples(60)
@given(n_out=st.integers(1, 9), n_in=st.integers(1, 33), seed=st.integers(0, 10**6))
def test_packed_links_match_numpy_and_unpack_again(n_out, n_in, seed):
    mask = torch.rand(n_out, n_in, generator=torch.Generator().manual_seed(seed)) < 0.4
    assert np.array_equal(packed(mask).numpy(), np.packbits(mask.numpy(), axis=1))
    assert torch.equal(unpacked(packed(mask), n_in), mask)


@pytest.mark.parametrize("method", ["set", "gmp", "topkast"])
@pytest.mark.parametrize("assign", [False, True])
def test_a_layer_loads_the_links_with_its_weights(method, assign):
    one, other = (weights(model_of(method, seed=seed))[0] for seed in (0, 1))
    assert not torch.equal(one.mask, other.mask)
    other.load_state_dict(copy.deepcopy(one.state_dict()), assign=assign)
    assert torch.equal(one.mask, other.mask)
    assert torch.equal(one(X), other(X))
    assert is_zero_off_links(other)
    if isinstance(other, StoredLinear):
        assert bool((other.trained_mask | ~other.mask).all())
    other(X).sum().backward()
    assert is_zero_off_links(other)


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (torch.zeros(20, 2, dtype=torch.uint8), "links_packed has no links"),
        (torch.ones(20, 3, dtype=torch.uint8), r"links_packed is torch.uint8 of shape \(20, 3\)"),
        (torch.ones(20, 2), "links_packed is torch.float32"),
        (torch.full((20, 2), 128, dtype=torch.uint8), "non-zero weights off the links"),
    ],
)
def test_links_that_do_not_fit_are_rejected_and_change_nothing(bits, message):
    layer = weights(model_of())[0]
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict({**before, "links_packed": bits})
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_optimizer_state_follows_links_that_a_user_changes():
    model = model_of()
    trainer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        trainer.zero_grad()
        backward(model)
        trainer.step()
    layer = weights(model)[0]
    layer.set_links(layer.cells()[5:])
    trainer.zero_grad()
    backward(model)
    trainer.step()
    assert is_zero_off_links(layer, trainer)


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("kind", [torch.optim.Adafactor, torch.optim.Adamax, torch.optim.Rprop, torch.optim.LBFGS])
def test_optimizers_that_no_topology_supports_train_a_static_network(kind, backend):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))
    model = tl.sparsify(model, tl.method("static", density=0.2), backend=backend)
    trainer = kind(model.parameters(), lr=0.01)

    def closure():
        trainer.zero_grad()
        loss = F.cross_entropy(model(X), Y)
        loss.backward()
        return loss

    first = float(closure())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            trainer.step(closure)
    assert float(closure()) < first
    if backend == "masked":
        assert is_zero_off_links(model[0])


def test_a_mask_that_other_code_changed_also_masks_the_gradient():
    layer = weights(model_of())[0]
    layer(X).square().sum().backward()
    layer.weight.grad = None
    free = int((~layer.mask[3]).sum())
    layer.mask[3] = True
    layer(X).square().sum().backward()
    assert free > 0
    assert bool(layer.weight.grad[3].all())
    assert not layer.weight.grad[~layer.mask].any()


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
def test_weights_that_are_not_loaded_are_not_trusted():
    model = model_of()
    add_noise(model)
    state = {key: value for key, value in model_of().state_dict().items() if key != "0.weight"}
    model.load_state_dict(state, strict=False)
    model(X)
    assert all(is_zero_off_links(layer) for layer in weights(model))


@pytest.mark.parametrize("method", ["set", "topkast"])
def test_torchs_distributed_state_dicts_have_the_links(method):
    one, other = model_of(method), model_of(method, seed=1)
    set_model_state_dict(other, get_model_state_dict(one))
    assert all(torch.equal(a.mask, b.mask) for a, b in zip(weights(one), weights(other), strict=True))
    assert torch.equal(one(X), other(X))


def test_links_that_were_changed_from_outside_are_rejected_and_repaired_by_loading():
    model = tl.sparsify(
        nn.Sequential(nn.Linear(12, 20), nn.Linear(20, 3)), tl.method("set", density=0.5), backend="csr"
    )
    good, expected = copy.deepcopy(model.state_dict()), model(X)
    model[0].col[:2] = model[0].col[:2].flip(0)  # the same links in another order
    with pytest.raises(InvalidValueError, match="crow and col of layer '0' were changed from outside"):
        model(X)
    model.load_state_dict(good)
    assert torch.equal(model(X), expected)
