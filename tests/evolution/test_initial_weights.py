"""Initial weights: what each name draws, the default of each layer, and where the name is reported."""

import itertools
import math
import re

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import mlp
from topolearn.errors import InvalidValueError
from topolearn.evolution.starting.initial_weights import INITS
from topolearn.training.models import Llama

N_IN, N_OUT, DENSITY = 200, 300, 0.1
SPARSE = tl.method("set", density=DENSITY)
BOUND = math.sqrt(6 / (N_IN + N_OUT))


class PreTrainedModel(nn.Module):
    """Stands in for the class of transformers, which the fast tests do not import."""

    __module__ = "transformers.modeling_utils"


class Pretrained(PreTrainedModel):
    def __init__(self, *layers):
        super().__init__()
        self.net = nn.Sequential(*layers)


def layer_of(init, rule=SPARSE, *, backend="masked", seed=0, dtype=torch.float32):
    torch.manual_seed(7)
    return tl.sparsify(mlp(N_IN, N_OUT, 3).to(dtype), rule, init=init, backend=backend, seed=seed)[0]


@pytest.mark.parametrize(
    ("init", "variance", "largest"),
    [
        ("he", 2 / (DENSITY * N_IN), None),
        ("xavier", BOUND**2 / 3, BOUND),
        ("xavier-links", BOUND**2 / 3 / DENSITY, BOUND / math.sqrt(DENSITY)),
        (0.02, 0.02**2, None),
        (3, 9, None),
    ],
)
def test_weights_have_the_requested_law_on_every_backend(init, variance, largest):
    values = layer_of(init).link_values()
    assert values.square().mean().item() == pytest.approx(variance, rel=0.06)
    assert abs(values.mean().item()) < 0.05 * math.sqrt(variance)
    fourth = {None: 3.0}.get(largest, 1.8)  # kurtosis of a normal and a uniform distribution
    assert values.double().pow(4).mean().item() / variance**2 == pytest.approx(fourth, rel=0.12)
    if largest is not None:
        assert 0.99 * largest < values.abs().max().item() <= largest * (1 + 1e-6)
    assert torch.equal(layer_of(init, backend="csr").link_values(), values)
    assert torch.equal(layer_of(init).link_values(), values)
    assert not torch.equal(layer_of(init, seed=1).link_values(), values)


def test_every_named_init_draws_or_keeps_in_the_dtype_of_the_layer():
    for init in INITS:
        layer = layer_of(init, dtype=torch.float64)
        assert (layer.weight.dtype, layer.init_name) == (torch.float64, init)
        assert layer.link_values().abs().sum() > 0


