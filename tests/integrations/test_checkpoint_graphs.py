"""Checkpoints are read as networks: links where weights are not zero, heads and gates where known."""

import json
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import topolearn as tl
from tests.integrations.hugging_face import SIZES, transformers
from topolearn.diagnostics import attention_heads, idle_links
from topolearn.integrations.checkpoint_graphs import read_checkpoint
from topolearn.integrations.checkpoints.topology_file import FILE, save_topology
from topolearn.sparse import sparse_layers

WIDER = {**SIZES, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
NEEDS_TRANSFORMERS = pytest.mark.skipif(transformers is None, reason="transformers is not installed")


def sparse_model(kind="LlamaForCausalLM", sizes=WIDER, density=0.15, **options):
    torch.manual_seed(0)
    cls = getattr(transformers, kind)
    model = cls(cls.config_class(**sizes))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "sparsify leaves dense")
        return tl.sparsify(model, tl.method("static", density=density), init="he", seed=0, **options)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A sparse model, and the folder of a dense model saved with its zeros."""
    if transformers is None:
        pytest.skip("transformers is not installed")
    model = sparse_model()
    return model, tl.export_dense(model, tmp_path_factory.mktemp("llama") / "plain")


def brute_force(folder):
    """Links of each matrix, cell by cell."""
    weights = load_file(folder / "model.safetensors")
    return {
        key.removesuffix(".weight"): {(i, j) for i, row in enumerate(w.tolist()) for j, x in enumerate(row) if x != 0}
        for key, w in weights.items()
        if w.ndim == 2 and "proj" in key
    }


def test_the_network_is_that_of_the_sparse_model(llama):
    model, folder = llama
    network = tl.from_checkpoint(folder)
    assert network == tl.topology_of(model)
    assert {group.heads for group in network.groups} == {1, 4}
    expected = brute_force(folder)
    assert set(network) == set(expected)
    for name, links in expected.items():
        assert {(i, j) for j, i in network[name].edges().tolist()} == links


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("GPT2LMHeadModel", {"vocab_size": 20, "n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}),
        ("LlamaForCausalLM", {**WIDER, "tie_word_embeddings": True}),
        ("LlamaModel", WIDER),
        ("Qwen3ForCausalLM", {**WIDER, "head_dim": 8}),
    ],
)
def test_other_architectures_are_read_alike(kind, sizes, tmp_path):
    if transformers is None:
        pytest.skip("transformers is not installed")
    model = sparse_model(kind, sizes)
    plain = tl.export_dense(model, tmp_path / "plain")
    assert tl.from_checkpoint(plain) == tl.topology_of(model)
    (plain / "config.json").unlink()
    assert dict(tl.from_checkpoint(plain).graphs) == dict(tl.topology_of(model).graphs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn])
def test_any_type_of_numbers(dtype, tmp_path):
    weight = torch.tensor([[1.0, 0.0, -0.0], [0.0, 0.5, 2.0]]).to(dtype)
    save_file({"fc.weight": weight, "fc.bias": torch.ones(2)}, tmp_path / "w.safetensors")
    assert tl.from_checkpoint(tmp_path / "w.safetensors")["fc"] == tl.BipartiteGraph(
        [[1, 0, 0], [0, 1, 1]] * np.ones(1)
    )


@NEEDS_TRANSFORMERS
def test_shards_are_one_checkpoint(llama, tmp_path):
    model, folder = llama
    plain = transformers.LlamaForCausalLM.from_pretrained(folder)
    plain.save_pretrained(tmp_path, max_shard_size="4KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert tl.from_checkpoint(tmp_path) == tl.topology_of(model)
    assert tl.from_checkpoint(tmp_path / "model.safetensors.index.json") == tl.topology_of(model)
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(tl.errors.MissingFileError, match="model-00002"):
        tl.from_checkpoint(tmp_path)


def test_names_say_as_much_as_the_configuration(llama, tmp_path):
    model, folder = llama
    network = tl.from_checkpoint(folder, n_heads=4)
    expected = tl.topology_of(model)
    assert set(network.groups) == set(expected.groups)
    assert dict(network.graphs) == dict(expected.graphs)
    (tmp_path / "alone.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert tl.from_checkpoint(tmp_path / "alone.safetensors").groups == ()


def test_names_of_normalised_queries_are_no_group(tmp_path):
    tensors = {f"{name}_proj.weight": torch.eye(4) for name in "qkvo"}
    save_file(tensors, tmp_path / "plain.safetensors")
    save_file({**tensors, "q_norm.weight": torch.ones(2)}, tmp_path / "normed.safetensors")
    both = (("q_proj", "k_proj"), ("v_proj",))
    assert tuple(g.writers for g in tl.from_checkpoint(tmp_path / "plain.safetensors", n_heads=2).groups) == both
    assert tuple(g.writers for g in tl.from_checkpoint(tmp_path / "normed.safetensors", n_heads=2).groups) == both[1:]


def test_layers_are_in_natural_order(tmp_path):
    save_file({f"layers.{i}.weight": torch.eye(2) for i in (10, 2, 0)}, tmp_path / "w.safetensors")
    assert list(tl.from_checkpoint(tmp_path)) == ["layers.0", "layers.2", "layers.10"]


def test_what_is_left_out_is_reported_and_can_be_included(tmp_path):
    zeros = ("fc.weight", "lm_head.weight", "embed_tokens.weight", "in_proj_weight")
    tensors = {name: torch.eye(3) for name in zeros}
    ones = {"dense.weight": torch.ones(3, 3), "experts": torch.ones(2, 3, 3)}
    ones |= {"small.weight": torch.eye(3).to(torch.int8), "mask": torch.ones(3, 3, dtype=torch.bool)}
    save_file(tensors | ones, tmp_path / "w.safetensors")
    network, left_out = read_checkpoint(tmp_path)
    assert list(network) == ["fc", "in_proj_weight"]
    assert left_out == {
        "dense": "dense", "embed_tokens": "embedding", "lm_head": "head", "experts": "3 dimensions",
        "small": "not floating point: I8",
    }  # fmt: skip
    assert set(tl.from_checkpoint(tmp_path, layers=["lm_head", "d*"])) == {"lm_head", "dense"}


@NEEDS_TRANSFORMERS
def test_a_dense_writer_asks_for_nothing(llama, tmp_path):
    """A model in which one layer was left dense."""
    model = sparse_model(exclude=["*.0.self_attn.k_proj", "lm_head"])
    folder = tl.export_dense(model, tmp_path / "plain")
    network, left_out = read_checkpoint(folder)
    assert network == tl.topology_of(model)
    assert left_out["model.layers.0.self_attn.k_proj"] == "dense"


@NEEDS_TRANSFORMERS
def test_links_that_topolearn_saved_are_the_links_zero_or_not(llama, tmp_path):
    model, _ = llama
    model = sparse_model(backend="masked")
    layers = sparse_layers(model)
    with torch.no_grad():
        for layer in layers.values():
            layer.set_link_values(torch.zeros(layer.n_links))  # as if all had just grown
    expected = tl.topology_of(model)
    tl.export_dense(model, tmp_path / "plain")
    state = {name: [getattr(layer, of)() if of == "cells" else layer.shape for of in ("cells", "shape")]
             for name, layer in layers.items()}  # fmt: skip
    links = {"links": {name: s[0] for name, s in state.items()}, "shapes": {name: s[1] for name, s in state.items()}}
    save_topology(tmp_path / "plain", links, {})
    assert tl.from_checkpoint(tmp_path / "plain") == expected
    assert tl.from_checkpoint(tmp_path / "plain" / FILE) == expected
    (tmp_path / "masked").mkdir()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "masked" / "model.safetensors")
    (tmp_path / "masked" / "config.json").write_bytes((tmp_path / "plain" / "config.json").read_bytes())
    assert tl.from_checkpoint(tmp_path / "masked") == expected


def test_idle_links_are_those_of_neurons_that_nothing_reads():
    """A small example by hand: gate times up, only some of which down reads."""
    gate, up, down = np.eye(3), np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]]), np.array([[1, 1, 0]])
    graphs = {name: tl.BipartiteGraph(a) for name, a in {"gate": gate, "up": up, "down": down}.items()}
    network = tl.LayeredNetwork(graphs, [tl.NeuronGroup(("gate", "up"), ("down",), "all")])
    assert idle_links(network) == {"gate": 2, "up": 1, "down": 1}
    assert idle_links(tl.LayeredNetwork(graphs, ())) == {"gate": 0, "up": 0, "down": 0}


@NEEDS_TRANSFORMERS
def test_without_idle_links_a_model_computes_the_same(llama):
    _, folder = llama
    counts = idle_links(tl.from_checkpoint(folder))
    plain = transformers.LlamaForCausalLM.from_pretrained(folder).eval()
    tokens = torch.arange(12).reshape(2, 6)
    before = plain(tokens).logits
    left, removed = tl.percolate(tl.from_checkpoint(folder), unit="rotary_pair")
    with torch.no_grad():
        for name, graph in left.graphs.items():
            plain.get_submodule(name).weight.mul_(graph.to_torch())
    torch.testing.assert_close(plain(tokens).logits, before, rtol=1e-5, atol=1e-6)
    assert counts == {name: len(edges) for name, edges in removed.items()}
    assert sum(counts.values()) > 20


@NEEDS_TRANSFORMERS
def test_a_dead_head_is_seen(llama, tmp_path):
    _, folder = llama
    plain = transformers.LlamaForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        plain.model.layers[1].self_attn.o_proj.weight[:, 8:12] = 0
    plain.save_pretrained(tmp_path)
    heads = attention_heads(tl.from_checkpoint(tmp_path))
    dead = heads[~heads["alive"] & (heads["readers"] != "")]
    assert (dead["writers"] + " " + dead["head"].astype(str)).tolist()[-1:] == ["model.layers.1.self_attn.v_proj 2"]


def test_a_configuration_of_another_library_says_nothing(tmp_path):
    save_file({"fc.weight": torch.eye(2)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"hidden": 3}))
    assert tl.from_checkpoint(tmp_path).groups == ()


@NEEDS_TRANSFORMERS
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "none"}, "'none', which transformers"),
        ({"model_type": ["llama"]}, "which transformers"),
        ({"model_type": "llama"}, "no weight belongs to a layer of"),
    ],
)
def test_a_configuration_that_does_not_help_warns(config, said, tmp_path):
    save_file({"fc.weight": torch.eye(2)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({**SIZES, **config}))
    with pytest.warns(UserWarning, match=said):
        assert tl.from_checkpoint(tmp_path).groups == ()


def test_reading_keeps_the_generators_where_they_are(llama):
    state = torch.get_rng_state()
    tl.from_checkpoint(llama[1])
    assert torch.equal(torch.get_rng_state(), state)
