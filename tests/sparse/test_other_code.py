"""Sparse layers among other code: tensors that it replaces, modules that it patches, transforms that it applies."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.func import functional_call

import topolearn as tl
from tests.evolution.loops import advance, mlp, setup
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution import METHODS

BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])
X = torch.randn(40, 12, generator=torch.Generator().manual_seed(3))
Y = torch.arange(40) % 3


def loss_of(model):
    return nn.functional.cross_entropy(model(X), Y)


def links_of(model):
    return [graph.cells.tolist() for graph in tl.topology_of(model).graphs.values()]


@BACKENDS
@pytest.mark.parametrize("method", ["set", "chtss"])
def test_a_backward_pass_never_takes_new_links_for_those_of_its_forward_pass(method, backend):
    model, optimizer, topology = setup(method, backend=backend)
    for _ in range(topology.interval):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
        loss = loss_of(model)
        updated = topology.step()
    assert updated is not None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", ["values", "bias"])
@pytest.mark.parametrize("new", [torch.zeros(3), torch.zeros(400)[::2]], ids=["size", "strides"])
def test_replaced_parameters_of_a_csr_layer_are_rejected_before_their_memory_is_read(name, new):
    model, _, _ = setup("set", backend="csr")
    getattr(model[0], name).data = new
    with pytest.raises(InvalidValueError, match=rf"has {'values' if name == 'values' else 'biases'} of shape"):
        model(X)


def test_replaced_values_are_rejected_between_the_passes():
    model, _, _ = setup("set", backend="csr")
    loss = loss_of(model)
    model[0].values.data = torch.zeros(3)
    with pytest.raises(InvalidValueError, match=r"has values of shape \(3,\)"):
        loss.backward()


def test_a_functional_call_leaves_the_parameters_of_the_other_model_alone():
    model, _, _ = setup("set")
    other = tl.sparsify(mlp(12, 20, 16, 3), tl.method("set", density=0.2), seed=9, backend="masked")
    before = copy.deepcopy(other.state_dict())
    y = functional_call(model, dict(other.named_parameters()), (X,))
    assert all(map(torch.equal, other.state_dict().values(), before.values()))
    kept = {name: each.detach().clone() for name, each in other.named_parameters()}
    for name, layer in model.named_modules():
        if hasattr(layer, "mask"):
            kept[f"{name}.weight"] *= layer.mask
    assert torch.equal(y, functional_call(model, kept, (X,)))


def test_a_teacher_of_averaged_weights_follows_its_student():
    model, optimizer, topology = setup("set")
    teacher = copy.deepcopy(model)
    for _ in range(6):
        y = model(X)
        with torch.no_grad():
            wanted = functional_call(model, dict(teacher.named_parameters()), (X,))
        optimizer.zero_grad()
        (y - wanted + 1).square().mean().backward()
        optimizer.step()
        topology.step()
    assert topology.n_updates == 3
    assert len(model[0].weight._post_accumulate_grad_hooks) == len(teacher[0].weight._post_accumulate_grad_hooks) == 1


def test_csr_values_are_used_only_with_their_links():
    model, optimizer, topology = setup("set", backend="csr")
    teacher = copy.deepcopy(model)
    parameters = dict(teacher.named_parameters())
    assert torch.equal(functional_call(model, parameters, (X,)), teacher(X))
    advance(model, optimizer, topology, 2)
    with pytest.raises(InvalidValueError, match="are those of a layer with other links"):
        functional_call(model, parameters, (X,))


def test_a_state_kept_over_an_update_is_that_of_one_network():
    """As torch's, it refers to live tensors; those of csr layers end with the links that they belong to."""
    model, optimizer, topology = setup("set", backend="csr", interval=2)
    advance(model, optimizer, topology, 1)
    state = model.state_dict()
    loss_of(model).backward()
    optimizer.step()
    before = copy.deepcopy(model)
    assert topology.step() is not None
    model.load_state_dict(state)
    assert torch.equal(model[0].dense_weight(), before[0].dense_weight())


def _dual(model):
    with forward_ad.dual_level():
        return model(forward_ad.make_dual(X, X))


