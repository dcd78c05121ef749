"""Figures 4 and 5: what is varied, and how wins and effects are counted."""

import pandas as pd
import pytest

from analysis import fig4_ablation, fig5_scale_free
from analysis.ablation import draw, effects, title

FIGURES = {"figure 4": fig4_ablation, "figure 5": fig5_scale_free}


def of_a_factor(values):
    """A row for each level and seed."""
    rows = [
        {"level": level, "dataset": "mnist", "seed": seed, "best_accuracy": value}
        for level, several in values.items()
        for seed, value in enumerate(several)
    ]
    return pd.DataFrame(rows)


def test_effects_by_hand():
    found = effects(of_a_factor({"A": [0.9, 0.8], "B": [0.7, 0.8], "C": [0.5, 0.5]}), "level", ["dataset", "seed"])
    assert list(found.index) == ["A", "B", "C"]
    assert found["win_rate"].tolist() == [0.75, 0.25, 0]
    assert found["mean"].tolist() == pytest.approx([85, 75, 50])
    assert found["effect"].tolist() == pytest.approx([15, 5, -20])
    assert found.loc["A", ["low", "high"]].tolist() == pytest.approx([10, 20])
    assert found["conditions"].tolist() == [2, 2, 2]


def test_conditions_that_a_level_lacks_do_not_count():
    runs = of_a_factor({"A": [0.9, 0.1, 0.9], "B": [0.7, 0.7]})
    assert effects(runs, "level", ["dataset", "seed"])["mean"].tolist() == pytest.approx([50, 70])


def test_figure_4_varies_one_factor_at_a_time_or_all():
    cross, every = fig4_ablation.study().runs(), fig4_ablation.study(every=True).runs()
    assert (len(cross), len(every)) == (8 * 4 * 3, 20 * 4 * 3)
    assert {run.hash for run in cross} < {run.hash for run in every}
    for run in every:
        rule = run.config.build_method()
        assert (rule.generator, rule.density, rule.percolation) == ("bsw", 0.01, True)
        assert rule.generator_params["beta"] in fig4_ablation.BETAS


def as_results(study, score):
    """What `results` would return, with made up accuracies."""
    rows = [
        {"label": run.label, "seed": run.seed, "dataset": run.config.dataset, **run.varied, "epochs": 20,
         "best_accuracy": score(run)}
        for run in study.runs()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("every", [False, True])
def test_panels_of_figure_4(every):
    def score(run):
        rule = run.config.build_method()
        return 0.9 - abs(rule.generator_params["beta"] - 0.5) / 10 + ("relative" in str(rule.removal)) / 50

    study = fig4_ablation.study(every=every, seeds=2)
    beta, removal = fig4_ablation.panels(as_results(study, score)).values()
    assert beta["win_rate"].idxmax() == 0.5
    assert list(removal.index) == ["WM", "WM-soft", "RI", "RI-soft"]
    assert removal["win_rate"].tolist() == [0, 0, 0.5, 0.5]
    assert removal["effect"].tolist() == pytest.approx([-1, -1, 1, 1])
    assert set(beta["conditions"]) == {8 * (4 if every else 1)}


def test_figure_5_has_four_scale_free_starts_and_two_others():
    rules = {run.label.partition(",")[0]: run.config.build_method() for run in fig5_scale_free.study(seeds=1).runs()}
    assert {name: rule.generator for name, rule in rules.items()} == {
        "BSF": "bsf", "EP": "bsf+ep", "Resort": "bsf+resort", "EP + Resort": "bsf+ep+resort", "CSTI": "csti",
        "BSW": "bsw",
    }  # fmt: skip
    assert rules["BSW"].generator_params == {"beta": 0.25}


def test_panels_of_figure_5_compare_the_best_of_the_scale_free_starts():
    order = {"bsf": 0.1, "bsf+ep": 0.4, "bsf+resort": 0.2, "bsf+ep+resort": 0.3, "csti": 0.5, "bsw": 0.45}
    runs = as_results(fig5_scale_free.study(seeds=2), lambda run: order[run.config.build_method().generator])
    scale_free, starts = fig5_scale_free.panels(runs).values()
    assert scale_free["win_rate"].to_dict() == {"BSF": 0, "EP": 1, "Resort": 0, "EP + Resort": 0}
    assert list(starts.index) == ["CSTI", "BSF, EP", "BSW"]
    assert starts["win_rate"].idxmax() == "CSTI"
    figure = draw({"a": scale_free, "b": starts}, title(runs))
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0, 1, 0, 0]
    assert "2 data sets, 2 link predictors, 2 seeds, 20 epochs" in figure.get_suptitle()


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_committed_runs_are_those_of_the_study(figure):
    runs = pd.read_csv(figure.FILE)
    (epochs,), n_seeds = runs["epochs"].unique(), runs["seed"].nunique()
    planned = {(run.label, run.seed): run.hash for run in figure.study(seeds=n_seeds, epochs=int(epochs)).runs()}
    assert runs.set_index(["label", "seed"])["hash"].to_dict() == planned
    assert (runs["n_links"] == 61_465).all()
