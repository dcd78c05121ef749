"""The search for a preset: what competes, on which data, and who wins."""

from dataclasses import asdict, replace

import pandas as pd
import pytest

import topolearn as tl
from analysis import preset_search
from analysis.preset_search import (
    CHANGES,
    FILE,
    REFERENCE,
    changed,
    combinations,
    finalists,
    gains,
    ranking,
    study,
)
from analysis.table1_mlp import study as table1
from topolearn.errors import InvalidValueError, StudyError
from topolearn.studies.identity import identity


def test_every_candidate_trains_one_percent_and_never_sees_the_test_set():
    labels = list(combinations())
    assert len(labels) == 2 * 2 * 4
    rows = combinations() | changed(labels[0]) | changed(labels[-1])
    planned = study(rows, "first", data_dir="data", seeds=1, epochs=40)
    assert len(planned.runs()) == 2 * (16 + 2 * len(CHANGES))
    for run in planned.runs():
        assert run.config.dataset.endswith("+validation")
        rule = run.config.build_method()
        assert (rule.density, rule.initial_density) == (0.01, 0.01)
        assert rule.percolation == ("no percolation" not in run.label)


@pytest.mark.parametrize("label", combinations())
def test_a_changed_setting_differs_in_that_part_alone(label):
    def rules(rows):
        planned = study(rows, "first", data_dir="data", seeds=1, epochs=40).runs()
        return {run.label.rpartition(", dataset=")[0]: run.config.build_method() for run in planned}

    (rule,) = rules({label: combinations()[label]}).values()
    found = rules(changed(label))
    assert list(found) == [f"{label}; {word}" for word in CHANGES]
    for word, change in CHANGES.items():
        after = asdict(found[f"{label}; {word}"])
        differing = {name for name, value in asdict(rule).items() if after[name] != value}
        assert differing == {name.partition(".")[0] for name in change}


def test_the_reference_is_the_papers_row():
    (row,) = [run for run in table1("mnist", seeds=1).runs() if run.label == "CHTs (CH3-L3p)"]
    (mine,) = [
        run
        for run in study({REFERENCE: combinations()[REFERENCE]}, "last", data_dir="data", seeds=1, epochs=100).runs()
        if run.config.dataset == "mnist+validation"
    ]
    assert mine.config.build_method() == row.config.build_method()
    theirs, ours = identity(row.config)["train"], identity(mine.config)["train"]
    assert ours == theirs | {"dataset": "mnist+validation"}


