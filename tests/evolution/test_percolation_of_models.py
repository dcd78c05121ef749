"""Percolation and the outputs of a model: removed links change no output, and the remaining ones are active."""

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.evolution import percolate_model, percolated
from topolearn.graph import percolate
from topolearn.sparse import sparse_layers, without_groups
from topolearn.training.models import Llama

SIZES = {"vocabulary": 30, "width": 16, "hidden": 20, "n_layers": 2, "n_heads": 4}
UNITS = ("coordinate", "rotary_pair")
BACKENDS = ("masked", "csr")


def llama(seed, *, n_kv_heads=2, density=0.06, backend="masked"):
    """Return a LLaMA with weights of order 1 and so few random links that many neurons are inactive."""
    torch.manual_seed(seed)
    model = Llama(**SIZES, n_kv_heads=n_kv_heads).double()
    model = tl.sparsify(model, tl.method("static", density=density), seed=seed, backend=backend)
    return model.eval()


def scores_of(model, tokens):
    """Return queries times keys of each layer, before the softmax."""
    found, handles = [], []
    for layer in model.model["layers"]:
        attention = layer.self_attn

        def note(module, inputs, attention=attention):
            q, k = (attention._turned(attention._heads(p(inputs[0]))) for p in (attention.q_proj, attention.k_proj))
            k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
            found.append(q @ k.transpose(-1, -2))

        handles.append(attention.register_forward_pre_hook(note))
    with torch.no_grad():
        logits = model(tokens)
    for handle in handles:
        handle.remove()
    return logits, found