def test_xavier_is_the_dense_one_of_torch():
    layer = tl.sparsify(mlp(20, 30, 3), tl.method("static", density=1.0), init="xavier", seed=3)[0]
    dense = torch.empty(30, 20)
    seed = tl.sampling.RandomField(3, "0", 0, "weights").integer
    nn.init.xavier_uniform_(dense, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(layer.weight.detach(), dense)


def test_signs_are_fixed_and_magnitudes_are_drawn():
    rule = tl.method("deepr", density=DENSITY)
    layer, other = layer_of("xavier", rule), layer_of("xavier", SPARSE)
    signs = tl.evolution.link_signs(layer.cells(), 0, "0")
    assert torch.equal(layer.link_values(), other.link_values().abs() * signs)


@pytest.mark.parametrize(
    ("init", "variance"), [("he", 2 / (DENSITY * N_IN)), ("xavier", BOUND**2 / 3), (0.02, 0.02**2)]
)
def test_with_values_for_all_cells_links_have_the_largest_and_the_variance_of_the_law(init, variance):
    layer = layer_of(init, tl.method("topkast", density=DENSITY))
    values, links = layer.latest_values(), layer.mask.flatten()
    assert values[links].square().mean().item() == pytest.approx(variance, rel=1e-3)
    assert values[links].abs().min() >= values[~links].abs().max()


# --- The default of a layer ------------------------------------------------------------------------------------------
def linears(*sizes, device=None):
    return [nn.Linear(a, b, device=device) for a, b in itertools.pairwise(sizes)]


@pytest.mark.parametrize(
    ("rule", "model", "expected"),
    [
        (SPARSE, lambda: nn.Sequential(*linears(20, 30, 3)), {"0": "he"}),
        (SPARSE, lambda: Pretrained(*linears(20, 30, 3)), {"net.0": "keep"}),
        (
            SPARSE,
            lambda: nn.Sequential(Pretrained(*linears(20, 30, 9)), *linears(9, 20, 3)),
            {"0.net.0": "keep", "0.net.1": "keep", "1": "he"},
        ),
        (
            SPARSE,
            lambda: Pretrained(*linears(20, 30), *linears(30, 20, device="meta"), *linears(20, 3)),
            {"net.0": "keep", "net.1": "xavier"},
        ),
        (tl.method("deepr", density=0.1), lambda: Pretrained(*linears(20, 30, 3)), {"net.0": "xavier"}),
        (
            tl.method("set", density=0.1, weight_scale="cells"),
            lambda: Pretrained(*linears(20, 30, 3)),
            {"net.0": "he"},
        ),
        (tl.method("topkast", density=0.1), lambda: Pretrained(*linears(20, 30, 3)), {"net.0": "keep"}),
        (
            tl.method("topkast", density=0.1, generator="bsw"),
            lambda: Pretrained(*linears(20, 30, 3)),
            {"net.0": "xavier"},
        ),
        (
            tl.method("topkast", density=0.1),
            lambda: nn.Sequential(Pretrained(*linears(20, 30)), *linears(30, 20, 3)),
            {"0.net.0": "keep", "1": "he"},
        ),
    ],
)
def test_pretrained_models_keep_their_weights_where_they_can(rule, model, expected):
    model = model()
    before = {name: each.weight.detach().clone() for name, each in model.named_modules() if type(each) is nn.Linear}
    layers = tl.sparse.sparse_layers(tl.sparsify(model, rule))
    assert {name: layer.init_name for name, layer in layers.items()} == expected
    for name, layer in layers.items():
        weight = layer.dense_weight()
        kept = not before[name].is_meta and torch.equal(weight, torch.where(weight != 0, before[name], 0))
        assert kept == (expected[name] == "keep")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    tl.TopologyScheduler(model, optimizer, rule, total_steps=9, interval=rule.interval or 3)


def test_weights_choose_the_links_of_layers_that_are_not_a_chain():
    model = Llama(vocabulary=30, width=16, hidden=24, n_layers=1, n_heads=4, n_kv_heads=2)
    before = {name: each.weight.detach().clone() for name, each in model.named_modules() if type(each) is nn.Linear}
    layers = tl.sparse.sparse_layers(tl.sparsify(model, tl.method("topkast", density=0.1), init="keep"))
    assert len(layers) == 7
    for name, layer in layers.items():
        assert torch.equal(layer.latest_values(), before[name].flatten())


def test_other_classes_of_the_same_name_do_not_count():
    other = type("PreTrainedModel", (nn.Sequential,), {"__module__": "transformers_of_mine.models"})
    model = tl.sparsify(other(*linears(20, 30, 3)), SPARSE)
    assert model[0].init_name == "he"


# --- What is rejected, and where the name is reported ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("init", "rule", "message"),
    [
        ("xaver", SPARSE, "init='xaver' is unknown: did you mean 'xavier'?"),
        (0.0, SPARSE, "init=0.0 cannot be a standard deviation: use a positive number"),
        (-1, SPARSE, "init=-1 cannot be a standard deviation"),
        (float("nan"), SPARSE, "init=nan cannot be a standard deviation"),
        (float("inf"), SPARSE, "init=inf cannot be a standard deviation"),
        (True, SPARSE, "init=True is unknown"),
        ("xavier", tl.method("set", weight_scale="cells"), "weight_scale='cells' only applies to init='he'"),
        (0.02, tl.method("set", weight_scale="cells"), "init='0.02' has its own scale"),
    ],
)
def test_meaningless_values_are_rejected_and_the_model_stays_unchanged(init, rule, message):
    model = mlp(20, 20, 3)
    with pytest.raises(InvalidValueError, match=re.escape(message)):
        tl.sparsify(model, rule, init=init)
    assert type(model[0]) is nn.Linear


@pytest.mark.parametrize(("init", "words"), [(None, ""), ("he", ""), ("keep", ", init=keep"), (0.02, ", init=0.02")])
def test_a_printed_layer_shows_only_unusual_inits(init, words):
    assert repr(layer_of(init)).endswith(f"density=10.00%{words})")


def test_a_run_and_its_layer_table_show_the_init(tmp_path):
    model = nn.Sequential(Pretrained(*linears(8, 12, 6)), *linears(6, 8, 3))
    rule = tl.method("set", density=0.5)
    topology = tl.TopologyScheduler(
        tl.sparsify(model, rule), torch.optim.SGD(model.parameters(), lr=0.1), rule, total_steps=9, interval=3
    )
    with tl.record(tmp_path / "run", {"net": topology}) as recorder:
        recorder.log(loss=1.0, step=0)
    run = tl.Run(tmp_path / "run")
    assert run.inits == {"net.0.net.0": "keep", "net.0.net.1": "keep", "net.1": "he"}
    page = run.report().read_text()
    table = page[page.index("<h2>The layers at the end</h2>") :]
    assert "initial weights" in table
    assert re.findall(r"<td>(keep|he)</td>", table) == ["keep", "keep", "he"]


def test_a_copied_layer_keeps_its_init_name_but_a_densified_one_does_not():
    model = tl.sparsify(mlp(20, 20, 3), SPARSE, init="xavier")
    assert tl.AveragedModel(model).module[0].init_name == "xavier"
    assert not hasattr(tl.densify(model)[0], "init_name")