def stage(accuracies):
    """Runs of settings with an accuracy on each of two data sets."""
    rows = [
        {"label": f"{label}, dataset={dataset}", "dataset": dataset, "seed": seed, "best_accuracy": value + seed / 100}
        for label, several in accuracies.items()
        for dataset, value in zip(("a", "b"), several, strict=True)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


def without(runs, setting, lost):
    """The runs but those of a setting with all these values."""
    gone = runs["label"].str.startswith(f"{setting}, dataset")
    for column, value in lost.items():
        gone &= runs[column] == value
    return runs[~gone]


def test_the_least_gain_over_the_reference_decides():
    runs = stage({"high, low": (0.99, 0.7), REFERENCE: (0.9, 0.8), "even": (0.91, 0.82), "as well": (0.9, 0.81)})
    found = ranking(runs)
    assert list(found.index) == ["even", REFERENCE, "as well", "high, low"]
    assert found.loc["even", ["a", "b", "gain"]].tolist() == pytest.approx([91.5, 82.5, 1])
    assert found["gain"].tolist() == pytest.approx([1, 0, 0, -10])
    assert finalists(runs, 2) == ["even", "as well", REFERENCE]


def test_gains_are_paired_with_the_reference_by_seed_on_each_data_set():
    runs = stage({"high, low": (0.99, 0.7), REFERENCE: (0.9, 0.8), "even": (0.91, 0.82), "half": (0.99, 0.99)})
    runs = without(runs, "half", {"dataset": "b"})
    runs.loc[(runs["label"] == "even, dataset=a") & (runs["seed"] == 1), "best_accuracy"] += 0.02  # gains of 1 and 3
    found = gains(runs, "a")
    assert list(found.index) == ["even", "high, low"]
    assert found["difference"].tolist() == ["+2.00", "+9.00"]
    assert found["95 % interval"].tolist() == ["+1.00 to +3.00", "+9.00 to +9.00"]
    assert gains(runs, "b")["difference"].tolist() == ["+2.00", "-10.00"]


@pytest.mark.parametrize("lost", [{"dataset": "b"}, {"dataset": "a", "seed": 1}], ids=str)
def test_settings_of_which_a_run_failed_are_no_finalists(lost):
    runs = stage({"half": (0.99, 0.99), REFERENCE: (0.9, 0.8), "worse": (0.8, 0.7)})
    left = without(runs, "half", lost)
    assert list(ranking(left).index) == [REFERENCE, "worse", "half"]
    assert finalists(left, 2) == ["worse", REFERENCE]


@pytest.mark.parametrize("lost", [{}, {"dataset": "b"}, {"dataset": "a", "seed": 1}], ids=str)
def test_without_the_whole_reference_nothing_is_ranked(lost):
    runs = stage({"other": (0.99, 0.99), REFERENCE: (0.9, 0.8)})
    with pytest.raises(StudyError, match=r"not all runs of 'CSTI, WM-soft, CH3-L3p-soft' are done"):
        ranking(without(runs, REFERENCE, lost))
    with pytest.raises(StudyError, match=r"not all runs"):
        ranking(runs[runs["dataset"] == "a"])


def test_a_candidate_that_does_not_fit_is_refused_before_anything_runs():
    rows = {"odd": {"method": "chts", "removal": None}}
    with pytest.raises(InvalidValueError, match=r"setting 'odd, dataset=mnist.validation'"):
        study(rows, "first", data_dir="data", seeds=1, epochs=1)


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_search_without_finalists_is_refused_before_anything_runs(number, monkeypatch, command):
    monkeypatch.setattr(preset_search, "runs_of", None)
    with pytest.raises(InvalidValueError, match=f"finalists={number} must be 1 or more"):
        command(preset_search, "--finalists", number)


def test_the_best_combination_is_changed_and_the_best_of_all_are_finalists(tmp_path, monkeypatch, capsys, command):
    asked = []

    def made_up(studies, args, file, plan):
        ((planned, path),) = studies
        assert plan == planned.runs()
        asked.append((path.name, args.epochs))
        rows = [
            {"label": run.label, "dataset": run.config.dataset, "seed": run.seed, "hash": run.hash, "best_accuracy":
             0.9 + 0.01 * ("RI-soft, gradient-soft" in run.label) + 0.02 * ("zeta .5" in run.label)}
            for run in planned.runs()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    monkeypatch.setattr(preset_search, "FILE", tmp_path / "x.csv")
    monkeypatch.setattr(preset_search, "runs_of", made_up)
    command(preset_search, "--first-epochs", 4, "--epochs", 10, "--seeds", 2, "--finalists", 2)
    assert asked == [("combinations", 4), ("changes", 4), ("finalists", 10)]
    runs = pd.read_csv(tmp_path / "x.csv")
    assert runs.groupby("stage")["hash"].nunique().to_dict() == {"combinations": 32, "changes": 16, "finalists": 12}
    best = "CSTI, RI-soft, gradient-soft"
    last = ranking(runs[runs["stage"] == "finalists"])
    assert list(last.index) == [f"{best}; zeta .5", best, REFERENCE]
    assert last["gain"].tolist() == pytest.approx([3, 1, 0])
    said = capsys.readouterr().out
    monkeypatch.setattr(preset_search, "runs_of", None)
    command(preset_search, "--table")
    assert capsys.readouterr().out == said
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "x.csv"), runs)


@pytest.mark.parametrize("name", ["combinations", "changes", "finalists"])
def test_committed_runs_are_those_of_the_search(name):
    runs = pd.read_csv(FILE)
    first = runs[runs["stage"] != "finalists"]
    best = str(ranking(first[first["stage"] == "combinations"]).index[0])
    rows = combinations() | changed(best)
    chosen = {"combinations": combinations(), "changes": changed(best)}
    chosen["finalists"] = {label: rows[label] for label in finalists(first, 6)}
    here = runs[runs["stage"] == name]
    (epochs,), n_seeds = here["epochs"].unique(), here["seed"].nunique()
    planned = study(chosen[name], name, data_dir="data", seeds=n_seeds, epochs=int(epochs)).runs()
    assert here.set_index(["label", "seed"])["hash"].to_dict() == {(run.label, run.seed): run.hash for run in planned}


def test_the_named_method_is_the_winner():
    runs = pd.read_csv(FILE)
    winner = str(ranking(runs[runs["stage"] == "finalists"]).index[0])
    (run, _) = study(
        {winner: changed(winner.partition("; ")[0])[winner]}, "last", data_dir="data", seeds=1, epochs=100
    ).runs()
    named, found = tl.method("rigl-soft", density=0.01), run.config.build_method()
    assert replace(found, name=named.name, title=named.title, paper=named.paper) == named
