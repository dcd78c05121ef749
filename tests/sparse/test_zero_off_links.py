"""A masked layer stays zero off its links, whatever writes to it and whatever happens to its hook."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl
from tests.sparse.masked_models import X, add_noise, backward, is_zero_off_links, model_of, noise, weights
from topolearn.errors import InvalidValueError


@torch.no_grad()
def write_data(model):
    for layer in weights(model):
        layer.weight.data.add_(noise(layer.weight))


def initialise(model):
    model.apply(lambda m: nn.init.normal_(m.weight) if isinstance(m, nn.Linear) else None)


@torch.no_grad()
def replace_parameter(model):
    for layer in weights(model):
        layer.weight = nn.Parameter(noise(layer.weight))


@torch.no_grad()
def convert(model):
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        model.to(torch.float64).to(torch.float32)
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)
    add_noise(model)


WRITERS = {
    "noise": add_noise,
    "initialisation": initialise,
    "another parameter": replace_parameter,
    "a conversion": convert,
    "a copy": add_noise,
}


def noisy_gradient(model, optimizer):
    for parameter in model.parameters():
        parameter.grad.add_(noise(parameter))


def own_gradient(model, optimizer):
    for parameter in model.parameters():
        parameter.grad = noise(parameter)


def noisy_weight(model, optimizer):
    add_noise(model)


def own_moments(model, optimizer):
    state = optimizer.state_dict()
    for entry in state["state"].values():
        for key, value in entry.items():
            if isinstance(value, torch.Tensor) and value.dim() == 2:
                entry[key] = noise(value).abs()
    optimizer.load_state_dict(state)


def clipped(model, optimizer):
    nn.utils.clip_grad_norm_(model.parameters(), 0.01)


BEFORE_STEP = [noisy_gradient, own_gradient, noisy_weight, own_moments, clipped]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "unknown": lambda p: torch.optim.Rprop(p, lr=0.01),  # also leaves weights alone whose gradient is zero
}


@pytest.mark.parametrize("method", ["set", "gmp", "topkast"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_forward_computes_only_with_the_links(writer, method):
    model = model_of(method)
    if writer == "a copy":
        model = copy.deepcopy(model)
    n_links = [layer.n_links for layer in weights(model)]
    written = r"weights of layer '\w+' off its \d+ links were written, and have been reset to 0"
    with pytest.warns(UserWarning, match=written):
        WRITERS[writer](model)
        y = model(X)
    assert all(is_zero_off_links(layer) for layer in weights(model))
    assert [layer.n_links for layer in weights(model)] == n_links
    dense = tl.densify(copy.deepcopy(model))
    assert torch.allclose(dense(X), y, atol=1e-6)
    backward(model)  # the hook is back, wherever the parameter came from
    assert all(is_zero_off_links(layer) and layer.weight.grad.any() for layer in weights(model))


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("disturb", BEFORE_STEP)
def test_a_step_moves_nothing_off_the_links(disturb, optimizer):
    model = model_of()
    trainer = OPTIMIZERS[optimizer](model.parameters())
    for _ in range(4):
        trainer.zero_grad()
        backward(model)
        disturb(model, trainer)
        trainer.step()
        assert all(is_zero_off_links(layer, trainer if optimizer != "unknown" else None) for layer in weights(model))
        assert all(layer.weight[layer.mask].any() for layer in weights(model))


@pytest.mark.parametrize("keyword", [True, False])
def test_a_gradient_that_a_closure_writes_is_masked_too(keyword):
    model = model_of()
    trainer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure():
        trainer.zero_grad()
        backward(model)
        noisy_gradient(model, trainer)
        return torch.tensor(3.0)

    loss = trainer.step(closure=closure) if keyword else trainer.step(closure)
    assert loss == 3
    assert all(is_zero_off_links(layer) for layer in weights(model))


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
@pytest.mark.parametrize("look", [nn.Module.eval, nn.Module.state_dict, copy.deepcopy])
def test_writes_through_data_are_detected_when_a_model_is_saved_or_evaluated(look):
    model = model_of()
    write_data(model)
    kept = look(model)
    model = kept if isinstance(kept, nn.Module) else model
    assert all(is_zero_off_links(layer) for layer in weights(model))


@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
@pytest.mark.parametrize("method", ["set", "gmp", "topkast", "chtss"])
def test_an_update_reads_only_the_links(method):
    rule = tl.method(method, density=0.2)
    model = model_of(method)
    trainer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=12, interval=2)
    for _ in range(8):
        trainer.zero_grad()
        backward(model)
        trainer.step()
        write_data(model)
        topology.step()
        if topology.is_due:
            assert all(is_zero_off_links(layer, trainer) for layer in weights(model))
            assert [layer.n_links for layer in weights(model)] == [int(layer.mask.sum()) for layer in weights(model)]


def test_nothing_is_written_or_reported_if_no_other_code_writes():
    model = model_of()
    trainer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            trainer.zero_grad()
            backward(model)
            trainer.step()
            versions = [layer.weight._version for layer in weights(model)]
            model(X)
            assert [layer.weight._version for layer in weights(model)] == versions


def test_stand_ins_for_the_weight_are_masked_and_differentiable():
    layer = weights(model_of())[0]
    other = noise(layer.weight).requires_grad_()
    y = torch.func.functional_call(layer, {"weight": other, "bias": layer.bias.detach()}, X)
    assert torch.allclose(y, F.linear(X, other * layer.mask, layer.bias))
    y.sum().backward()
    assert not other.grad[~layer.mask].any()


def test_a_frozen_layer_may_be_copied_and_thawed():
    layer = copy.deepcopy(weights(model_of())[0].requires_grad_(False))
    layer.requires_grad_(True)
    layer(X).sum().backward()
    assert is_zero_off_links(layer)


def test_weights_of_inference_mode_are_masked():
    with torch.inference_mode():
        layer = tl.SparseLinear(12, 20, graph=tl.generators.erdos_renyi(12, 20, 0.2, seed=0), backend="masked")
        layer.weight.add_(noise(layer.weight))
        expected = F.linear(X, torch.where(layer.mask, layer.weight, 0), layer.bias)
        assert torch.equal(layer(X), expected)


def test_a_distributed_weight_is_rejected_by_name():
    layer = weights(model_of())[0]
    layer.weight.placements = ()  # as a DTensor has it
    layer.weight.data = layer.weight.data.clone()
    with torch.no_grad():
        layer.weight.add_(1)
    with pytest.raises(InvalidValueError, match="the weight of layer '0' is a DTensor"):
        layer(X)
