"""Layers that `sparsify` cannot replace are rejected by name with a fix, before any change; and what stays dense."""

import copy
import re
import types
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, remove_spectral_norm, remove_weight_norm

import topolearn as tl
from tests.sparse.conv1d import Conv1D
from topolearn.errors import InvalidValueError

HALF = tl.method("set", density=0.5)
OLD_NORMS = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated")


class Lora(nn.Linear):
    def __init__(self):
        super().__init__(8, 8)
        self.a, self.b = nn.Parameter(torch.ones(2, 8)), nn.Parameter(torch.ones(8, 2))

    def forward(self, x):
        return super().forward(x) + x @ self.a.t() @ self.b.t()


class LoraConv1D(Conv1D):
    def forward(self, x):
        return 2 * super().forward(x)


class Called(nn.Linear):
    def __call__(self, x):
        return super().__call__(2 * x)


class Marked(nn.Parameter):
    """A parameter of a custom class."""


def linear(kind=nn.Linear, *sizes):
    return kind(*(sizes or (8, 8)))


def changed(change, layer=None):
    layer = linear() if layer is None else layer
    change(layer)
    return layer


def patched(layer):
    layer.forward = types.MethodType(lambda self, x: x, layer)


def as_integers(layer):
    layer.weight = nn.Parameter(layer.weight.detach().to(torch.int8), requires_grad=False)


def plain_weight(layer):
    weight = layer.weight.detach()
    del layer.weight
    layer.weight = weight


def set_weight(layer, weight):
    del layer.weight
    layer.weight = nn.Parameter(weight)


def without_hooks(layer):
    layer.weight._backward_hooks.clear()


# For each: a layer, the message, and the fix, or None if the fix is another order of steps.
REFUSED = {
    "adapter": (Lora, "is a Lora with its own forward.*before adding adapters", None),
    "adapter on conv1d": (lambda: LoraConv1D(8, 8), "is a LoraConv1D with its own forward", None),
    "own call": (lambda: linear(Called), "is a Called with its own forward", None),
    "patched": (lambda: changed(patched), "with its own forward", lambda layer: vars(layer).pop("forward")),
    "compiled": (lambda: changed(lambda layer: layer.compile()), "is compiled separately: call layer.compile", None),
    "spectral norm": (
        lambda: parametrizations.spectral_norm(linear()),
        r"a parametrised weight: call torch.nn.utils.parametrize.remove_parametrizations\(layer, 'weight'\)",
        lambda layer: parametrize.remove_parametrizations(layer, "weight"),
    ),
    "weight norm": (
        lambda: parametrizations.weight_norm(linear()),
        "a parametrised weight",
        lambda layer: parametrize.remove_parametrizations(layer, "weight"),
    ),
    "parametrised bias": (
        lambda: changed(lambda layer: parametrize.register_parametrization(layer, "bias", nn.Tanh())),
        "a parametrised bias: .*'bias'",
        lambda layer: parametrize.remove_parametrizations(layer, "bias"),
    ),
    "old weight norm": (
        lambda: nn.utils.weight_norm(linear()),
        r"its weight with torch.nn.utils.weight_norm: call torch.nn.utils.remove_weight_norm\(layer, 'weight'\)",
        remove_weight_norm,
    ),
    "old spectral norm": (
        lambda: nn.utils.spectral_norm(linear()),
        r"its weight with torch.nn.utils.spectral_norm: call torch.nn.utils.remove_spectral_norm\(layer, 'weight'\)",
        remove_spectral_norm,
    ),
    "pruned": (
        lambda: prune.l1_unstructured(linear(), "weight", 0.5),
        r"its weight with torch.nn.utils.prune: call torch.nn.utils.prune.remove\(layer, 'weight'\)",
        lambda layer: prune.remove(layer, "weight"),
    ),
    "pruned twice": (
        lambda: prune.random_unstructured(prune.l1_unstructured(linear(), "weight", 0.5), "weight", 0.5),
        "its weight with torch.nn.utils.prune",
        lambda layer: prune.remove(layer, "weight"),
    ),
    "pruned bias": (
        lambda: prune.l1_unstructured(linear(), "bias", 0.5),
        r"its bias with torch.nn.utils.prune: call torch.nn.utils.prune.remove\(layer, 'bias'\)",
        lambda layer: prune.remove(layer, "bias"),
    ),
    "pruned conv1d": (
        lambda: prune.l1_unstructured(Conv1D(8, 8), "weight", 0.5),
        "its weight with torch.nn.utils.prune",
        lambda layer: prune.remove(layer, "weight"),
    ),
    "lazy": (
        lambda: nn.LazyLinear(8),
        "is an uninitialised LazyLinear: run a forward pass first",
        lambda layer: layer(torch.ones(1, 8)),
    ),
    "plain tensor": (
        lambda: changed(plain_weight),
        "a weight that is a Tensor, not an ordinary torch.nn.Parameter: sparsify before .*, or convert it to one",
        lambda layer: set_weight(layer, layer.weight),
    ),
    "own parameter": (
        lambda: changed(lambda layer: setattr(layer, "weight", Marked(torch.ones(8, 8)))),
        "a weight that is a Marked",
        lambda layer: set_weight(layer, layer.weight.detach().as_subclass(torch.Tensor)),
    ),
    "integers": (
        lambda: changed(as_integers),
        "a weight of dtype torch.int8: convert it",
        lambda layer: set_weight(layer, layer.weight.detach().float()),
    ),
    "other sizes": (
        lambda: changed(lambda layer: setattr(layer, "in_features", 4)),
        r"a weight of shape \(8, 8\), but out_features and in_features are \(8, 4\)",
        lambda layer: setattr(layer, "in_features", 8),
    ),
    "no weight": (lambda: changed(lambda layer: setattr(layer, "weight", None)), "has no weight", None),
    "hook on the weight": (
        lambda: changed(lambda layer: layer.weight.register_hook(lambda gradient: 2 * gradient)),
        "has hooks on its weight itself",
        without_hooks,
    ),
}


