"""Attention with four linear layers against torch's, against a loop over heads, and inside torch's Transformers."""

import math
import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.sparse.attentions import HEADS, E, L, N, S, blocked, causal, inputs, randn
from topolearn.errors import InvalidTypeError, InvalidValueError


def packed(**options):
    """Return torch's attention in float64, with non-zero biases."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(E, HEADS, dtype=torch.float64, **options)
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return module


def agree(module, attention, x, **options):
    """Compare outputs, weights and gradients; gradients of packed parameters are assembled from the projections."""
    results = [each(*x, **options) for each in (module, attention)]
    (y, weights), (ours, our_weights) = results
    torch.testing.assert_close(ours, y)
    assert (weights is None) == (our_weights is None)
    if weights is not None:
        torch.testing.assert_close(our_weights, weights)
    out = randn(*y.shape, seed=9)
    gradients = [torch.autograd.grad(each, x, out, retain_graph=True) for each in (y, ours)]
    torch.testing.assert_close(*gradients)
    y.backward(out)
    ours.backward(out)
    inward = [attention.q_proj, attention.k_proj, attention.v_proj]
    if module.in_proj_weight is None:
        for name, layer in zip("qkv", inward, strict=True):
            torch.testing.assert_close(layer.weight.grad, module.get_parameter(f"{name}_proj_weight").grad)
    else:
        torch.testing.assert_close(torch.cat([layer.weight.grad for layer in inward]), module.in_proj_weight.grad)
    if module.in_proj_bias is not None:
        torch.testing.assert_close(torch.cat([layer.bias.grad for layer in inward]), module.in_proj_bias.grad)
        torch.testing.assert_close(attention.out_proj.bias.grad, module.out_proj.bias.grad)
    torch.testing.assert_close(attention.out_proj.weight.grad, module.out_proj.weight.grad)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize(
    ("options", "single", "masks"),
    [
        ({}, False, {}),
        ({"batch_first": True}, False, {}),
        ({"bias": False}, True, {}),
        ({"kdim": 6, "vdim": 10}, False, {}),
        ({"kdim": 6, "batch_first": True, "bias": False}, True, {"average_attn_weights": False}),
        ({}, False, {"attn_mask": blocked(L, S), "average_attn_weights": False}),
        ({}, False, {"attn_mask": randn(L, S, seed=4)}),
        ({"batch_first": True}, False, {"attn_mask": blocked(N * HEADS, L, S)}),
        ({}, True, {"attn_mask": randn(HEADS, L, S, seed=4)}),
        ({}, False, {"key_padding_mask": blocked(N, S)}),
        ({"batch_first": True}, False, {"key_padding_mask": randn(N, S, seed=4)}),
        ({}, True, {"key_padding_mask": blocked(S)}),
        ({"batch_first": True}, False, {"key_padding_mask": blocked(N, S), "attn_mask": blocked(L, S)}),
        ({}, False, {"attn_mask": causal(L, S), "is_causal": True}),
        ({}, False, {"attn_mask": causal(L, S), "is_causal": True, "key_padding_mask": blocked(N, S)}),
    ],
)
def test_outputs_weights_and_gradients_are_those_of_torch(options, single, masks, need_weights):
    module = packed(**options)
    attention = tl.Attention.from_multihead(module)
    agree(module, attention, inputs(module, single), need_weights=need_weights, **masks)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("padding", [None, blocked(N, S)])
def test_causal_needs_no_mask(need_weights, padding):
    attention = tl.Attention.from_multihead(packed())
    options = {"key_padding_mask": padding, "need_weights": need_weights}
    by_hint = attention(*inputs(attention), is_causal=True, **options)
    torch.testing.assert_close(by_hint, attention(*inputs(attention), attn_mask=causal(L, S), **options))


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_is_that_of_torch_and_only_while_training(need_weights):
    module = packed(dropout=0.5)
    attention = tl.Attention.from_multihead(module)
    outputs = []
    for each in (module, attention):
        torch.manual_seed(3)
        outputs.append(each(*inputs(module), need_weights=need_weights))
    torch.testing.assert_close(outputs[0], outputs[1])
    attention.eval()
    y = attention(*inputs(module), need_weights=need_weights)[0]
    assert not torch.allclose(y, outputs[1][0])
    torch.testing.assert_close(y, module.eval()(*inputs(module), need_weights=need_weights)[0])


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_heads_match_a_loop_over_heads_and_torch_with_repeated_heads(kv_heads, masked):
    attention = tl.Attention(E, HEADS, num_kv_heads=kv_heads, batch_first=True, dtype=torch.float64)
    for name, parameter in attention.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    d, n_each = E // HEADS, HEADS // kv_heads
    assert attention.k_proj.weight.shape == attention.v_proj.weight.shape == (kv_heads * d, E)
    mask = blocked(L, S) if masked else None
    query, key, value = inputs(attention)
    outputs = attention(query, key, value, attn_mask=mask, average_attn_weights=False)
    torch.testing.assert_close(attention(query, key, value, attn_mask=mask, need_weights=False)[0], outputs[0])

    q, k, v = attention.q_proj(query), attention.k_proj(key), attention.v_proj(value)
    heads = []
    for h in range(HEADS):
        mine, group = slice(h * d, (h + 1) * d), slice(h // n_each * d, (h // n_each + 1) * d)
        scores = q[..., mine] @ k[..., group].mT / math.sqrt(d)
        weights = (scores if mask is None else scores.masked_fill(mask, -math.inf)).softmax(-1)
        torch.testing.assert_close(outputs[1][:, h], weights)
        heads.append(weights @ v[..., group])
    torch.testing.assert_close(outputs[0], attention.out_proj(torch.cat(heads, dim=-1)))

    def repeated(parameter):
        return parameter.unflatten(0, (kv_heads, d)).repeat_interleave(n_each, dim=0).flatten(0, 1)

    module = packed(batch_first=True)
    layers = [attention.q_proj, attention.k_proj, attention.v_proj]
    for name in ("weight", "bias"):
        q, k, v = (layer.get_parameter(name).detach() for layer in layers)
        module.get_parameter(f"in_proj_{name}").data = torch.cat([q, repeated(k), repeated(v)])
    module.out_proj.load_state_dict(attention.out_proj.state_dict())
    torch.testing.assert_close(module(query, key, value, attn_mask=mask, average_attn_weights=False), outputs)


@pytest.mark.parametrize("options", [{}, {"kdim": 48, "vdim": 32}])
def test_new_weights_are_distributed_as_those_of_torch(options):
    torch.manual_seed(0)
    module, attention = nn.MultiheadAttention(128, 8, **options), tl.Attention(128, 8, **options)
    unpacked = tl.Attention.from_multihead(module)
    for name, parameter in attention.named_parameters():
        other = unpacked.get_parameter(name)
        assert parameter.shape == other.shape
        assert parameter.abs().max().item() == pytest.approx(other.abs().max().item(), rel=0.01)
        assert parameter.std().item() == pytest.approx(other.std().item(), rel=0.03)


@pytest.mark.parametrize("need_weights", [False, True])
def test_autocast_is_that_of_torch(need_weights):
    module = packed().float()
    attention, x = tl.Attention.from_multihead(module), [each.float() for each in inputs(module)]
    with torch.autocast("cpu", torch.bfloat16):
        y, expected = (each(*x, blocked(N, S), need_weights)[0] for each in (attention, module))
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_query_that_attends_to_no_key_gives_the_same_as_in_torch(need_weights):
    module, mask = packed(), torch.zeros(L, S, dtype=torch.bool)
    mask[1] = True
    outputs, expected = (
        each(*inputs(module), attn_mask=mask, need_weights=need_weights)
        for each in (tl.Attention.from_multihead(module), module)
    )
    torch.testing.assert_close(outputs, expected, equal_nan=True)
    assert bool(outputs[0][1].isnan().all()) == need_weights


def test_what_is_kept_and_what_is_copied():
    module = packed().half().eval()
    module.in_proj_bias.requires_grad_(False)
    module.out_proj.weight.requires_grad_(False)
    before = torch.get_rng_state()
    with torch.no_grad():
        attention = tl.Attention.from_multihead(module)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(each.training for each in attention.modules())
    assert {each.dtype for each in attention.parameters()} == {torch.float16}
    frozen = {name for name, each in attention.named_parameters() if not each.requires_grad}
    assert frozen == {"q_proj.bias", "k_proj.bias", "v_proj.bias", "out_proj.weight"}
    kept = module.out_proj.weight.clone()
    nn.init.zeros_(attention.out_proj.weight)
    assert torch.equal(module.out_proj.weight, kept)
    assert tl.Attention.from_multihead(nn.MultiheadAttention(E, HEADS, device="meta")).q_proj.weight.is_meta


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_heads": 3}, InvalidValueError, r"num_heads=3 must divide embed_dim=16: use one of \[1, 2, 4, 8, 16\]"),
        ({"num_heads": 0}, InvalidValueError, r"num_heads=0 must divide"),
        ({"num_heads": 4.0}, InvalidTypeError, r"num_heads=4.0 must be an integer"),
        ({"num_kv_heads": 3}, InvalidValueError, r"num_kv_heads=3 must divide num_heads=4: use one of \[1, 2, 4\]"),
        ({"num_kv_heads": 8}, InvalidValueError, r"num_kv_heads=8 must divide"),
        ({"embed_dim": 0}, InvalidValueError, r"embed_dim=0 must be at least 1"),
        ({"kdim": 1.5}, InvalidTypeError, r"kdim=1.5 must be an integer"),
        ({"dropout": 2}, InvalidValueError, r"dropout=2 must lie in \[0, 1\]"),
    ],
)
def test_sizes_that_do_not_fit(options, error, message):
    with pytest.raises(error, match=message):
        tl.Attention(**{"embed_dim": E, "num_heads": HEADS, **options})


X = torch.zeros(L, N, E)


@pytest.mark.parametrize(
    ("x", "masks", "error", "message"),
    [
        ((X[None], X, X), {}, InvalidValueError, r"shapes \(1, 5, 3, 16\), .* must have 3 dimensions, or all 2"),
        ((X[0], X, X), {}, InvalidValueError, r"all must have 3 dimensions, or all 2"),
        ((X, X[:, :1], X[:, :1]), {}, InvalidValueError, r"batch in dimension 1: all need the same batch size"),
        ((X, X, X[:2]), {}, InvalidValueError, r"key and value the same length"),
        (
            (X, X, X),
            {"attn_mask": blocked(L, S)},
            InvalidValueError,
            r"\(5, 7\): it must be \(5, 5\) or \(12, 5, 5\)",
        ),
        ((X, X, X), {"attn_mask": blocked(1, L, L)}, InvalidValueError, r"attn_mask has shape \(1, 5, 5\)"),
        ((X, X, X), {"key_padding_mask": blocked(1, L)}, InvalidValueError, r"\(1, 5\): it must be \(3, 5\)"),
        ((X, X, X), {"key_padding_mask": torch.zeros(N, L).long()}, InvalidTypeError, r"use key_padding_mask.bool\(\)"),
    ],
)
def test_inputs_that_do_not_match(x, masks, error, message):
    with pytest.raises(error, match=message):
        tl.Attention(E, HEADS)(*x, **masks)


def test_nested_tensors_are_rejected():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about nested tensors
        x = torch.nested.nested_tensor([torch.zeros(3, E), torch.zeros(2, E)])
    with pytest.raises(InvalidTypeError, match=r"set use_nested_tensor = False"):
        tl.Attention(E, HEADS, batch_first=True)(x, x, x)
