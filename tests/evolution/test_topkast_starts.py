"""How Top-KAST chooses its first links, combines with other components, and rejects what cannot work."""

import copy

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import advance, backward, mlp, setup
from tests.evolution.topkast_loops import ALWAYS, trained
from topolearn.errors import CheckpointError, InvalidValueError


# --- The start -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("generator", ["er", "bsw"])
def test_links_start_with_the_largest_values_at_the_scale_of_he(device, generator):
    model = nn.Sequential(nn.Linear(60, 90, device=device), nn.Linear(90, 2))
    layer = tl.sparsify(model, tl.method("topkast", density=0.05, generator=generator))[0]
    values, links = layer.latest_values(), layer.mask.flatten()
    assert int(links.sum()) == 270
    assert values[links].abs().min() > values[~links].abs().max()
    assert values[links].square().mean().item() == pytest.approx(2 / (0.05 * 60), rel=1e-5)
    order = values.abs().argsort(descending=True)
    assert set(trained(layer)) == set(order[:540].tolist())
    # All values follow one normal law: 5 % of them exceed 1.96 deviations, and half are within 0.6745.
    deviation = values.square().mean().sqrt()
    assert values[links].abs().min().item() == pytest.approx(1.96 * deviation.item(), rel=0.03)
    assert values.abs().median().item() == pytest.approx(0.6745 * deviation.item(), rel=0.05)


def test_links_of_a_kept_model_are_its_largest_weights():
    model = nn.Sequential(nn.Linear(12, 10), nn.Linear(10, 2))
    weight = model[0].weight.detach().clone()
    layer = tl.sparsify(model, tl.method("topkast", density=0.25), init="keep")[0]
    assert torch.equal(layer.latest_values(), weight.flatten())
    order = weight.abs().flatten().argsort(descending=True).tolist()
    assert set(layer.cells().tolist()) == set(order[:30])
    assert set(trained(layer)) == set(order[:60])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"generator": "bsw"}, r"generator='bsw' chooses the links, but with method 'topkast' and init='keep'"),
        (
            {"input_generator": "bsw"},
            r"input_generator='bsw' chooses the links, but with method 'topkast' and init='keep'",
        ),
        ({"calibration": torch.ones(4, 12)}, "does not use data: drop calibration"),
    ],
)
def test_links_chosen_by_weights_are_not_chosen_otherwise(options, message):
    options = dict(options)
    parts = {name: options.pop(name) for name in ("generator", "input_generator") if name in options}
    rule = tl.method("topkast", **parts)
    model = mlp(12, 10, 2)
    with pytest.raises(InvalidValueError, match=message):
        tl.sparsify(model, rule, init="keep", **options)
    assert type(model[0]) is nn.Linear


# --- Combinations, and what is rejected ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "parts", "words"),
    [
        ("topkast", {"pruning": "relative_importance"}, {"removed", "regrown"}),
        ("topkast", {"removal": "weight_magnitude-soft", "regrowth": "random", "percolation": True}, {"removed"}),
        ("topkast", {"backward_ratio": 1.0}, set()),
        ("topkast", {"backward_ratio": 99.0}, {"removed", "regrown"}),
        ("gmp", {"backward_ratio": 1.5}, {"decayed"}),
    ],
)
def test_it_combines_with_other_parts(method, parts, words):
    model, trainer, topology = setup(method, "adam", total=20, **ALWAYS, **parts)
    ratio, happened = topology.method.backward_ratio, set()
    for _ in range(20):
        for update in advance(model, trainer, topology, 1):
            happened |= {word for word in ("decayed", "removed", "regrown") if len(getattr(update["0"], word))}
            for name, layer in topology.layers.items():
                assert layer.n_links == topology.plan.after(update.step)[name]
                n_cells = layer.weight.numel()
                expected = min(round(ratio * layer.n_links), n_cells) if update.step < 18 else layer.n_links
                assert int(layer.trained.sum()) == expected
                assert not (layer.mask & ~layer.trained).any()
                assert not layer.weight[~layer.trained].any()
    assert words <= happened
    assert topology.n_updates == 9


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("topkast", {"backward_ratio": 0.5}, "backward_ratio=0.5 must be finite and at least 1"),
        ("topkast", {"backward_ratio": float("nan")}, "backward_ratio=nan must be finite and at least 1"),
        (
            "topkast",
            {"storage": "links"},
            "backward_ratio=2.0 trains cells that are not links: set storage='dense'",
        ),
        ("topkast", {"exploration_penalty": -1.0}, "exploration_penalty=-1.0 must be finite and at least 0"),
        (
            "topkast",
            {"backward_ratio": None},
            "exploration_penalty=0.0001 needs trained cells other than the links",
        ),
        ("topkast", {"pruning": "mest"}, "have no gradient"),
        ("topkast", {"start_density": 0.5}, "start_density=0.5 needs a density that falls"),
        ("set", {"backward_ratio": 2.0}, "trains cells that are not links: set storage='dense'"),
    ],
)
def test_meaningless_values_are_rejected(name, overrides, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method(name, **overrides)


@pytest.mark.parametrize(
    ("made", "run", "message"),
    [
        ("topkast", "static", "layer '0' stores the values of all cells, but method 'static' has storage='links'"),
        ("static", "topkast", "layer '0' stores the values of its links only, but method 'topkast' has "
         "storage='dense'"),
        ("topkast", ("topkast", 3.0), "layer '0' has 48 links and trains 96 cells, but method 'topkast' with "
         "backward_ratio=3.0 trains 144"),
    ],
)  # fmt: skip
def test_a_model_of_another_method_is_rejected(made, run, message):
    model, trainer, _ = setup(made)
    run = tl.method(run, density=0.2) if isinstance(run, str) else tl.method(run[0], density=0.2, backward_ratio=run[1])
    with pytest.raises(InvalidValueError, match=message):
        tl.TopologyScheduler(model, trainer, run, total_steps=20, interval=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("trained"), "has no 'trained'"),
        (lambda state: state["trained"].update({"0": state["trained"]["0"][1:]}), "lacks some of its links"),
        (
            lambda state: state["trained"].update({"0": torch.tensor([3, 3])}),
            "'trained' of layer '0'.*must be sorted cells",
        ),
        (lambda state: state["stored"].update({"0": torch.zeros(3)}), "'stored' of layer '0'.*has 3 elements, not 240"),
    ],
)
def test_a_state_with_an_invalid_entry_is_rejected(change, message):
    model, _, topology = setup("topkast")
    values = model[0].latest_values()
    state = copy.deepcopy(topology.state_dict())
    state["trained"]["0"] = model[0].cells() if message.startswith("lacks") else state["trained"]["0"]
    change(state)
    with pytest.raises(CheckpointError, match=message):
        topology.load_state_dict(state)
    assert torch.equal(model[0].latest_values(), values)


def test_a_non_finite_value_off_the_links_is_rejected():
    model, trainer, topology = setup("topkast", interval=1)
    with torch.no_grad():
        model[2].weight[model[2].trained & ~model[2].mask] = float("nan")
    backward(model)
    trainer.step()
    with pytest.raises(InvalidValueError, match="layer '2' has a weight that is not finite at step 1"):
        topology.step()