def state_of(model):
    return {
        name: value if isinstance(value, nn.UninitializedParameter) else value.clone()
        for name, value in model.state_dict().items()
    }


def assert_unchanged(model, modules, state):
    assert [id(module) for module in model.modules()] == modules
    after = model.state_dict()
    assert list(after) == list(state)
    assert all(after[name] is value or torch.equal(after[name], value) for name, value in state.items())


@OLD_NORMS
@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("exclude", [None, ["0"]])
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_layers_that_cannot_be_replaced_are_rejected_by_name_and_stay_unchanged(kind, exclude, backend):
    make, message, _ = REFUSED[kind]
    model = nn.Sequential(linear(), make(), nn.Linear(8, 2))
    modules, state = [id(module) for module in model.modules()], state_of(model)
    with pytest.raises(InvalidValueError, match=rf"layer '1' .*{message}.*or leave it dense with exclude=\['1', ...\]"):
        tl.sparsify(model, HALF, exclude=exclude, backend=backend, init="keep")
    assert_unchanged(model, modules, state)


@OLD_NORMS
@pytest.mark.parametrize("kind", REFUSED)
def test_excluded_modules_stay_unchanged(kind):
    model = nn.Sequential(linear(), REFUSED[kind][0](), nn.Linear(8, 2))
    before = list(model[1].modules())
    tl.sparsify(model, HALF, exclude=["1", "2"])
    assert list(model[1].modules()) == before
    assert list(tl.sparse.sparse_layers(model)) == ["0"]


@OLD_NORMS
@pytest.mark.parametrize("kind", [kind for kind, (_, _, cure) in REFUSED.items() if cure])
def test_the_suggested_fix_works(kind):
    make, _, cure = REFUSED[kind]
    model = nn.Sequential(linear(), make(), nn.Linear(8, 2))
    cure(model[1])
    x = torch.ones(3, 8)
    y = model(x)
    tl.sparsify(model, tl.method("static", density=1.0), init="keep")
    assert list(tl.sparse.sparse_layers(model)) == ["0", "1"]
    torch.testing.assert_close(model(x), y)


def shared(kind):
    model = nn.Sequential(kind(8, 8), kind(8, 8), nn.Linear(8, 2))
    model[1].weight = model[0].weight
    return model


