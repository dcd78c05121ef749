"""Attention unpacked in the encoders and transformers of torch, and in custom modules; what stays as it is."""

import copy
import pickle
import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.sparse.attentions import HEADS, E, L, N, S, blocked, causal, inputs, padding, randn
from topolearn.errors import InvalidTypeError, InvalidValueError

ENCODER = {"d_model": E, "nhead": HEADS, "dim_feedforward": 20, "dropout": 0, "dtype": torch.float64}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_outputs_of_the_encoder_of_torch_do_not_change(norm_first, batch_first, padded, training, grad):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(**ENCODER, norm_first=norm_first, batch_first=batch_first)
    nested = batch_first and not norm_first  # torch warns where it cannot use nested tensors
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested).train(training)
    unpacked = tl.unpack_attention(copy.deepcopy(model))
    assert not [each for each in unpacked.modules() if isinstance(each, nn.MultiheadAttention)]
    mask = padding(N, L) if padded else None
    x = randn(N, L, E) if batch_first else randn(L, N, E)
    outputs = []
    with torch.set_grad_enabled(grad), warnings.catch_warnings():
        for each in (model, unpacked):
            # torch warns about its nested tensors, which unpacking switches off
            warnings.simplefilter("ignore" if each is model else "error")
            outputs.append(each(x, src_key_padding_mask=mask))
    if padded:  # torch's nested tensors return 0 there
        outputs = [each.masked_fill((mask if batch_first else mask.T)[..., None], 0) for each in outputs]
    torch.testing.assert_close(outputs[1], outputs[0])


@pytest.mark.parametrize("norm_first", [False, True])
def test_outputs_of_the_transformer_of_torch_do_not_change(norm_first):
    torch.manual_seed(0)
    sizes = {"num_encoder_layers": 1, "num_decoder_layers": 2, "dim_feedforward": 20, "dropout": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nn.Transformer has no option to switch off nested tensors
        model = nn.Transformer(E, HEADS, **sizes, norm_first=norm_first, batch_first=True, dtype=torch.float64)
    unpacked = tl.unpack_attention(copy.deepcopy(model))
    tokens = [randn(N, S, E), randn(N, L, E, seed=1)]
    masks = {"tgt_mask": causal(L, L), "tgt_is_causal": True, "src_key_padding_mask": padding(N, S)}
    masks["memory_key_padding_mask"] = masks["src_key_padding_mask"]
    torch.testing.assert_close(unpacked(*tokens, **masks), model(*tokens, **masks))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        y = unpacked.eval()(*tokens, **masks)
    torch.testing.assert_close(y, model(*tokens, **masks))


def test_a_layer_that_was_unpacked_may_be_stacked():
    layer = tl.unpack_attention(nn.TransformerEncoderLayer(**ENCODER, batch_first=True))
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    assert model(randn(N, L, E), src_key_padding_mask=padding(N, L)).shape == (N, L, E)


def test_shared_attention_stays_shared_and_a_second_call_changes_nothing():
    module = nn.MultiheadAttention(E, HEADS)
    block = nn.ModuleDict({"attention": module})
    model = tl.unpack_attention(nn.ModuleList([block, block, nn.ModuleDict({"other": module})]))
    assert isinstance(model[0]["attention"], tl.Attention)
    assert model[0]["attention"] is model[1]["attention"] is model[2]["other"]
    attention = model[0]["attention"]
    assert tl.unpack_attention(model)[0]["attention"] is attention


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("need_weights", [False, True])
def test_sparse_attention_is_dense_attention_with_zeros(backend, need_weights):
    torch.manual_seed(0)
    dense = tl.Attention(E, HEADS, num_kv_heads=2, dtype=torch.float64)
    attention = tl.sparsify(copy.deepcopy(dense), tl.method("set", density=0.3), exclude=[], backend=backend)
    layers = tl.sparse.sparse_layers(attention)
    assert list(layers) == ["q_proj", "k_proj", "v_proj", "out_proj"]
    for name, layer in layers.items():
        dense.get_submodule(name).weight.data.copy_(layer.dense_weight())
    out = randn(L, N, E, seed=9)
    x, same = inputs(dense), inputs(dense)
    masks = {"key_padding_mask": blocked(N, S), "need_weights": need_weights}
    y, expected = attention(*x, **masks)[0], dense(*same, **masks)[0]
    torch.testing.assert_close(y, expected)
    y.backward(out)
    expected.backward(out)
    for one, other in zip(x, same, strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    for name, layer in layers.items():
        gradient = dense.get_submodule(name).weight.grad
        torch.testing.assert_close(layer.link_gradient(), gradient.flatten()[layer.cells()])
        torch.testing.assert_close(layer.bias.grad, dense.get_submodule(name).bias.grad)


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_the_encoder_of_torch_is_sparse_trained_copied_and_saved(backend):
    torch.manual_seed(0)
    method = tl.method("set", density=0.3)
    layer = nn.TransformerEncoderLayer(**ENCODER, batch_first=True)
    model = tl.sparsify(tl.unpack_attention(nn.TransformerEncoder(layer, 2)), method, backend=backend)
    assert len(tl.topology_of(model).graphs) == 11
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=4, interval=2)
    x = randn(N, L, E)
    for _ in range(4):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        topology.step()
    assert topology.n_updates == 1
    model.eval()
    with torch.no_grad():
        y = model(x, src_key_padding_mask=padding(N, L))
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            torch.testing.assert_close(other(x, src_key_padding_mask=padding(N, L)), y)
        saved = {name: each.clone() for name, each in model.state_dict().items()}
        for parameter in model.parameters():
            parameter.zero_()
        model.load_state_dict(saved)
        torch.testing.assert_close(model(x, src_key_padding_mask=padding(N, L)), y)


def tied():
    one, other = nn.MultiheadAttention(E, HEADS), nn.MultiheadAttention(E, HEADS)
    other.in_proj_weight = one.in_proj_weight
    return nn.ModuleList([one, other])


def tied_output():
    one, other = nn.MultiheadAttention(E, HEADS), nn.MultiheadAttention(E, HEADS)
    other.out_proj = one.out_proj
    return nn.ModuleList([one, other])


class Own(nn.MultiheadAttention):
    """A subclass of attention, which may compute anything."""


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.MultiheadAttention(E, HEADS), InvalidValueError, r"use Attention.from_multihead\(model\)"),
        (tied(), InvalidValueError, r"shares a parameter \(0.in_proj_weight, 1.in_proj_weight\)"),
        (tied_output(), InvalidValueError, r"shares a parameter \(0.out_proj.weight, 1.out_proj.weight\)"),
        (
            nn.ModuleList([nn.MultiheadAttention(E, 2), Own(E, 2)]),
            InvalidTypeError,
            "^Own is not nn.MultiheadAttention",
        ),
        (nn.ModuleList([nn.MultiheadAttention(E, 2, add_bias_kv=True)]), InvalidValueError, "use add_bias_kv=False"),
        (
            nn.ModuleList([nn.MultiheadAttention(E, 2, add_zero_attn=True)]),
            InvalidValueError,
            "use add_zero_attn=False",
        ),
    ],
)
def test_what_cannot_be_unpacked_stays_as_it_is(model, error, message):
    before = list(model.modules())
    with pytest.raises(error, match=message):
        tl.unpack_attention(model)
    assert list(model.modules()) == before


def test_other_modules_are_not_attention():
    with pytest.raises(InvalidTypeError, match=r"^Linear is not nn.MultiheadAttention itself"):
        tl.Attention.from_multihead(nn.Linear(3, 3))
