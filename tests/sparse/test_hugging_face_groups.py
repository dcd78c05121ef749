"""Neuron groups of Hugging Face models: percolation does not change a model's outputs, if biases are 0."""

import warnings

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import percolate_model
from topolearn.evolution.starting.short_names import shortened
from topolearn.sparse import neuron_groups, sparse_layers, without_groups

transformers = pytest.importorskip("transformers")

TOKENS = torch.arange(24).reshape(2, 12) % 50
ONE_STACK = {
    "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 64,
}  # fmt: skip
BART = {
    "vocab_size": 50, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64,
}  # fmt: skip
T5 = {"vocab_size": 50, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
GPT2 = {"vocab_size": 50, "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 4}
DISTIL = {"vocab_size": 50, "dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64}
# Class, sizes, number of groups, and the ends of the names of layers that are in no group.
MODELS = [
    ("BartForConditionalGeneration", BART, 16, set()),
    ("OPTForCausalLM", {**ONE_STACK, "ffn_dim": 48, "word_embed_proj_dim": 32}, 6, set()),
    ("BertForMaskedLM", ONE_STACK, 6, {"cls.predictions.transform.dense"}),
    ("DistilBertForMaskedLM", DISTIL, 6, {"vocab_transform"}),
    ("ViTForImageClassification", {**ONE_STACK, "image_size": 8, "patch_size": 4}, 6, set()),
    ("T5ForConditionalGeneration", T5, 16, set()),
    ("T5ForConditionalGeneration", {**T5, "feed_forward_proj": "gated-gelu"}, 16, set()),
    ("GPT2LMHeadModel", GPT2, 2, {"attn.c_attn", "attn.c_proj"}),
    ("GPTNeoXForCausalLM", ONE_STACK, 2, {"attention.query_key_value", "attention.dense"}),
    ("GPTJForCausalLM", {**GPT2, "rotary_dim": 4}, 2, {f"attn.{name}_proj" for name in ("q", "k", "v", "out")}),
    ("Qwen3ForCausalLM", {**ONE_STACK, "num_key_value_heads": 2, "head_dim": 8}, 4, {"attn.q_proj", "attn.k_proj"}),
    ("EsmForMaskedLM", {**ONE_STACK, "pad_token_id": 0, "position_embedding_type": "rotary"}, 0, None),
]  # fmt: skip


def made(kind, sizes, density=0.08):
    torch.manual_seed(0)
    cls = getattr(transformers, kind)
    model = cls(cls.config_class(**sizes)).double().eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "sparsify leaves dense")  # embeddings, and the patch layer of images
        tl.sparsify(model, tl.method("static", density=density), init="he", seed=0)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    return model


def computed(model):
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    inputs = {"pixel_values": images} if model.main_input_name == "pixel_values" else {"input_ids": TOKENS}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = TOKENS
    with torch.no_grad():
        return model(**inputs)[0]


@pytest.mark.parametrize(("kind", "sizes", "n_groups", "alone"), MODELS, ids=[kind for kind, *_ in MODELS])
def test_percolation_keeps_the_function(kind, sizes, n_groups, alone):
    model = made(kind, sizes)
    layers = sparse_layers(model)
    groups = neuron_groups(model, layers)
    names = without_groups(model, layers, groups)
    assert len(groups) == n_groups
    if alone is not None:
        assert all(any(name.endswith(each) for each in alone) for name in names), names
        assert bool(names) == bool(alone)
    before = computed(model)
    removed = percolate_model(model)
    torch.testing.assert_close(computed(model), before, rtol=1e-9, atol=1e-9)
    assert (sum(map(len, removed.values())) > 20) == (n_groups > 0)


def test_the_outputs_depend_on_the_links_that_percolation_leaves():
    """Otherwise a wrong group would go unnoticed, too."""
    model = made("BartForConditionalGeneration", BART)
    percolate_model(model)
    before = computed(model)
    for name, layer in sparse_layers(model).items():
        values = layer.link_values().clone()
        layer.set_link_values(torch.zeros_like(values))
        changed = (computed(model) - before).abs().max() > 1e-9
        layer.set_link_values(values)
        assert changed, name


@pytest.mark.parametrize("act", [nn.Sigmoid(), nn.Softplus()])
def test_a_neuron_with_output_but_no_input_is_in_no_group(act):
    model = made("T5ForConditionalGeneration", T5)
    for module in model.modules():
        if hasattr(module, "act"):
            module.act = act
    layers = sparse_layers(model)
    alone = without_groups(model, layers, neuron_groups(model, layers))
    assert {name.rpartition(".")[2] for name in alone} == {"wi", "wo"}


def test_a_normalisation_between_two_layers_couples_their_neurons():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.activation_fn, self.fc2 = nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8)

    model = nn.ModuleDict({"plain": Hidden(), "normed": Hidden()})
    model["normed"].ffn_layernorm = nn.LayerNorm(12)
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    assert [str(group) for group in neuron_groups(model, layers)] == ["(plain.fc1 -> plain.fc2)"]


def test_unknown_groups_give_a_warning_of_two_lines():
    model = made("GPT2LMHeadModel", {**GPT2, "n_layer": 32, "n_embd": 8, "n_head": 2}, density=0.5)
    rule = tl.method("chts", density=0.5)
    optimizer = torch.optim.SGD(model.parameters())
    with pytest.warns(UserWarning, match="no neuron groups are known") as warned:
        tl.TopologyScheduler(model, optimizer, rule, total_steps=10, interval=2)
    lines = str(warned[0].message).splitlines()
    assert len(lines) <= 2
    assert max(map(len, lines)) < 200
    assert "transformer.h.*.attn.c_attn (32), transformer.h.*.attn.c_proj (32), so" in lines[0]
    assert shortened(["a.0.b"]) == "a.0.b"
