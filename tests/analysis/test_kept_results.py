"""What files keep of runs that are elsewhere: rows stay, are replaced, or are left out when their plans change."""

import pandas as pd
import pytest

from analysis import table2_translation, transformer_runs
from analysis.kept_results import as_planned, joined, kept_rows, read_lines, train_missing, write_lines
from tests.studies.small import small_study
from topolearn.errors import CorruptFileError
from topolearn.recording.tables.growing import to_the_last_bit
from topolearn.studies import results


def of_run(run, **values):
    return {"label": run.label, "seed": run.seed, "hash": run.hash, **values}


def table(runs, value):
    rows = pd.DataFrame([of_run(run, bleu=value + 0.1234567890123456) for run in runs])
    curves = pd.DataFrame([of_run(run, step=step, val_bleu=value) for run in runs for step in (1, 2)])
    return rows, curves.drop(columns="hash")


@pytest.fixture
def planned():
    return small_study(seeds=[0, 1]).runs()


def write(tables, file, planned):
    kept, drawn = ["label", "seed", "hash", "bleu"], ["label", "seed", "step", "val_bleu"]
    transformer_runs.write(tables, file, kept, drawn, planned)
    curves = pd.read_csv(transformer_runs.curves_of(file))
    return pd.read_csv(file, **to_the_last_bit(pd.__version__)), curves


def test_rows_of_other_places_stay_in_the_order_of_the_plan(tmp_path, planned):
    file = tmp_path / "table9_x.csv"
    write([table(planned[2:], 10.0)], file, planned)
    runs, curves = write([table(planned[:3], 20.0)], file, planned)
    assert list(zip(runs["label"], runs["seed"], strict=True)) == [("SET", 0), ("SET", 1), ("CHTs", 0), ("CHTs", 1)]
    assert runs["bleu"].tolist() == [20.1234567890123456] * 3 + [10.1234567890123456]
    assert curves["val_bleu"].tolist() == [20.0] * 6 + [10.0] * 2
    before = file.read_bytes()
    write([], file, planned)
    assert file.read_bytes() == before


def test_rows_of_another_plan_are_left_out(tmp_path, planned):
    file = tmp_path / "table9_x.csv"
    write([table(planned, 10.0)], file, planned)
    changed = small_study(seeds=[0, 1], base={"epochs": 3}).runs()
    assert kept_rows(file, changed).empty
    runs, curves = write([table(changed[:1], 20.0)], file, changed)
    assert (len(runs), len(curves)) == (1, 2)
    with pytest.raises(SystemExit, match="no run is finished yet"):
        write([], file, planned)


def test_all_columns_are_kept_and_rows_of_a_run_stay_in_order(planned):
    rows = pd.DataFrame([of_run(run, place=place, step=i) for run in planned[::-1] for i, place in enumerate("ba")])
    ordered = as_planned(rows, planned)
    assert list(ordered.columns) == list(rows.columns)
    assert list(zip(ordered["label"], ordered["seed"], ordered["place"], strict=True)) == [
        (label, seed, place) for label in ("SET", "CHTs") for seed in (0, 1) for place in "ba"
    ]


def test_without_a_file_nothing_is_kept(tmp_path, planned):
    assert kept_rows(tmp_path / "none.csv", planned).empty
    (tmp_path / "bad.csv").write_text("label,seed\nSET,0\n")
    with pytest.raises(CorruptFileError, match=r"bad\.csv"):
        kept_rows(tmp_path / "bad.csv", planned)


def test_nothing_joins_with_nothing():
    rows = pd.DataFrame({"label": ["SET"], "seed": [0]})
    pd.testing.assert_frame_equal(joined(rows, rows[:0]), rows)
    pd.testing.assert_frame_equal(joined(rows[:0], rows), rows)
    assert joined(rows[:0], rows[:0]).empty
    assert as_planned(rows, []).equals(rows)


@pytest.mark.parametrize("lines", [[], [""], ["ein Hund", "", "zwei\u2028Katzen", "drei\x85"]])
def test_lines_come_back_and_files_are_the_same(tmp_path, lines):
    for name in ("a.gz", "b.gz"):
        write_lines(tmp_path / "new" / name, lines)
    assert read_lines(tmp_path / "new" / "a.gz") == lines
    assert (tmp_path / "new" / "a.gz").read_bytes() == (tmp_path / "new" / "b.gz").read_bytes()


def test_tables_are_written_as_runs_end_and_not_for_those_that_fail(tmp_path):
    settings = ({"label": "none", "dataset": "mnist", "data_dir": str(tmp_path)}, {"label": "SET", "method": "set"})
    small, states = small_study(settings=settings, seeds=[0]), []

    def note():
        table = results(small, tmp_path / "out")
        states.append(dict(zip(table["label"], table["state"], strict=True)))

    train_missing(small, tmp_path / "out", note, jobs=1, only=lambda run: True)
    assert states == [{"none": "failed", "SET": "done"}]
    train_missing(small, tmp_path / "out", note, jobs=1, only=lambda run: run.label == "SET")
    assert len(states) == 1


def test_a_run_is_missing_until_its_row_and_its_translations_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr(table2_translation, "FILE", tmp_path / "table2.csv")
    monkeypatch.setattr(table2_translation, "TEXTS", tmp_path / "texts")
    runs = {
        run.label: run for name in ("seeds", "methods") for run in table2_translation.study(name, 1, tmp_path).runs()
    }
    compared, alone = runs["CHTs 10 %"], runs["MEST 10 %"]
    assert table2_translation.is_missing(compared)
    pd.DataFrame([of_run(compared), of_run(alone)]).to_csv(tmp_path / "table2.csv", index=False)
    assert not table2_translation.is_missing(alone)
    assert table2_translation.is_missing(compared)
    write_lines(table2_translation.translations_of("CHTs 10 %", 0), ["ein Satz"])
    assert not table2_translation.is_missing(compared)
    assert len(
        {table2_translation.translations_of(run.label, run.seed) for run in table2_translation.planned()}
    ) == len(table2_translation.planned())
