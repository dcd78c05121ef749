"""Hugging Face models; run by hand, since the library is large (``pip install -e '.[hf]'``, ``pytest -m slow``)."""

import warnings

import pytest
import torch

import topolearn as tl
from topolearn.evolution import percolate_model
from topolearn.sparse import neuron_groups, without_groups
from topolearn.training.models import Llama

pytestmark = pytest.mark.slow
transformers = pytest.importorskip("transformers")

TINY = {
    "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": False,
}  # fmt: skip
TOKENS = torch.arange(24).reshape(2, 12) % 50


def made(kind, **more):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**TINY, **more)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).double().eval()
    return tl.sparsify(model, tl.method("static", density=0.08), seed=0)


def logits(model):
    with torch.no_grad():
        output = model(TOKENS)
    return getattr(output, "logits", output)


def test_our_llama_matches_theirs():
    torch.manual_seed(0)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**TINY, rms_norm_eps=1e-6)).double().eval()
    ours = Llama(vocabulary=50, width=32, hidden=48, n_layers=2, n_heads=4, n_kv_heads=2).double()
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(logits(ours), logits(theirs), rtol=1e-6, atol=1e-6)  # their rotary angles are float32


@pytest.mark.parametrize("kind", ["Llama", "Mistral", "Gemma", "Olmo", "Qwen2"])
def test_percolation_by_pairs_keeps_the_function(kind):
    model = made(kind)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # Qwen2 has some, which would give neurons without links an output
            torch.nn.init.zeros_(parameter)
    layers = tl.sparse.sparse_layers(model)
    groups = neuron_groups(model, layers)
    assert (len(layers), len(groups)) == (14, 6)
    assert {(group.heads, group.rotary) for group in groups} == {(4, "halves"), (4, None), (1, None)}
    before = logits(model)
    removed = percolate_model(model, unit="rotary_pair")
    assert sum(map(len, removed.values())) > 20
    torch.testing.assert_close(logits(model), before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["Qwen3", "Phi3"])
def test_unknown_attention_is_named(kind):
    """Qwen3 normalises queries and keys; Phi3 packs them, and gate and up, into one layer."""
    model = made(kind, **({"pad_token_id": 0} if kind == "Phi3" else {}))
    layers = tl.sparse.sparse_layers(model)
    unknown = without_groups(model, layers, neuron_groups(model, layers))
    assert unknown
    assert all("self_attn" in name or kind == "Phi3" for name in unknown)


def test_their_llama_trains():
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**TINY))
    rule = tl.method("chts", density=0.1, percolation_unit="rotary_pair", per_head=True)
    tl.sparsify(model, rule)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=5, interval=2)
    for _ in range(5):
        optimizer.zero_grad()
        model(TOKENS, labels=TOKENS).loss.backward()
        optimizer.step()
        topology.step()
    assert topology.n_updates == 2


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_gpt2_becomes_sparse_and_gpt2_again(backend):
    config = transformers.GPT2Config(vocab_size=50, n_positions=32, n_embd=32, n_layer=2, n_head=4)
    model, other = (transformers.GPT2LMHeadModel(config).double().eval() for _ in range(2))
    before = logits(model)
    tl.sparsify(model, tl.method("static", density=1.0), init="keep", backend=backend)
    kinds = {name.rpartition("h.")[2][2:] for name in tl.sparse.sparse_layers(model)}
    assert kinds == {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}
    torch.testing.assert_close(logits(model), before, rtol=1e-9, atol=1e-9)
    tl.densify(model)
    assert isinstance(model.transformer.h[0].mlp.c_fc, transformers.pytorch_utils.Conv1D)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(logits(other), before, rtol=1e-9, atol=1e-9)


def test_gpt2_trains():
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=50, n_positions=32, n_embd=32, n_layer=2, n_head=4)
    model, rule = transformers.GPT2LMHeadModel(config), tl.method("rigl", density=0.3)
    tl.sparsify(model, rule)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=20, interval=3)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = model(TOKENS, labels=TOKENS).loss
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        topology.step()
    assert topology.n_updates > 2
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("kind", "outputs"), [("GPT2LMHeadModel", "lm_head"), ("BertForMaskedLM", "cls.predictions.decoder")]
)
def test_outputs_are_the_output_embeddings_of_the_model(kind, outputs):
    model_class = getattr(transformers, kind)
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    assert list(tl.sparse.output_layers(model_class(model_class.config_class(**sizes)))) == [outputs]


def test_fused_experts_stay_dense_and_are_named():
    config = transformers.MixtralConfig(**TINY, num_local_experts=4)
    message = r"all modules other than linear layers: MixtralExperts \(\d+ % of the parameters\), Embedding"
    with pytest.warns(UserWarning, match=message):
        tl.sparsify(transformers.MixtralForCausalLM(config), "set")


@pytest.mark.parametrize("wrapped", [False, True])
def test_layers_of_their_models_keep_their_weights(wrapped):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**TINY))
    before = {name.removesuffix(".weight"): each.detach().clone() for name, each in model.named_parameters()}
    whole = torch.nn.ModuleDict({"inner": model}) if wrapped else model
    layers = tl.sparse.sparse_layers(tl.sparsify(whole, tl.method("set", density=0.1)))
    assert len(layers) == 14
    for name, layer in layers.items():
        kept = before[name.removeprefix("inner.")]
        assert layer.init_name == "keep"
        assert torch.equal(layer.dense_weight(), torch.where(layer.dense_weight() != 0, kept, 0))