TRANSFORMS = {
    "grad": lambda model: torch.func.grad(lambda p: functional_call(model, p, (X,)).sum())(
        dict(model.named_parameters())
    ),
    "vmap": lambda model: torch.func.vmap(model)(X),
    "jacrev": lambda model: torch.func.jacrev(model)(X[0]),
    "dual": _dual,
    "export": lambda model: torch.export.export(model, (X,)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_that_csr_layers_do_not_support_name_the_backend_that_does(name):
    masked, csr = (setup("set", backend=backend)[0] for backend in ("masked", "csr"))
    if name != "export":  # slow, and the same for any module
        TRANSFORMS[name](masked)
    with pytest.raises(InvalidTypeError, match="use backend='masked'"):
        TRANSFORMS[name](csr)
    csr(X)  # outside of transforms all is as before


@BACKENDS
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_patched_forward_is_called(when, backend):
    dense = mlp(12, 20, 16, 3)

    def patch(model):
        model[1].forward = torch.tanh
        model[-1].forward = lambda x: 10 * x

    if when == "before":
        patch(dense)
    model = tl.sparsify(dense, tl.method("set", density=0.2), backend=backend)
    if when == "after":
        patch(model)
    expected = 10 * torch.relu(model[2](torch.tanh(model[0](X))))
    torch.testing.assert_close(model(X), expected)


@BACKENDS
def test_global_hooks_see_every_module(backend):
    model, _, _ = setup("set", backend=backend)
    expected, seen = model(X), []
    handle = nn.modules.module.register_module_forward_hook(lambda module, *_: seen.append(module))
    try:
        torch.testing.assert_close(model(X), expected)
    finally:
        handle.remove()
    assert seen == [*model, model]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("method", "backend"), [("set", "csr"), *((name, "auto") for name, each in METHODS.items() if not each.is_dense)]
)
def test_an_encoder_evaluates_as_it_trains(method, backend, masked):
    torch.manual_seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True), 2)
    generator = {} if tl.method(method).generator == "fixed_fan_in" else {"generator": "er"}  # csti needs data
    rule = tl.method(method, density=0.2, **generator)
    model, x = tl.sparsify(model, rule, backend=backend, exclude=["*out_proj"]), torch.randn(2, 5, 32)
    options = {"src_key_padding_mask": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])} if masked else {}
    expected = model.train()(x, **options)
    with torch.no_grad():
        y = model.eval()(x, **options)
    torch.testing.assert_close(y[0], expected[0])


@pytest.mark.parametrize("method", ["set", "rigl", "srigl", "deepr", "gmp", "topkast"])
def test_weights_in_another_memory_order_evolve_alike(method):
    """A weight may be a transposed view, as after loading one with ``assign=True``."""
    evolved = []
    for turned in (False, True):
        model, optimizer, topology = setup(method, dtype=torch.float64)
        if turned:
            model[0].weight.data = model[0].weight.data.t().contiguous().t()
        advance(model, optimizer, topology, 6)
        evolved.append((links_of(model), model[0].dense_weight()))
    assert evolved[0][0] == evolved[1][0]
    torch.testing.assert_close(evolved[0][1], evolved[1][1])


def _centralise(optimizer, args, kwargs):
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.dim() > 1:
                parameter.grad.sub_(parameter.grad.mean(1, keepdim=True))


@torch.no_grad()
def _noise(optimizer, args, kwargs):
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.add_(torch.randn_like(parameter), alpha=0.01)


@pytest.mark.parametrize(("when", "hook"), [("pre", _centralise), ("pre", _noise), ("post", _noise)])
@pytest.mark.filterwarnings("ignore:.*off its .* links were written")
def test_hooks_of_the_optimizer_train_nothing_off_the_links(when, hook):
    model, optimizer, topology = setup("set")
    getattr(optimizer, f"register_step_{when}_hook")(hook)
    advance(model, optimizer, topology, 5)
    optimizer.zero_grad()
    loss_of(model).backward()
    optimizer.step()
    off = ~model[0].mask
    assert not model[0].weight[off].any()
    assert not optimizer.state[model[0].weight]["momentum_buffer"][off].any()


def test_links_that_return_bring_nothing_back_in_a_second_optimizer():
    model, first, topology = setup("set", zeta=0.9, total=100)
    second = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    born, n_new = 0, 0
    for i in range(60):
        optimizer = second if i % 13 == 0 else first
        optimizer.zero_grad()
        loss_of(model).backward()
        if optimizer is second and i:
            new = model[0].cells()[topology.state_dict()["born"]["0"] > born]
            n_new += len(new)
            assert not second.state[model[0].weight]["momentum_buffer"].flatten()[new].any()
        optimizer.step()
        born = topology.n_steps if optimizer is second else born
        topology.step()
    assert n_new > 100
