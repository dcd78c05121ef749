"""Models, optimizers and data that cannot be compiled are rejected with the reason, and nothing changes."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

import topolearn as tl
from tests.compiled.networks import data, mlp
from topolearn.compiled import why_not_compiled
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError


def with_hook(model):
    model[0].register_forward_hook(lambda *_: None)
    return model


def patched(model):
    model[1].forward = torch.tanh
    return model


def with_layer_twice(widths):
    model = mlp(widths)
    return nn.Sequential(*model[:2], model[2], nn.ReLU(), model[2], nn.ReLU(), model[-1])


class Loud(nn.Linear):
    """A user's own layer."""


class Doubled(nn.Sequential):
    """A user's own sequence."""

    def forward(self, x):
        return 2 * super().forward(x)


MODELS = {
    "no sequence": (lambda: mlp([4, 4, 2])[0], "the model is a CsrLinear, not a torch.nn.Sequential"),
    "dense": (lambda: nn.Sequential(nn.Linear(4, 4)), "it has no layer with the csr backend"),
    "masked": (
        lambda: tl.sparsify(
            nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), tl.method("set", density=0.5), backend="masked"
        ),
        "its module MaskedLinear is neither a layer nor a ReLU",
    ),
    "tanh": (lambda: nn.Sequential(*mlp([4, 4, 2])[:1], nn.Tanh()), "its module Tanh is neither"),
    "subclass": (lambda: nn.Sequential(*mlp([4, 4, 2])[:2], Loud(4, 2)), "its module Loud is neither"),
    "relu first": (lambda: nn.Sequential(nn.ReLU(), *mlp([4, 4, 2])), "it begins with a ReLU"),
    "relu last": (lambda: mlp([4, 4, 4, 2])[:2], "it ends with a ReLU"),
    "dense first": (lambda: nn.Sequential(nn.Linear(4, 4).double(), *mlp([4, 4, 2])), "its dense layer with 4 outputs"),
    "wide head": (lambda: mlp([4, 4, 200]), "its dense last layer has 200 outputs, more than 128"),
    "sizes that do not match": (lambda: nn.Sequential(*mlp([4, 6, 2])[:2], *mlp([4, 6, 2])), "layers do not match"),
    "two dtypes": (lambda: nn.Sequential(*mlp([4, 4, 2])[:2], nn.Linear(4, 2)), "not all float32 or all float64"),
    "patched forward": (lambda: patched(mlp([4, 4, 2])), "its module ReLU has hooks or a forward of its own"),
    "own sequence": (lambda: Doubled(*mlp([4, 4, 2])), "the model is a Doubled, not a torch.nn.Sequential"),
    "own sequence within": (
        lambda: nn.Sequential(Doubled(*mlp([4, 4, 2])[:2]), mlp([4, 4, 2])[-1]),
        "its module Doubled is neither",
    ),
    "a layer twice": (lambda: with_layer_twice([4, 4, 4, 2]), "a layer occurs twice"),
    "hook": (lambda: with_hook(mlp([4, 4, 2])), "its module CsrLinear has hooks"),
}


@pytest.mark.parametrize("name", MODELS)
def test_other_models_are_declined_with_the_reason(name):
    make, reason = MODELS[name]
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert reason in why_not_compiled(model, optimizer)
    with pytest.raises(InvalidValueError, match=r"cannot be compiled: .*Train with autograd instead"):
        tl.CompiledSteps(model, optimizer)


def attached(weights):
    optimizer = torch.optim.SGD(weights, lr=0.1)
    optimizer.register_step_post_hook(lambda *_: None)
    return optimizer


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (torch.optim.RMSprop, "the optimizer is RMSprop, not torch's SGD, Adam or AdamW"),
        (lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, dampening=0.5), "has dampening=0.5"),
        (lambda weights: torch.optim.SGD(weights, lr=0.1, maximize=True), "has maximize=True"),
        (lambda weights: torch.optim.Adam(weights, amsgrad=True), "has amsgrad=True"),
        (lambda weights: torch.optim.Adam(weights, lr=torch.tensor(0.1), foreach=False), "learning rate is a tensor"),
        (attached, "the optimizer has step hooks"),
    ],
)
def test_other_optimizers_are_declined_with_the_reason(make, reason):
    model = mlp([4, 4, 2])
    assert reason in why_not_compiled(model, make(list(model.parameters())))


