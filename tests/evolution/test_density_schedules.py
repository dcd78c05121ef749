"""Density schedules: values worked from the equations, areas by integration, and integer counts at every update."""

import pytest
from scipy.integrate import quad

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.evolution import DENSITY_SCHEDULES, DensityPlan

SIZES = {"a": (100, 100)}


@pytest.mark.parametrize(
    ("schedule", "u", "expected"),
    [
        ("cubic", 0.0, 0.0),
        ("cubic", 0.2, 0.488),  # 1 - .8^3
        ("cubic", 0.5, 0.875),  # 1 - .5^3
        ("cubic", 1.0, 1.0),
        ("sigmoid", 0.0, 0.0),
        ("sigmoid", 0.25, 0.0452),
        ("sigmoid", 0.5, 0.5),
        ("sigmoid", 0.75, 0.9548),
        ("sigmoid", 0.9375, 0.9972),
        ("sigmoid", 1.0, 1.0),
        ("em_s", 0.6, 0.0),
        ("em_s", 0.7, 0.5),
        ("em_s", 1.0, 1.0),
        ("one_shot", 0.999, 0.0),
        ("one_shot", 1.0, 1.0),
        ("constant", 0.0, 1.0),
    ],
)
def test_share_of_the_decay(schedule, u, expected):
    assert DENSITY_SCHEDULES[schedule].share(u) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("schedule", "area"), [("cubic", 1 / 4), ("sigmoid", 1 / 2), ("em_s", 0.8), ("one_shot", 1.0), ("constant", 0.0)]
)
def test_area_by_integration(schedule, area):
    found, _ = quad(lambda u: 1 - DENSITY_SCHEDULES[schedule].share(u), 0, 1, points=[0.6])
    assert found == pytest.approx(area, abs=1e-6)
    assert DENSITY_SCHEDULES[schedule].area == area


@pytest.mark.parametrize("schedule", ["sigmoid", "em_s", "one_shot"])
def test_schedules_that_match_flops_cost_what_the_cubic_one_does(schedule):
    def surplus(**parts):
        rule = tl.method("set", density=0.01, start_density=0.5, **parts)
        plan = DensityPlan({"a": (1000, 1000)}, rule, total_steps=4000, interval=1)
        return sum(plan.after(step)["a"] - 10_000 for step in range(4000))

    cubic = surplus(density_schedule="cubic")
    assert surplus(density_schedule=schedule, match_flops=True) == pytest.approx(cubic, rel=1e-2)
    assert surplus(density_schedule=schedule) > 1.5 * cubic


def test_a_sigmoid_that_matches_flops_ends_halfway():
    rule = tl.method("chtss", decay_start=0.1, decay_end=0.7)
    assert rule.end_of_decay == pytest.approx(0.4)
    assert tl.method("chtss", match_flops=False).end_of_decay == 0.75


def test_counts_of_equation_6():
    rule = tl.method("set", density=0.1, density_schedule="cubic", start_density=0.5, decay_end=1.0)
    plan = DensityPlan(SIZES, rule, total_steps=60, interval=10)
    # Updates at 10 to 50, so n = 5; 1000 + 4000 (1 - k/5)^3: .512, .216, .064, .008, 0.
    assert [plan.after(step)["a"] for step in (10, 20, 30, 40, 50)] == [3048, 1864, 1256, 1032, 1000]


def test_the_last_update_reaches_the_final_number_if_the_end_is_not_a_multiple_of_the_interval():
    rule = tl.method("set", density=0.1, density_schedule="sigmoid", start_density=0.5, decay_end=0.75)
    plan = DensityPlan(SIZES, rule, total_steps=100, interval=20)
    assert (plan.end, plan.last_update) == (60, 80)
    assert plan.after(60)["a"] == plan.after(80)["a"] == 1000
    assert plan.after(40)["a"] > 1000


def test_counts_of_mest():
    plan = DensityPlan(SIZES, tl.method("mest", density=0.01), total_steps=1000, interval=10)
    # 6 % to 45 % of the training, 3.5 % then, 1 % at the last update before 75 %, step 740.
    assert [plan.after(step)["a"] for step in (10, 450, 460, 730, 740)] == [600, 600, 350, 350, 100]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"density": 0.6}, "falls from start_density=0.5 to density=0.6"),
        ({"start_density": None}, "needs an initial density"),
        ({"decay_end": 0.9, "stop_fraction": 0.8}, "decay_end <= stop_fraction=0.8"),
        ({"decay_start": 0.8}, "decay_start=0.8 and decay_end=0.69"),
        ({"zeta": None, "distribution": "global"}, "zeta=None removes links of each layer down"),
        ({"score_params": {"alpha": 0.5}}, "the removal and pruning scores of this method have no parameter 'alpha'"),
        ({"removal": "importance", "score_params": {"alpha": 2.0}}, r"alpha=2.0 must lie in \[0, 1\]"),
        ({"storage": "disk"}, "storage='disk' is unknown"),
        ({"removal": "mest", "storage": "dense"}, "have no gradient"),
    ],
)
def test_meaningless_values_are_rejected(overrides, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method("granet", **overrides)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("set", {"decay_end": 0.5}, "decay_end=0.5 needs a density that falls"),
        ("set", {"distribution": "global"}, "ranks the links of all layers together as the density falls"),
        ("set", {"zeta": None}, "zeta=None removes down to the final density"),
        ("set", {"softness": (0.1, 0.2)}, "needs a soft removal"),
        ("static", {"early_stop": True}, "early_stop=True only applies with removal and regrowth"),
        ("static", {"skip_gradient_step": True}, "needs a topology that evolves"),
        ("static", {"storage": "dense"}, "storage='dense' needs a topology that evolves"),
    ],
)
def test_values_that_would_be_ignored_are_rejected(name, overrides, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method(name, **overrides)


def test_a_training_without_an_update_during_the_decay_is_rejected():
    rule = tl.method("gmp", density=0.1)
    with pytest.raises(InvalidValueError, match="total_steps=10 with interval=8 has no update while the density falls"):
        DensityPlan(SIZES, rule, total_steps=10, interval=8)


def test_a_constant_density_drops_all_decay_settings():
    assert tl.method("chtss", density_schedule="constant").start_density is None


@pytest.mark.parametrize("interval", [1, 5, 7])
def test_em_s_has_its_whole_surplus_until_60_percent_of_the_planned_decay(interval):
    rule = tl.method("mest", density=0.1)
    plan = DensityPlan({"a": (100, 100)}, rule, total_steps=100, interval=interval)
    surplus = [plan.after(step)["a"] - 1000 for step in range(interval, plan.last_update + 1, interval)]
    early = 45 // interval  # 0.6 of 0.75
    assert surplus == [500] * early + [250] * (len(surplus) - early - 1) + [0]