TOKENS = torch.arange(24).reshape(2, 12) % 30


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pairs_leave_the_outputs_of_a_llama_unchanged(seed, n_kv_heads, backend):
    model = llama(seed, n_kv_heads=n_kv_heads, backend=backend)
    logits, scores = scores_of(model, TOKENS)
    removed = percolate_model(model, unit="rotary_pair")
    assert sum(len(removed[name]) for name in removed if "_proj" in name and "self_attn" in name) > 5
    assert sum(len(removed[name]) for name in removed if "mlp" in name) > 5
    after, scores_after = scores_of(model, TOKENS)
    torch.testing.assert_close(after, logits, rtol=1e-12, atol=1e-12)
    for one, other in zip(scores_after, scores, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_coordinates_change_outputs_although_values_and_gated_layers_are_the_same():
    changes = []
    for seed in range(3):
        model, pairs = llama(seed), llama(seed)
        _, scores = scores_of(model, TOKENS)
        removed, removed_by_pairs = percolate_model(model), percolate_model(pairs, unit="rotary_pair")
        for name in removed:
            if not any(each in name for each in ("q_proj", "k_proj")):
                assert removed[name].tolist() == removed_by_pairs[name].tolist()
            assert set(map(tuple, removed_by_pairs[name].tolist())) <= set(map(tuple, removed[name].tolist()))
        changes.append(float((scores_of(model, TOKENS)[1][0] - scores[0]).abs().max()))
    assert min(changes) > 1e-3


@pytest.mark.parametrize("unit", UNITS)
def test_remaining_links_have_a_path_through_every_group(unit):
    """From one untested side of the network to another, through each of the writers that are multiplied."""
    model = llama(5, density=0.1)
    percolate_model(model, unit=unit)
    network = tl.topology_of(model)
    assert not any(len(edges) for edges in percolate(network, unit=unit)[1].values())
    n_left = 0
    for group in network.groups:
        links = {name: network.between(name) for name in group.layers}
        into = np.array([np.diff(links[name].indptr) > 0 for name in group.writers])
        if unit == "rotary_pair" and group.rotary:
            width = into.shape[1] // group.heads
            into |= np.roll(into.reshape(len(into), -1, width), width // 2, axis=2).reshape(into.shape)
        whole = into.all(axis=0) if group.combine == "all" else into.any(axis=0)
        out = (
            np.sum([links[name].sum(axis=0) for name in group.readers], axis=0)
            if group.readers
            else np.ones(whole.size)
        )
        active = whole & (out > 0)
        for name in group.readers:
            assert not links[name][:, ~active].nnz
        for name in group.writers:  # a shared head is alive for at least one of its query heads
            copies = links[name].shape[0] // network[name].n_out
            width = active.size // group.heads
            alive = active.reshape(-1, copies, width).any(axis=1).flatten()
            assert (network[name].fan_in[~alive] == 0).all()
        n_left += sum(links[name].nnz for name in group.layers)
    assert n_left > 50


def transformer(kind):
    """Return one of torch's Transformers without biases, and a function that calls it."""
    options = {"nhead": 4, "dim_feedforward": 24, "dropout": 0.0, "batch_first": True, "bias": False}
    if kind == "encoder":
        return nn.TransformerEncoder(
            nn.TransformerEncoderLayer(16, norm_first=True, **options), 2, enable_nested_tensor=False
        )
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(16, **options), 2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("seed", [0, 1])
def test_transformers_keep_their_function(seed, kind, backend):
    torch.manual_seed(seed)
    model = tl.unpack_attention(transformer(kind)).double()
    tl.sparsify(model, tl.method("static", density=0.07), exclude=[], seed=seed, backend=backend)
    inputs = [torch.randn(2, n, 16).double() for n in ((6,) if kind == "encoder" else (6, 7))]
    assert not without_groups(model, sparse_layers(model), tl.topology_of(model).groups)
    before = model(*inputs)
    removed = percolate_model(model)
    for part in ("self_attn", "linear1", *(["multihead_attn"] if kind == "decoder" else [])):
        assert sum(len(edges) for name, edges in removed.items() if part in name) > 3
    torch.testing.assert_close(model(*inputs), before, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
def test_attention_of_shared_heads_keeps_its_function(num_kv_heads):
    torch.manual_seed(0)
    model = tl.Attention(16, 4, bias=False, num_kv_heads=num_kv_heads).double()
    tl.sparsify(model, tl.method("static", density=0.05), exclude=[], seed=num_kv_heads)
    x, memory = torch.randn(5, 2, 16).double(), torch.randn(7, 2, 16).double()
    before = model(x, memory, memory)
    assert sum(map(len, percolate_model(model).values())) > 5
    for found, expected in zip(model(x, memory, memory), before, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


class Branches(nn.Module):
    """Two summed writers and two readers of one population, with a cross-attention with its own inputs between."""

    def __init__(self, width=12, heads=3):
        super().__init__()
        self.heads = heads
        names = ("first", "second", "third", "fourth", "q", "k", "v", "o")
        for name in names:
            setattr(self, name, nn.Linear(width, width, bias=False))
        self.neuron_groups = [
            tl.NeuronGroup(("first", "second"), ("third", "fourth")),
            tl.NeuronGroup(("q", "k"), (), "all", heads=heads),
            tl.NeuronGroup(("v",), ("o",), heads=heads),
        ]

    def forward(self, x, memory):
        hidden = torch.relu(self.first(x) + self.second(memory))
        x = x + self.third(hidden) * self.fourth(hidden)
        q, k, v = (
            layer(inputs).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
            for layer, inputs in ((self.q, x), (self.k, memory), (self.v, memory))
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.o(mixed.transpose(-3, -2).flatten(-2))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sums_branches_and_cross_attention_keep_their_function(seed, backend):
    torch.manual_seed(seed)
    model = tl.sparsify(Branches().double(), tl.method("static", density=0.1), exclude=[], seed=seed, backend=backend)
    x, memory = torch.randn(2, 5, 12).double(), torch.randn(2, 5, 12).double()
    before = model(x, memory)
    removed = percolate_model(model)
    assert sum(map(len, removed.values())) > 10
    torch.testing.assert_close(model(x, memory), before, rtol=1e-12, atol=1e-12)


def test_a_neuron_with_a_bias_and_no_incoming_link_still_has_an_output():
    """The paper removes its outgoing links nevertheless, so outputs change if there are biases."""
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 6))
    nn.init.constant_(model[0].bias, 1.0)
    tl.sparsify(model, tl.method("static", density=0.1), exclude=[], seed=1)
    before = model(torch.zeros(1, 6))
    percolate_model(model)
    assert not torch.allclose(model(torch.zeros(1, 6)), before)
    assert torch.equal(model[0].bias, torch.ones(20))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_optimizer_follows(backend):
    model = tl.sparsify(
        nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 6)),
        tl.method("static", density=0.1),
        exclude=[],
        backend=backend,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.randn(8, 6)).square().sum().backward()
    optimizer.step()
    kept = {i: {int(cell): i for i, cell in enumerate(model[i].cells())} for i in (0, 2)}
    moments = {i: _of_links(optimizer, model[i]) for i in (0, 2)}
    removed = percolate_model(model, optimizer)
    assert min(map(len, removed.values())) > 0
    for i in (0, 2):
        places = [kept[i][int(cell)] for cell in model[i].cells()]
        assert model[i].n_links == len(places) == len(kept[i]) - len(removed[str(i)])
        assert torch.equal(_of_links(optimizer, model[i]), moments[i][places])
    optimizer.step()


def _of_links(optimizer, layer):
    state = optimizer.state[layer.link_parameter]["exp_avg"]
    return state if state.dim() == 1 else state[layer.mask]


@pytest.mark.parametrize("density", [0.05, 0.3])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_llama_trains_with_percolation_and_separate_heads(backend, density):
    model = Llama(**SIZES, n_kv_heads=2)
    rule = tl.method("chts", density=density, percolation_unit="rotary_pair", per_head=True)
    tl.sparsify(model, rule, backend=backend)
    counts = {name: layer.n_links for name, layer in tl.sparse.sparse_layers(model).items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=7, interval=2)
    heads = _links_of_heads(topology)
    n_percolated = 0
    for _ in range(7):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten()).backward()
        optimizer.step()
        update = topology.step()
        n_percolated += sum(len(layer.percolated) for layer in update.values()) if update else 0
    assert topology.n_updates == 3
    assert {name: layer.n_links for name, layer in topology.layers.items()} == counts
    assert _links_of_heads(topology) == heads
    assert n_percolated > 0 or density > 0.1