@pytest.mark.parametrize("kind", [nn.Linear, Conv1D])
def test_a_weight_that_two_layers_share_is_rejected_with_both_names(kind):
    model = shared(kind)
    modules, state = [id(module) for module in model.modules()], state_of(model)
    with pytest.raises(InvalidValueError, match=r"layer '0' shares its weight \(0.weight, 1.weight\)"):
        tl.sparsify(model, HALF)
    assert_unchanged(model, modules, state)
    assert list(tl.sparse.sparse_layers(tl.sparsify(nn.Sequential(linear(), model), HALF, exclude=["1.*"]))) == ["0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (patched, "its own forward: replace it with topolearn.Attention"),
        (lambda attention: prune.l1_unstructured(attention, "in_proj_weight", 0.5), "'in_proj_weight'"),
        (lambda attention: prune.l1_unstructured(attention.out_proj, "weight", 0.5), "out_proj, computes its weight"),
        (lambda attention: parametrizations.weight_norm(attention.out_proj), "a parametrised weight"),
        (lambda attention: setattr(attention, "out_proj", Lora()), "is a Lora with its own forward"),
        (lambda attention: setattr(attention, "num_kv_heads", 1), "layer '1' has 'num_kv_heads', which Attention"),
    ],
)  # fmt: skip
def test_attention_that_cannot_be_unpacked_stays_unchanged(change, message):
    model = nn.ModuleList([nn.MultiheadAttention(8, 2), nn.MultiheadAttention(8, 2)])
    change(model[1])
    modules, state = [id(module) for module in model.modules()], state_of(model)
    with pytest.raises(InvalidValueError, match=message):
        tl.unpack_attention(model)
    assert_unchanged(model, modules, state)


# --- Other modules, which stay dense ---------------------------------------------------------------------------------


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 4, bias=False)
        self.up = nn.Parameter(torch.ones(4, 8, 8))


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 5, bias=False), nn.BatchNorm2d(8)
        self.words = nn.Embedding(8, 5)
        self.body, self.head = nn.Linear(8, 8, bias=False), nn.Linear(8, 2)


def mlp():
    return nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.PReLU(8), nn.LayerNorm(8), linear(), nn.Linear(8, 2))


def tied():
    model = nn.Sequential(nn.Embedding(5, 8), linear(), nn.Linear(8, 5, bias=False))
    model[2].weight = model[0].weight
    return model


@pytest.mark.parametrize(
    ("model", "exclude"),
    [
        (mlp(), None),
        (mlp(), []),
        (mlp(), ["0"]),
        (nn.Sequential(Conv1D(8, 8), Conv1D(2, 8)), None),
        (tl.unpack_attention(nn.TransformerEncoderLayer(8, 2, 8)), None),
        (nn.Sequential(linear(), Lora(), linear()), ["1"]),
        (nn.Sequential(linear(), parametrizations.orthogonal(linear()), linear()), ["1"]),
        (tied(), None),
    ],
)
def test_a_model_with_only_linear_layers_gives_no_warning(model, exclude):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tl.sparsify(model, HALF, exclude=exclude)


@pytest.mark.parametrize(
    ("model", "exclude", "kinds"),
    [
        (Image(), None, r"Conv2d \(81 % of the parameters\), Embedding \(5 %\)"),
        (nn.Sequential(linear(), Experts(), nn.Linear(8, 2)), None, r"Experts \(68 % of the parameters\)"),
        (nn.Sequential(linear(), nn.Bilinear(2, 2, 1, bias=False), nn.Linear(8, 90)), None,
         r"Bilinear \(under 1 % of the parameters\)"),
        (nn.Sequential(linear(), nn.LSTM(8, 8), nn.LazyConv2d(3, 2)), [], r"LSTM \(79 % of the parameters\)"),
        (nn.Sequential(linear(), nn.MultiheadAttention(8, 2, bias=False)), ["1.*"],
         r"MultiheadAttention \(59 % of the parameters\)"),
    ],
)  # fmt: skip
def test_modules_left_dense_give_one_warning_with_their_shares(model, exclude, kinds):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        tl.sparsify(model, HALF, exclude=exclude)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert re.fullmatch(f"sparsify leaves dense all modules other than linear layers: {kinds}", str(said[0].message))


def test_a_warning_that_is_an_error_leaves_the_model_unchanged():
    model = Image()
    modules, state = [id(module) for module in model.modules()], copy.deepcopy(model.state_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Conv2d"):
            tl.sparsify(model, HALF)
    assert_unchanged(model, modules, state)