def test_hooks_of_parameters_and_global_hooks_of_modules_and_optimizers_are_never_skipped():
    model = mlp([4, 4, 2])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = tl.CompiledSteps(model, optimizer)
    for register, reason in (
        (lambda: model[0].values.register_hook(lambda gradient: gradient), "a parameter has hooks"),
        (lambda: model[0].bias.register_post_accumulate_grad_hook(lambda _: None), "a parameter has hooks"),
        (lambda: register_module_forward_hook(lambda *_: None), "global module hooks"),
        (lambda: register_optimizer_step_post_hook(lambda *_: None), "the optimizer has step hooks"),
    ):
        handle = register()
        try:
            assert reason in steps.why_not
            with pytest.raises(InvalidValueError, match=reason):
                steps.run(*data([4, 4, 2], 4, "cross_entropy", torch.float64), torch.arange(4), 2)
        finally:
            handle.remove()
    assert steps.why_not is None


def test_steps_whose_gradients_an_update_needs_are_left_to_autograd():
    method = tl.method("rigl", density=0.3)
    model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)), method, backend="csr")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=100, interval=2)
    assert topology.n_replayable == 1
    topology.step(replayed=1)
    assert topology.n_replayable == 0
    assert why_not_compiled(model, optimizer) == "its gradients are recorded for an update"


X, Y, ORDER = torch.zeros(6, 4, dtype=torch.float64), torch.zeros(6, dtype=torch.int64), torch.arange(6)


@pytest.mark.parametrize(
    ("x", "y", "order", "batch", "rates", "error", "message"),
    [
        (X.float(), Y, ORDER, 2, None, InvalidTypeError, "x is torch.float32.*uint8, or the model's torch.float64"),
        (X[:, :3], Y, ORDER, 2, None, InvalidValueError, r"x has shape \(6, 3\): it must be \(n_examples, 4\)"),
        (X, Y[:5], ORDER, 2, None, InvalidTypeError, "must hold 6 labels, int64"),
        (X, Y.to(torch.int32), ORDER, 2, None, InvalidTypeError, "y is torch.int32"),
        (X, Y + 2, ORDER, 2, None, InvalidValueError, "labels from 2 to 2: with 2 outputs, use 0 to 1"),
        (X, Y - 1, ORDER, 2, None, InvalidValueError, "labels from -1 to -1"),
        (X, Y, ORDER + 1, 2, None, InvalidValueError, "indices from 1 to 6: there are 6 examples"),
        (X, Y, ORDER.to(torch.int32), 2, None, InvalidTypeError, "order is torch.int32"),
        (X, Y, ORDER, 0, None, InvalidValueError, "batch_size=0"),
        (
            X,
            Y,
            ORDER,
            2,
            [0.1],
            InvalidValueError,
            r"rates has shape \(1,\): it must be \(3,\), one rate per step, or \(1, 3\)",
        ),
        (X, Y, ORDER, 2, [0.1, -1, 0.1], InvalidValueError, "negative or not finite"),
        (X, Y, ORDER, 2, [0.1, np.nan, 0.1], InvalidValueError, "negative or not finite"),
    ],
)
def test_bad_data_are_rejected_and_nothing_changes(x, y, order, batch, rates, error, message):
    model = mlp([4, 4, 2])
    optimizer = torch.optim.Adam(model.parameters())
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(error, match=message):
        tl.CompiledSteps(model, optimizer).run(x, y, order, batch, rates=rates)
    assert not optimizer.state
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_targets_must_fit_and_the_loss_must_be_known():
    model = mlp([4, 4, 2])
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(InvalidTypeError, match=r"must be torch.float64 of shape \(6, 2\)"):
        tl.CompiledSteps(model, optimizer, "squared_error").run(X, torch.zeros(6, 3, dtype=torch.float64), ORDER, 2)
    with pytest.raises(UnknownNameError, match="did you mean 'cross_entropy'"):
        tl.CompiledSteps(model, optimizer, "cross-entropy")


def test_an_empty_order_takes_no_step():
    model = mlp([4, 4, 2])
    taken = tl.CompiledSteps(model, torch.optim.Adam(model.parameters())).run(X, Y, ORDER[:0], 2)
    assert (taken.n_steps, taken.loss, taken.n_correct) == (0, 0.0, 0)
