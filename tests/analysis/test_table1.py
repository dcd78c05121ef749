"""Table 1: what its rows train, and what becomes of the runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import topolearn as tl
from analysis.mlp_results import TITLES, differences, draw, table
from analysis.table1_mlp import DATASETS, FILE, GROUPS, PAIRS, PAPER, study

SOFT = "weight_magnitude-soft"
ROWS = {  # first and other layers' start, removal, regrowth, percolation
    "CHTs (CH3-L3p)": (None, "csti", SOFT, "ch3_l3p-soft", True),
    "CHTs (CH2-L3n)": (None, "csti", SOFT, "ch2_l3n-soft", True),
    "CHT": (None, "csti", "weight_magnitude", "ch3_l3p", True),
    "RigL": (None, "er", "weight_magnitude", "gradient", False),
    "SET": (None, "er", "weight_magnitude", "random", False),
    "CHTs (CH3-L3p), EM&S": (None, "csti", "weight_magnitude", "ch3_l3p-soft", True),
    "CHTs (CH3-L3p), RI-soft": (None, "csti", "relative_importance-soft", "ch3_l3p-soft", True),
    "CHTs (CH2-L3n), RI-soft": (None, "csti", "relative_importance-soft", "ch2_l3n-soft", True),
    "RigL, CSTI": (None, "csti", "weight_magnitude", "gradient", False),
    "SET, CSTI": (None, "csti", "weight_magnitude", "random", False),
    "static, CSTI": (None, "csti", None, None, False),
    "RigL-soft": (None, "csti", SOFT, "gradient", False),
}


def methods():
    return {run.label: run.config.build_method() for run in study("mnist", seeds=1).runs()}


@pytest.mark.parametrize("label", ROWS)
def test_rows_are_the_papers(label):
    rule = methods()[label]
    found = (rule.input_generator, rule.generator, rule.removal, rule.regrowth, rule.percolation)
    assert found == ROWS[label]
    assert (rule.density, rule.zeta_schedule == "cosine") == (0.01, label in ("RigL", "RigL, CSTI"))


def test_every_sparse_row_has_a_twin_that_starts_from_csti_and_bsw():
    rules = methods()
    sparse = {name for group in ("paper", "ri-soft") for name in GROUPS[group]}
    others = {"CHT, never stopped": {"early_stop": False}, "CHTs (CH3-L3p), no weight decay": {}}
    cosine = {"zeta_schedule": "cosine", "stop_fraction": 0.75}
    others |= {"CHT, cosine zeta": cosine, "CHT, cosine zeta, never stopped": cosine | {"early_stop": False}}
    others |= {f"{name}, dense weights' scale": {"weight_scale": "cells"} for name in ("RigL", "SET")}
    assert set(rules) == {"FC"} | set(ROWS) | set(others) | {f"{name}, CSTI + BSW" for name in sparse}
    for name in sparse:
        start = {"input_generator": "csti", "generator": "bsw", "generator_params": {"beta": 0.25}}
        assert rules[f"{name}, CSTI + BSW"] == rules[name].with_overrides(start)
    for name, change in others.items():
        assert rules[name] == rules[name.partition(",")[0]].with_overrides(change)
    assert rules["FC"].is_dense


def test_our_own_row_is_the_method_of_that_name():
    named = tl.method("rigl-soft", density=0.01)
    assert replace(methods()["RigL-soft"], name=named.name, title=named.title, paper=named.paper) == named


def test_em_s_starts_at_six_percent_and_ends_at_one():
    rule = methods()["CHTs (CH3-L3p), EM&S"]
    assert (rule.initial_density, rule.density, rule.density_schedule, rule.zeta) == (0.06, 0.01, "em_s", None)
    assert (rule.stop_fraction, rule.decay_end) == (0.75, 0.75)


def test_training_is_that_of_table_5():
    for run in study("fashion_mnist", seeds=3).runs():
        config = run.config
        assert (config.epochs, config.batch_size, config.lr, config.momentum) == (100, 32, 0.025, 0.9)
        assert config.dataset == "fashion_mnist"
        assert config.weight_decay == (0 if "no weight decay" in run.label else 5e-4)
        assert config.backend == ("masked" if run.label == "FC" else "csr")
        assert config.build_method().zeta == (None if "EM&S" in run.label else 0.3)


def some_runs():
    """Two methods and two seeds on both data sets, by hand."""
    rows = [
        {"dataset": dataset, "label": label, "seed": seed, "best_accuracy": best + 0.001 * seed, "last_accuracy": best,
         "active_neurons": 0.2, "active_neurons_authors": 0.3, "seconds": 100.0 + seed, "epochs": 100}
        for dataset in DATASETS
        for label, best in (("CHTs (CH3-L3p)", 0.98), ("SET", 0.97))
        for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_table_beside_the_papers():
    row = table(some_runs(), "mnist", PAPER["mnist"]).loc["SET"]
    assert row["seeds"] == 2
    assert row["best epoch"] == "97.05 (0.07)"
    assert row["95 % interval"] == "97.00 to 97.10"
    assert row["last epoch"] == "97.00 (0.00)"
    assert (row["paper"], row["difference"]) == ("98.14 (0.02)", "-1.09")
    assert tuple(row[["ANP, hidden neurons", "ANP, authors' count", "paper's ANP"]]) == ("20 %", "30 %", "100 %")
    assert row["seconds"] == "100"


def test_rows_that_the_paper_lacks_and_single_runs_have_gaps():
    runs = some_runs().replace({"label": {"SET": "SET, CSTI"}})
    row = table(runs[runs["seed"] == 1], "fashion_mnist", PAPER["fashion_mnist"]).loc["SET, CSTI"]
    assert (row["best epoch"], row["seeds"]) == ("97.10", 1)
    assert row[["95 % interval", "paper", "difference", "paper's ANP"]].isna().all()


def test_differences_are_paired_by_seed():
    found = differences(some_runs(), "mnist", PAIRS)
    assert list(found.index) == ["CHTs (CH3-L3p) - SET"]
    row = found.iloc[0]
    assert tuple(row) == (2, "+1.00", "+1.00 to +1.00", "1.00")


def test_a_figure_of_both_data_sets():
    figure = draw(some_runs(), PAPER)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [TITLES[name] for name in DATASETS]
    for ax, dataset in zip(figure.axes, DATASETS, strict=True):
        assert [label.get_text() for label in ax.get_yticklabels()] == ["CHTs (CH3-L3p)", "SET"]
        drawn = np.concatenate([np.atleast_1d(line.get_xdata()) for line in ax.lines])
        assert {98.05, 97.05, PAPER[dataset]["SET"][0]} <= set(drawn.round(6))


def test_committed_runs_are_those_of_the_study():
    runs = pd.read_csv(FILE)
    for dataset, group in runs.groupby("dataset"):
        planned = {(run.label, run.seed): run.hash for run in study(str(dataset)).runs()}
        for row in group.itertuples():
            assert planned[row.label, row.seed] == row.hash, (dataset, row.label, row.seed)
    assert not runs.duplicated("hash").any()
    assert (runs.loc[runs["label"] != "FC", "n_links"] == 61_465).all()
