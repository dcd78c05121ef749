"""The table of methods, and how users combine its parts."""

import re
from pathlib import Path

import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.evolution import METHODS, SOFTNESS_SCHEDULES, ZETA_SCHEDULES, Method


@pytest.mark.parametrize("name", METHODS)
def test_each_row_is_complete(name):
    row = METHODS[name]
    assert row.name == name
    assert row.title
    assert row.paper
    assert row.is_dense == (row.density == 1)
    assert Method(**{**row.to_dict(), "softness": tuple(row.softness)}) == row


def test_rows_read_like_the_papers():
    chts, mocanu = tl.method("chts"), tl.method("set")
    assert (chts.generator, chts.generator_params) == ("bsw", {"beta": 0.25})
    assert (chts.removal, chts.regrowth, chts.zeta) == ("weight_magnitude-soft", "ch2_l3n-soft", 0.3)
    assert chts.softness == (0.5, 0.75)
    assert chts.percolation
    assert (mocanu.generator, mocanu.removal, mocanu.regrowth) == ("er", "weight_magnitude", "random")
    assert (mocanu.zeta, mocanu.percolation) == (0.3, False)


def test_the_table_is_shown_as_a_table():
    shown = repr(tl.methods())
    assert all(row.title in shown for row in METHODS.values())
    assert "bsw(beta=0.25)" in shown
    assert tl.methods()._repr_html_().startswith("<table")


def test_differences_from_other_programs_are_listed_for_every_method_that_evolves():
    text = (Path(tl.evolution.__file__).parent / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([\w-]+)`", text))
    assert {name for name, row in METHODS.items() if row.evolves} <= listed


def test_overrides_combine_parts():
    rule = tl.method("set", density=0.01, regrowth="ch2_l3n", zeta=0.1, percolation=True)
    assert (rule.density, rule.regrowth, rule.zeta, rule.percolation) == (0.01, "ch2_l3n", 0.1, True)
    assert tl.method("set").zeta == 0.3


def test_another_generator_drops_the_parameters_of_the_old_one():
    assert tl.method("chts", generator="er").generator_params == {}
    assert tl.method("chts", generator="bsw").generator_params == {"beta": 0.25}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"zeta": 0}, "zeta=0.0 must lie strictly between 0 and 1"),
        ({"zeta": 1}, "zeta=1.0 must lie strictly between 0 and 1"),
        ({"zeta": float("nan")}, "zeta=nan"),
        ({"density": 0}, "density=0 leaves no links"),
        ({"density": 1.5}, "density=1.5 must lie in"),
        ({"stop_fraction": 0}, "stop_fraction=0.0"),
        ({"softness": (0.5, 1.0)}, "softness="),
        ({"softness": (0.5,)}, "softness="),
        ({"removal": None}, "removal=None and regrowth=.* must be given together"),
        ({"removal": None, "regrowth": None}, "percolation=True only applies with removal and regrowth"),
        ({"generator_params": {"gamma": 1}}, "no parameter 'gamma'.*beta"),
        ({"generator": None}, "no generator"),
        ({"zet": 0.2}, "no field 'zet': did you mean 'zeta'"),
        ({"name": "mine"}, "no field 'name'"),
        ({"weight_scale": "link"}, "weight_scale='link' is unknown: did you mean 'links'"),
    ],
)
def test_meaningless_values_are_rejected(overrides, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method("chts", **overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"zeta": "much"}, "zeta='much' must be of type float"),
        ({"zeta": True}, "zeta=True must be of type float"),
        ({"softness": 0.5}, r"softness=0.5 must be of type tuple"),
        ({"removal": 5}, "removal=5 must be of type str"),
        ({"percolation": "yes"}, "percolation='yes' must be of type bool"),
        ({"generator_params": 3}, "generator_params=3 must be of type dict"),
    ],
)
def test_values_of_another_type_are_rejected(overrides, message):
    with pytest.raises(InvalidTypeError, match=message):
        tl.method("chts", **overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"regrowth": "ch2_l3nn"}, "unknown regrowth score 'ch2_l3nn': did you mean 'ch2_l3n'"),
        ({"removal": "weight"}, "unknown removal score 'weight'"),
        ({"generator": "bws"}, "unknown generator 'bws': did you mean 'bsw'"),
        ({"zeta_schedule": "cosin"}, "unknown zeta schedule 'cosin': did you mean 'cosine'"),
    ],
)
def test_unknown_parts_are_rejected_with_a_suggestion(overrides, message):
    with pytest.raises(UnknownNameError, match=message):
        tl.method("chts", **overrides)


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [("constant", 0.0, 0.3), ("constant", 1.0, 0.3), ("cosine", 0.0, 0.3), ("cosine", 0.5, 0.15), ("cosine", 1.0, 0.0)],
)
def test_zeta_schedules(schedule, progress, expected):
    assert ZETA_SCHEDULES[schedule](0.3, progress) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("exponent", 0, 1), ("exponent", 0.25, 1.5), ("exponent", 0.5, 2), ("exponent", 1, 3),
        ("delta", 0, 1), ("delta", 0.5, 0.625 / 0.375), ("delta", 0.8, 0.7 / 0.3), ("delta", 1, 3),
    ],
)  # fmt: skip
def test_softness_moves_linearly_in_the_exponent_or_in_delta(schedule, progress, expected):
    assert SOFTNESS_SCHEDULES[schedule]((0.5, 0.75), progress) == pytest.approx(expected)


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("name", ["set", "deepr"])
def test_weights_can_be_scaled_like_those_of_a_dense_layer(name, backend):
    for scale, variance in (("links", 2 / (0.1 * 200)), ("cells", 2 / 200)):
        model = torch.nn.Sequential(torch.nn.Linear(200, 300), torch.nn.Linear(300, 3))
        tl.sparsify(model, tl.method(name, density=0.1, weight_scale=scale), backend=backend)
        values = model[0].link_values()
        assert values.square().mean().item() == pytest.approx(variance, rel=0.06)
    with pytest.raises(InvalidValueError, match="init='keep' draws none"):
        model = torch.nn.Sequential(torch.nn.Linear(9, 9), torch.nn.Linear(9, 3))
        tl.sparsify(model, tl.method("set", density=0.3, weight_scale="cells"), init="keep")


@pytest.mark.parametrize("name", ["dense", "topkast"])
def test_a_scale_that_would_be_ignored_is_rejected(name):
    with pytest.raises(InvalidValueError, match=rf"weight_scale='cells' has no effect: method '{name}'"):
        tl.method(name, weight_scale="cells")
