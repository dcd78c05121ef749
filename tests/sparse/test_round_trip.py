"""Any network made sparse at density 1 and then dense again is unchanged."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import topolearn as tl
from tests.profiles import examples
from tests.sparse.conv1d import Conv1D

WHOLE = tl.method("static", density=1.0)
FLAG = st.booleans()
LAYER = st.fixed_dictionaries(
    {
        "width": st.integers(1, 6), "transposed": FLAG, "bias": FLAG, "weight_trains": FLAG, "bias_trains": FLAG,
        "buffer": st.sampled_from([None, "persistent", "passing"]), "hook": FLAG, "note": FLAG, "training": FLAG,
    }
)  # fmt: skip
NETS = st.lists(LAYER, min_size=1, max_size=4)


def network(layers, dtype, calls):
    """Return a network of random layers whose hooks record their outputs."""
    modules, n_in = [], 3
    for one in layers:
        n_out = one["width"]
        module = Conv1D(n_out, n_in) if one["transposed"] else nn.Linear(n_in, n_out, bias=one["bias"])
        module.training = one["training"]
        module.weight.requires_grad_(one["weight_trains"])
        if module.bias is not None:
            module.bias.requires_grad_(one["bias_trains"])
        if one["buffer"]:
            module.register_buffer("extra", torch.ones(2), persistent=one["buffer"] == "persistent")
        if one["note"]:
            module.note = n_out
        if one["hook"]:
            module.register_forward_hook(lambda _, inputs, output: calls.append(output.detach()))
        modules += [module, nn.Tanh()]
        n_in = n_out
    return nn.Sequential(*modules).to(dtype)


def described(model):
    """Return everything that must stay, apart from outputs and values."""
    return {
        name: (
            type(module),
            module.training,
            getattr(module, "note", None),
            {key: parameter.requires_grad for key, parameter in module.named_parameters(recurse=False)},
            [(key, buffer.dtype) for key, buffer in module.named_buffers(recurse=False)],
            len(module._forward_hooks),
        )
        for name, module in model.named_modules()
    }


@examples(60)
@given(NETS, st.sampled_from([torch.float32, torch.float64]), st.sampled_from(["masked", "csr"]), FLAG)
def test_a_network_made_sparse_and_dense_again_is_unchanged(layers, dtype, backend, is_copied):
    calls = []
    model = network(layers, dtype, calls)
    x = torch.linspace(-1, 1, 12, dtype=dtype).reshape(4, 3)
    before, output = described(model), model(x)
    seen, state = calls[:], {key: value.clone() for key, value in model.state_dict().items()}
    tl.sparsify(model, WHOLE, init="keep", backend=backend, exclude=[])
    calls.clear()
    torch.testing.assert_close(model(x), output)
    torch.testing.assert_close(calls, seen)
    model = copy.deepcopy(model) if is_copied else model
    tl.densify(model)
    assert described(model) == before
    assert torch.equal(model(x), output)
    after = model.state_dict()
    assert list(after) == list(state)
    assert all(torch.equal(after[key], value) for key, value in state.items())


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_the_plain_architecture_loads_the_densified_weights(backend):
    def plain():
        return nn.Sequential(Conv1D(16, 8), nn.GELU(), Conv1D(8, 16), nn.Linear(8, 2))

    model, other, x = plain(), plain(), torch.randn(5, 8)
    tl.sparsify(model, tl.method("set", density=0.3), backend=backend)
    assert tl.topology_of(model).groups == (tl.NeuronGroup(("0",), ("2",)),)
    assert (model[0].in_features, model[0].out_features, model[0].nf) == (8, 16, 16)
    y = model(x)
    other.load_state_dict(tl.densify(model).state_dict())
    torch.testing.assert_close(other(x), y)
    assert int((other[0].weight != 0).sum()) == round(0.3 * 8 * 16)


def test_sums_of_columns_go_where_they_belong():
    """By hand: output u of Conv1D reads column u of its weight."""
    model = nn.Sequential(Conv1D(2, 3), nn.Linear(2, 1))
    model[0].weight.data = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    model[0].bias.data.zero_()
    tl.sparsify(model, WHOLE, init="keep")
    assert model[0].dense_weight().tolist() == [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]
    assert model[0](torch.ones(1, 3)).tolist() == [[6.0, 60.0]]
