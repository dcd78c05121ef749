"""The commands of studies: what they run, keep and say."""

import importlib
import runpy
from pathlib import Path

import pandas as pd
import pytest

from analysis.command import KEPT, file_of, options, runs_of
from analysis.tables import runs_in
from topolearn.errors import MissingFileError
from topolearn.studies import Study

BASE = {"epochs": 1, "hidden": [8], "density": 0.3, "history": "summary", "measures": ["none"], "threads": 1}


def study(**base):
    settings = ({"label": "SET", "method": "set"}, {"label": "CHTs", "method": "chts"})
    return Study(name="both", base=BASE | base, settings=settings)


def arguments(*words):
    return options("A study.", runs="runs", file="figures/x.csv").parse_args(["--epochs", "1", *words])


def test_finished_runs_are_written_and_read_again(tmp_path, monkeypatch):
    file = tmp_path / "figures" / "x.csv"
    found = runs_of([(study(), tmp_path / "runs")], arguments(), file, study().runs(), also=["method"])
    assert found["label"].tolist() == ["SET", "CHTs"]
    assert list(found.columns[:4]) == ["dataset", "label", "method", "seed"]
    assert found["epochs"].tolist() == [1, 1]
    monkeypatch.setattr("analysis.command.train_missing", None)
    again = runs_of([(study(), tmp_path / "runs")], arguments("--table"), file, [])
    pd.testing.assert_frame_equal(again, found)


def test_a_table_that_nobody_wrote_names_what_writes_it(tmp_path):
    file = tmp_path / "x.csv"
    with pytest.raises(MissingFileError, match=rf"no file {str(file)!r}: run the command without --table"):
        runs_of([(study(), tmp_path / "runs")], arguments("--table"), file, study().runs())


def test_runs_that_failed_are_named_and_left_out(tmp_path, capsys):
    file = tmp_path / "x.csv"
    with pytest.raises(SystemExit, match=r"no run in .* is done"):
        failing = study(dataset="mnist", data_dir=str(tmp_path))
        runs_of([(failing, tmp_path / "runs")], arguments(), file, failing.runs())
    said = capsys.readouterr().out
    assert said.count("failed MissingFileError") == 2
    assert "CHTs, seed 0" in said
    assert not file.exists()


def test_a_part_of_a_study_does_not_push_out_the_rest(tmp_path):
    file, path = tmp_path / "x.csv", tmp_path / "runs"
    both = study()
    parts = [Study(name="both", base=BASE, settings=(each,)) for each in both.settings]
    runs_of([(parts[1], path)], arguments(), file, both.runs())
    assert pd.read_csv(file)["label"].tolist() == ["CHTs"]
    found = runs_of([(parts[0], path)], arguments(), file, both.runs())
    assert found["label"].tolist() == ["SET", "CHTs"]


def test_runs_whose_rows_are_in_the_file_are_kept_and_not_repeated(tmp_path):
    file, elsewhere = tmp_path / "figures" / "x.csv", study().runs()[0]
    row = dict.fromkeys(KEPT) | {"dataset": "digits", "label": elsewhere.label, "seed": 0, "hash": elsewhere.hash}
    row["best_accuracy"] = 0.5
    other = row | {"label": "of another plan", "hash": "0" * 12}
    file.parent.mkdir()
    pd.DataFrame([other, row]).to_csv(file, index=False)
    found = runs_of([(study(), tmp_path / "runs")], arguments(), file, study().runs())
    assert found["label"].tolist() == ["SET", "CHTs"]
    assert found["best_accuracy"][0] == 0.5
    assert not (tmp_path / "runs" / elsewhere.hash).exists()


def test_runs_that_were_done_before_are_written(tmp_path):
    file, path = tmp_path / "x.csv", tmp_path / "runs"
    runs_of([(study(), path)], arguments(), file, study().runs())
    file.unlink()
    assert len(runs_of([(study(), path)], arguments(), file, study().runs())) == 2


@pytest.mark.parametrize("module", ["table1_mlp", "fig4_ablation", "fig5_scale_free", "cifar10_mlp"])
def test_a_trial_of_few_epochs_leaves_the_results_alone(module):
    analysis = importlib.import_module(f"analysis.{module}")
    assert file_of(analysis.FILE, analysis.EPOCHS, analysis.EPOCHS) == analysis.FILE
    assert file_of(analysis.FILE, 1, analysis.EPOCHS).name == f"{module}_1_epochs.csv"


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("table1_mlp", "seeds"),
        ("fig4_ablation", "seeds"),
        ("fig5_scale_free", "seeds"),
        ("preset_search", "first-epochs"),
    ],
)
def test_a_study_of_nothing_is_refused_in_one_line(name, option, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", [name, f"--{option}", "0"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=rf"^error: .*{option.rpartition('-')[2]}"):
        runpy.run_path(importlib.import_module(f"analysis.{name}").__file__, run_name="__main__")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["table1_mlp", "table2_translation", "table2_curves", "preset_search"])
def test_the_tables_that_are_there_are_read(name):
    assert len(runs_in(Path(__file__).parents[2] / "figures" / f"{name}.csv"))
