"""A replacement keeps everything the old module had: kinds of modules, ways of replacing, and properties."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

import topolearn as tl
from tests.sparse.conv1d import Conv1D
from topolearn.errors import InvalidValueError
from topolearn.sparse.conversion.carry_over import weight_parameter

HALF = tl.method("set", density=0.5)


class Net(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.layer(x))


class Attending(Net):
    def forward(self, x):
        return self.head(self.layer(x, x, x, need_weights=False)[0])


def sparse_net(layer, backend):
    return tl.sparsify(Net(layer), HALF, backend=backend)


LAYERS = {
    "linear": lambda: nn.Linear(8, 8),
    "conv1d": lambda: Conv1D(8, 8),
    "subclass": lambda: NonDynamicallyQuantizableLinear(8, 8),
}
# Each: a model, the place of the module whose properties must be kept, and the function that replaces it.
CASES = {
    **{
        f"{kind}, {way} {backend}": (make, "layer", replace)
        for kind, layer in LAYERS.items()
        for backend in ("masked", "csr")
        for way, make, replace in (
            (
                "sparsify to",
                lambda layer=layer: Net(layer()),
                lambda model, backend=backend: tl.sparsify(model, HALF, backend=backend, init="keep"),
            ),
            ("densify from", lambda layer=layer, backend=backend: sparse_net(layer(), backend), tl.densify),
        )
    },
    "stored, densify": (
        lambda: tl.sparsify(Net(nn.Linear(8, 8)), tl.method("topkast", density=0.5)),
        "layer",
        tl.densify,
    ),
    "attention, unpack": (lambda: Attending(nn.MultiheadAttention(8, 2)), "layer", tl.unpack_attention),
    "its output, unpack": (lambda: Attending(nn.MultiheadAttention(8, 2)), "layer.out_proj", tl.unpack_attention),
}


def run(model):
    model(torch.ones(3, 8, dtype=model.head.weight.dtype, requires_grad=True)).sum().backward()


class Calls(list):
    """A hook that records the modules it was called with."""

    def __call__(self, module, *others, **more):
        self.append(module)

    def on(self, model, place):
        del self[:]
        run(model)
        return [module is model.get_submodule(place) for module in self]


FORWARD_HOOKS = {
    "forward": lambda module, hook: module.register_forward_hook(hook),
    "forward with kwargs": lambda module, hook: module.register_forward_hook(hook, with_kwargs=True, always_call=True),
    "forward pre": lambda module, hook: module.register_forward_pre_hook(hook),
    "forward pre with kwargs": lambda module, hook: module.register_forward_pre_hook(hook, with_kwargs=True),
    "backward": lambda module, hook: module.register_full_backward_hook(hook),
    "backward pre": lambda module, hook: module.register_full_backward_pre_hook(hook),
}
STATE_HOOKS = {
    "state_dict": lambda module, hook: module.register_state_dict_post_hook(hook),
    "state_dict pre": lambda module, hook: module.register_state_dict_pre_hook(hook),
    "load_state_dict pre": lambda module, hook: module.register_load_state_dict_pre_hook(hook),
    "load_state_dict post": lambda module, hook: module.register_load_state_dict_post_hook(hook),
}
EACH = pytest.mark.parametrize("case", CASES)


@EACH
@pytest.mark.parametrize("kind", FORWARD_HOOKS)
def test_hooks_are_called_with_the_new_module_until_their_handle_removes_them(case, kind):
    make, place, replace = CASES[case]
    model, calls = make(), Calls()
    handle = FORWARD_HOOKS[kind](model.get_submodule(place), calls)
    replace(model)
    assert calls.on(model, place) == [True]
    handle.remove()
    assert calls.on(model, place) == []
    assert not any(vars(model.get_submodule(place))[name] for name in vars(nn.Module()) if name.endswith("_kwargs"))


@EACH
@pytest.mark.parametrize("kind", STATE_HOOKS)
def test_hooks_on_state_dicts_are_called_with_the_new_module(case, kind):
    make, place, replace = CASES[case]
    model, calls = make(), Calls()
    handle = STATE_HOOKS[kind](model.get_submodule(place), calls)
    replace(model)
    model.load_state_dict(model.state_dict())
    assert calls == [model.get_submodule(place)]
    handle.remove()
    model.load_state_dict(model.state_dict())
    assert len(calls) == 1


@EACH
def test_a_hook_that_is_always_called_is_called_after_an_error(case):
    make, place, replace = CASES[case]
    model, calls = make(), Calls()
    model.get_submodule(place).register_forward_hook(calls, always_call=True)
    replace(model)
    with pytest.raises((RuntimeError, ValueError, TypeError, AttributeError)):
        model.get_submodule(place)(None)
    assert calls == [model.get_submodule(place)]


@EACH
def test_what_the_user_added_is_kept(case):
    make, place, replace = CASES[case]
    model = make()
    module = model.get_submodule(place)
    note, extra, inner = {"any": "thing"}, nn.Parameter(torch.ones(3)), nn.ReLU()
    module.note, module._private = note, 3
    module.register_parameter("extra", extra)
    module.add_module("inner", inner)
    module.register_buffer("kept", torch.ones(2))
    module.register_buffer("passing", torch.ones(2), persistent=False)
    replace(model)
    new = model.get_submodule(place)
    assert new is not module
    assert (new.note, new._private, new.extra, new.inner) == (note, 3, extra, inner)
    assert dict(new.named_buffers())["kept"] is module.kept
    assert {name for name in model.state_dict() if "kept" in name or "passing" in name} == {f"{place}.kept"}
    assert new.passing is module.passing


@EACH
@pytest.mark.parametrize("is_training", [True, False])
def test_training_mode_is_kept_for_each_module_separately(case, is_training):
    make, place, replace = CASES[case]
    model = make()
    model.get_submodule(place).training = is_training
    replace(model)
    assert model.get_submodule(place).training is is_training
    assert model.head.training


WITH_WEIGHT = [case for case in CASES if not case.startswith("attention")]


@pytest.mark.parametrize("case", WITH_WEIGHT)
@pytest.mark.parametrize("trains", [(True, True), (False, True), (True, False), (False, False)])
def test_weight_and_bias_stay_frozen_separately(case, trains):
    make, place, replace = CASES[case]
    model = make()
    module = model.get_submodule(place)
    weight, bias = weight_parameter(module), module.bias
    for parameter, each in zip((weight, bias), trains, strict=True):
        parameter.requires_grad_(each)
    weight.mark = bias.mark = "mine"
    replace(model)
    new = model.get_submodule(place)
    assert (weight_parameter(new).requires_grad, new.bias.requires_grad) == trains
    assert weight_parameter(new).mark == "mine"
    assert new.bias is bias
    other = copy.deepcopy(model)
    other.requires_grad_(True)
    run(other)
    assert weight_parameter(other.get_submodule(place)).grad is not None


@pytest.mark.parametrize("case", WITH_WEIGHT)
def test_dtype_is_kept(case):
    make, _, replace = CASES[case]
    model = replace(make().double())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}
    run(model)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_densify_puts_back_the_class_that_was_replaced(kind, backend):
    model = Net(LAYERS[kind]())
    replaced = type(model.layer)
    assert type(tl.densify(tl.sparsify(model, HALF, backend=backend)).layer) is replaced


def test_a_subclass_keeps_its_attributes_although_its_arguments_are_unknown():
    class Named(nn.Linear):
        scale = 1

        def __init__(self, purpose):
            super().__init__(8, 8)
            self.purpose, self.scale = purpose, 2

    model = tl.sparsify(Net(Named("to test")), HALF, init="keep")
    assert (model.layer.purpose, model.layer.scale) == ("to test", 2)
    dense = tl.densify(model).layer
    assert (type(dense), dense.purpose, dense.scale) == (Named, "to test", 2)


def test_copies_of_a_frozen_layer_mask_their_gradient_once_they_train():
    model = Net(nn.Linear(8, 8))
    model.layer.requires_grad_(False)
    other = copy.deepcopy(tl.sparsify(model, HALF, backend="masked", init="keep"))
    assert not other.layer.weight.requires_grad
    run(other.requires_grad_(True))
    assert not other.layer.weight.grad[~other.layer.mask].any()


def test_a_frozen_layer_stays_as_it_is_while_the_others_evolve():
    layers = nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 2)
    model = nn.Sequential(*layers)
    model[0].requires_grad_(False)
    tl.sparsify(model, HALF)
    before = [(model[i].graph, model[i].weight.detach().clone()) for i in (0, 2)]
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, HALF, total_steps=9, interval=2)
    for _ in range(4):
        model(torch.ones(3, 8)).square().sum().backward()
        optimizer.step()
        topology.step()
    after = [(model[i].graph, model[i].weight.detach()) for i in (0, 2)]
    assert before[0][0] == after[0][0]
    assert torch.equal(before[0][1], after[0][1])
    assert before[1][0] != after[1][0]


@pytest.mark.parametrize("name", ["mask", "graph", "record", "layer_name", "_kept", "n_links"])
def test_an_attribute_whose_name_a_sparse_layer_uses_is_rejected(name):
    model = Net(nn.Linear(8, 8))
    setattr(model.layer, name, 1)
    before, state = list(model.modules()), copy.deepcopy(model.state_dict())
    with pytest.raises(InvalidValueError, match=f"layer 'layer' has '{name}'.*give it another name"):
        tl.sparsify(model, HALF, backend="masked")
    assert list(model.modules()) == before
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


class Twice(nn.Module):
    """A block at two places, and a layer that also has a second name."""

    def __init__(self, layer):
        super().__init__()
        self.first = self.second = nn.Sequential(layer, nn.ReLU(), nn.Linear(8, 8))
        self.alias, self.head = layer, nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.second(self.first(x)) + self.alias(x))


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_module_at_several_places_is_replaced_at_all_of_them(backend):
    model = Twice(nn.Linear(8, 8))
    x = torch.randn(4, 8)
    y = model(x)
    tl.sparsify(model, tl.method("static", density=1.0), init="keep", backend=backend)
    assert model.alias is model.first[0] is model.second[0]
    assert list(tl.sparse.sparse_layers(model)) == ["first.0", "first.2"]
    torch.testing.assert_close(model(x), y)
    tl.densify(model)
    assert type(model.alias) is nn.Linear
    assert model.alias is model.first[0] is model.second[0]
    torch.testing.assert_close(model(x), y)


def test_a_pattern_may_match_any_name_of_a_layer():
    assert list(tl.evolution.linear_layers(Twice(nn.Linear(8, 8)), ["alias"])) == ["first.2", "head"]


def shared_block():
    block = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    return nn.Sequential(block, block, nn.Linear(8, 2))


def shared_layer():
    layer = nn.Linear(8, 8)
    return nn.Sequential(nn.Linear(8, 8), layer, nn.ReLU(), layer, nn.Linear(8, 8), nn.Linear(8, 2))


@pytest.mark.parametrize(
    ("model", "groups"),
    [(Twice(nn.Linear(8, 8)), []), (shared_block(), [("0.0", "0.2")]), (shared_layer(), [])],
    ids=["alias", "block", "layer"],
)
def test_neurons_that_meet_others_elsewhere_are_in_no_group(model, groups):
    network = tl.topology_of(tl.sparsify(model, HALF))
    assert [group.layers for group in network.groups] == groups


@pytest.mark.parametrize("method", ["rigl", "chts"])
def test_a_shared_layer_trains_alike_on_both_backends(method):
    def trained(backend):
        torch.manual_seed(0)
        model = shared_layer().double()
        rule = tl.method(method, density=0.5)
        tl.sparsify(model, rule, backend=backend)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=20, interval=2)
        for _ in range(8):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
            topology.step()
        return model(x)

    x = torch.randn(5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(trained("masked"), trained("csr"), rtol=1e-9, atol=1e-9)


def test_densify_draws_nothing():
    model = tl.sparsify(Net(nn.Linear(8, 8)), HALF)
    before = torch.get_rng_state()
    tl.densify(model)
    assert torch.equal(torch.get_rng_state(), before)
