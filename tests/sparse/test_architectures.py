"""Neuron groups, found in models or declared: which neurons meet, and which declarations are rejected."""

import copy
import functools
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.sparse import ARCHITECTURES, neuron_groups, without_groups
from topolearn.training.models import Llama
from topolearn.training.models.llama import rotate_half

G = tl.NeuronGroup
STATIC = tl.method("static", density=0.5)


def linear_layers(model):
    return {name: each for name, each in model.named_modules() if isinstance(each, nn.Linear)}


def groups_of(model, without=()):
    layers = {name: layer for name, layer in linear_layers(model).items() if name not in without}
    return neuron_groups(model, layers)


class Attention(nn.Module):
    """Attention with the structure of Hugging Face's."""

    def __init__(self, width=16, heads=4, kv_heads=2, **more):
        super().__init__()
        self.head_dim = width // heads
        self.q_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.k_proj, self.v_proj = (nn.Linear(width, kv_heads * self.head_dim, bias=False) for _ in range(2))
        for name, value in more.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.o_proj(rotate_half(self.q_proj(x)))


class Gated(nn.Module):
    def __init__(self, act_fn=F.silu, **more):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 4)
        self.act_fn = act_fn
        for name, value in more.items():
            setattr(self, name, value)


class Config:
    def __init__(self, **values):
        self.__dict__.update(values)


QK = G(("q_proj", "k_proj"), (), "all", heads=4, rotary="halves")
NEIGHBOURS = replace(QK, rotary="neighbours")
VO = G(("v_proj",), ("o_proj",), heads=4)
GATED = G(("gate_proj", "up_proj"), ("down_proj",), "all")


@pytest.mark.parametrize(
    ("module", "groups"),
    [
        (Attention(), [QK, VO]),
        (Attention(config=Config(partial_rotary_factor=1.0), dropout=nn.Dropout()), [QK, VO]),
        (Attention(config=Config(partial_rotary_factor=0.5)), [VO]),
        (Attention(config=Config(rope_parameters={"partial_rotary_factor": 0.5})), [VO]),
        (Attention(config=Config(rope_parameters={"rope_theta": 1e4})), [QK, VO]),
        (Attention(q_norm=nn.RMSNorm(4)), [VO]),
        (Attention(scale=nn.Parameter(torch.ones(4))), []),
        (Attention(gate_proj=nn.Linear(16, 16)), []),
        (Attention(head_dim=None), []),
        (Gated(), [GATED]),
        (Gated(nn.GELU()), [GATED]),
        (Gated(torch.sigmoid), []),
        (Gated(None), []),
        (Gated(norm=nn.LayerNorm(6)), []),
        (
            tl.Attention(16, 4, num_kv_heads=2),
            [G(("q_proj", "k_proj"), (), "all", 4), G(("v_proj",), ("out_proj",), heads=4)],
        ),
        (nn.TransformerEncoderLayer(8, 2, 16), [G(("linear1",), ("linear2",))]),
        (nn.TransformerDecoderLayer(8, 2, 16), [G(("linear1",), ("linear2",))]),
    ],
)
def test_known_and_unknown_modules(module, groups):
    assert groups_of(module) == groups


def test_rotary_pairs_are_read_from_the_rotation_next_to_the_forward(monkeypatch):
    monkeypatch.setitem(globals(), "rotate_half", neighbours)
    assert groups_of(Attention())[0].rotary == "neighbours"
    monkeypatch.setitem(globals(), "rotate_half", lambda x: x)
    assert groups_of(Attention()) == []
    monkeypatch.delitem(globals(), "rotate_half")
    assert groups_of(Attention()) == []