@pytest.mark.parametrize(
    ("method", "parts"), [("rigl", {}), ("granet", {}), ("mest", {}), ("deepr", {"interval": 2, "noise": 0.1})]
)
def test_separate_heads_are_the_same_on_both_backends(method, parts):
    """Gradients of links and cells are those of the head; densities fall head by head."""
    cells = {}
    for backend in BACKENDS:
        rule = tl.method(method, density=0.1, per_head=True, **parts)
        torch.manual_seed(0)
        model = tl.sparsify(Llama(**SIZES, n_kv_heads=2).double(), rule, backend=backend)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=10, interval=2)
        for _ in range(10):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten()).backward()
            optimizer.step()
            topology.step()
        cells[backend] = {name: layer.cells().tolist() for name, layer in topology.layers.items()}
        for name, layer in topology.layers.items():
            assert layer.n_links == round(0.1 * layer.in_features * layer.out_features), name
    assert cells["masked"] == cells["csr"]


def _links_of_heads(topology):
    """Return the links of each head of queries, keys and values."""
    return {
        name: layer.graph.fan_in.reshape(-1, 4).sum(axis=1).tolist()
        for name, layer in topology.layers.items()
        if name.endswith(("q_proj", "k_proj", "v_proj"))
    }


def test_masks_and_links_percolate_identically():
    networks = {}
    for backend in BACKENDS:
        model = llama(3, backend=backend)
        percolate_model(model)
        networks[backend] = tl.topology_of(model)
    assert networks["masked"] == networks["csr"]


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (nn.Linear(3, 3), {}, InvalidValueError, r"the model has no sparse layers: call sparsify"),
        (llama(0), {"unit": "pair"}, UnknownNameError, r"unknown percolation unit 'pair'"),
        (llama(0), {"optimizer": torch.optim.LBFGS([nn.Parameter(torch.ones(1))])}, InvalidTypeError, r"LBFGS is not"),
        (
            llama(0),
            {"optimizer": torch.optim.SGD([nn.Parameter(torch.ones(1))])},
            InvalidValueError,
            r"in no param group",
        ),
    ],
)
def test_bad_input(model, options, error, message):
    with pytest.raises(error, match=message):
        percolate_model(model, **options)


def test_percolation_parts_of_a_method_are_checked():
    with pytest.raises(UnknownNameError, match=r"unknown percolation unit 'pairs': did you mean"):
        tl.method("chts", percolation_unit="pairs")
    with pytest.raises(InvalidValueError, match=r"percolation_unit='rotary_pair' needs percolation=True"):
        tl.method("set", percolation_unit="rotary_pair")
    with pytest.raises(InvalidValueError, match=r"per_head=True only applies with removal and regrowth"):
        tl.method("static", per_head=True)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"per_head": True}, r"per_head=True, but no sparse layer is known to write to attention"),
        (
            {"percolation_unit": "rotary_pair"},
            r"percolation_unit='rotary_pair', but no sparse layers are known to have",
        ),
    ],
)
def test_parts_that_an_mlp_would_ignore_are_rejected(parts, message):
    rule = tl.method("chts", density=0.2, **parts)
    model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)), rule)
    with pytest.raises(InvalidValueError, match=message):
        tl.TopologyScheduler(model, torch.optim.SGD(model.parameters()), rule, total_steps=4, interval=2)


def test_links_on_another_device_stay_there():
    cells = {"a": torch.tensor([0, 3], device="meta")}
    assert percolated(cells, {"a": (2, 2)}, [])["a"].device.type == "meta"