def neighbours(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


def announced(forward):
    @functools.wraps(forward)
    def call(*inputs, **options):
        return forward(*inputs, **options)

    return call


CELL = """
def rotate_half(x):
    return neighbours(x)

class Rotary(Attention):
    {decorator}
    def forward(self, x):
        return self.o_proj(rotate_half(self.q_proj(x)))
"""


@pytest.mark.parametrize(
    ("decorator", "groups"),
    [("", [NEIGHBOURS, VO]), ("@announced", [NEIGHBOURS, VO]), ("@functools.partial", [])],
)
def test_a_class_whose_module_cannot_be_looked_up_is_recognised_by_its_forward(decorator, groups):
    """For example one from a notebook cell, or from a renamed or reloaded module."""
    seen = (Attention, neighbours, announced, functools)
    namespace = {"__name__": "no_such_module", **{each.__name__: each for each in seen}}
    exec(CELL.format(decorator=decorator), namespace)
    assert groups_of(namespace["Rotary"]()) == groups


def test_modules_that_override_forward_are_not_taken_for_their_base_class():
    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Layer(nn.TransformerEncoderLayer):
        def forward(self, x):
            return self.linear2(self.linear1(x)) + self.linear1(x).sum()

    class Other(tl.Attention):
        def forward(self, x):
            return self.out_proj(self.v_proj(x) + self.q_proj(x) + self.k_proj(x))

    assert groups_of(Other(8, 2)) == []
    assert groups_of(Residual(nn.Linear(4, 4), nn.Linear(4, 4))) == []
    assert groups_of(Layer(8, 2, 16)) == []


def test_the_projects_own_llama():
    model = Llama(vocabulary=20, width=16, hidden=24, n_layers=2, n_heads=4, n_kv_heads=2)
    tl.sparsify(model, STATIC)
    network = tl.topology_of(model)
    assert len(network) == 14
    groups = [str(group).replace("model.layers.", "") for group in network.groups]
    assert groups == [
        f"({i}.{layers})"
        for i in (0, 1)
        for layers in (
            f"self_attn.q_proj, {i}.self_attn.k_proj -> ",
            f"self_attn.v_proj -> {i}.self_attn.o_proj",
            f"mlp.gate_proj, {i}.mlp.up_proj -> {i}.mlp.down_proj",
        )
    ]
    assert not without_groups(model, tl.sparse.sparse_layers(model), network.groups)


class Unknown(nn.Module):
    """A gated layer with its own names."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        return self.c(torch.relu(self.a(x)) * self.b(x))


DECLARED = [G(("a", "b"), ("c",), combine="all")]


class Declaring(Unknown):
    def neuron_groups(self):
        return DECLARED


def blocks():
    model = nn.Sequential(Unknown(), Unknown())
    for block in model:
        block.neuron_groups = DECLARED
    return model


@pytest.mark.parametrize("model", [blocks(), nn.Sequential(Declaring(), Declaring())], ids=["attribute", "method"])
def test_declared_groups(model):
    tl.sparsify(model, tl.method("chts", density=0.4), exclude=[])
    expected = tuple(G((f"{i}.a", f"{i}.b"), (f"{i}.c",), "all") for i in (0, 1))
    assert tl.topology_of(model).groups == expected
    for same in (copy.deepcopy(model), nn.ModuleDict({"inner": model})["inner"]):
        assert tl.topology_of(same).groups == expected
    x = torch.randn(3, 8)
    assert torch.equal(tl.densify(copy.deepcopy(model))(x), model(x))


def test_declarations_survive_pickling():
    model = pickle.loads(pickle.dumps(tl.sparsify(blocks(), STATIC, exclude=[])))
    assert len(tl.topology_of(model).groups) == 2


def test_declared_groups_take_precedence():
    inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model = nn.ModuleDict({"body": inner})
    model.neuron_groups = [G(("body.0",), ("body.4",))]  # as if there were a connection around the middle
    assert groups_of(model) == [G(("body.0",), ("body.4",))]


@pytest.mark.parametrize(
    ("module", "dense", "groups"),
    [
        (Attention(), ["k_proj"], [VO]),
        (Attention(), ["o_proj"], [QK]),
        (Attention(), ["v_proj"], [QK]),
        (Gated(), ["down_proj"], [G(("gate_proj", "up_proj"), (), "all")]),
        (Gated(), ["gate_proj"], [G(("up_proj",), ("down_proj",), "all")]),
        (Gated(), ["gate_proj", "down_proj"], []),
        (Gated(), ["gate_proj", "up_proj"], []),
    ],
)
def test_dense_layers_drive_and_read_all_neurons(module, dense, groups):
    assert groups_of(module, dense) == groups


def test_sums_and_branches_with_a_dense_layer_are_left_alone():
    model = nn.ModuleDict({name: nn.Linear(4, 4) for name in "abcd"})
    model.neuron_groups = [G(("a", "b"), ("c", "d"))]
    assert groups_of(model) == model.neuron_groups
    for dense in "abcd":
        assert groups_of(model, [dense]) == []
    model.neuron_groups = [G(("a", "b"), ("c", "d"), "all")]
    assert groups_of(model, ["d"]) == [G(("a", "b"), (), "all")]


def test_layers_without_groups_are_named_unless_a_module_around_them_declares_its_groups():
    model = nn.ModuleDict({"known": nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), "other": Unknown()})
    layers = linear_layers(model)
    assert without_groups(model, layers, neuron_groups(model, layers)) == ["other.a", "other.b", "other.c"]
    model["other"].neuron_groups = []
    assert without_groups(model, layers, neuron_groups(model, layers)) == []


def test_a_custom_rule():
    def rule(module):
        return DECLARED if isinstance(module, Unknown) else None

    ARCHITECTURES.register("my_gated_layer", rule)
    try:
        assert groups_of(nn.Sequential(Unknown()))[0].writers == ("0.a", "0.b")
    finally:
        ARCHITECTURES.unregister("my_gated_layer")
    assert groups_of(nn.Sequential(Unknown())) == []


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        ([G(("a",), ("d",))], UnknownNameError, r"group \(a -> d\) of Unknown names 'd': .*a, b, c"),
        ([G(("a",), ("act",))], InvalidTypeError, r"names 'act', which is a ReLU: name only linear layers"),
        ([("a", "b")], InvalidTypeError, r"Unknown.neuron_groups is \[\('a', 'b'\)\]: make it a list of NeuronGroup"),
        (G(("a",), ("c",)), InvalidTypeError, r"Unknown.neuron_groups is NeuronGroup.*: make it a list"),
        ([G(("a",), ("b",))], InvalidValueError, r"different numbers of neurons: a writes 16, b reads 8"),
        ([G(("a",), ("c",), heads=3)], InvalidValueError, r"16 neurons cannot be split into 3 heads of equal width"),
        ([G(("a",), ("c",)), G(("c",), ("a",))], InvalidValueError, r"the layers (a, c|c, a) form a cycle"),
        ([G(("a",), ("c",)), G(("a", "b"), ("c",))], None, ""),  # the second is of layers that are taken
    ],
)
def test_bad_declarations_are_rejected(groups, error, message):
    model = Unknown()
    model.act = nn.ReLU()
    model.neuron_groups = groups
    if error is None:
        assert groups_of(model) == groups[:1]
        return
    with pytest.raises(error, match=message):
        tl.sparsify(model, STATIC, exclude=[])
    assert isinstance(model.a, nn.Linear)
