"""Table 4: constant answers in the paper's table, which runs answer, and what the tables say."""

import pandas as pd
import pytest

from analysis import table4_zeroshot
from analysis.table4_zeroshot import COLUMNS, answer_all, labelled_runs, missing_tasks, read_rows
from analysis.zero_shot_results import COUNTS, PAPER, constant_with, paper_comparison, paper_table, scores, wins
from tests.tasks.language.small import SIZES, write_corpus
from tests.tasks.zero_shot.glue import write_glue
from topolearn.errors import MissingFileError
from topolearn.studies import Study, run_study
from topolearn.tasks.zero_shot import CONSTANT, UNTRAINED, ZERO_SHOT


def rows():
    """Return made-up rows of a dense and a sparse setting, two seeds, three tasks."""
    made, tasks = [], ("cola", "rte", "cb")
    for label, method, bonus in (("FC", "dense", 0.0), ("CHTss 90 %", "chtss", 0.1)):
        setting = {"label": label, "model": "trained", "method": method, "density": 0.1, "mcc": bonus}
        for seed in (0, 1):
            for k, task in enumerate(tasks):
                accuracy = 0.5 + 0.1 * k + 0.01 * seed + bonus * (k != 1)
                share = 1.0 if task == "cola" else 0.6
                answers = {"seed": seed, "task": task, "accuracy": accuracy, "commonest_share": share}
                made.append(setting | answers)
    constant = {"label": CONSTANT, "model": CONSTANT, "accuracy": 0.5, "mcc": 0.0, "commonest_share": 1.0}
    made += [constant | {"task": task} for task in tasks]
    return pd.DataFrame(made).reindex(columns=list(COLUMNS))


def test_four_entries_of_the_paper_are_constant_answers():
    constant = {(task, who): constant_with(task, pair[who]) for task, pair in PAPER.items() for who in (0, 1)}
    assert {key: each for key, each in constant.items() if each} == {
        ("cola", 1): "yes", ("sst2", 1): "negative", ("qqp", 1): "yes", ("cb", 1): "False",
    }  # fmt: skip
    assert all(len(counts) == len(ZERO_SHOT[task].answers) for task, counts in COUNTS.items())
    table = paper_table()
    assert table.loc["cola", "best constant answer"] == "69.13 (yes)"
    assert table.loc["qqp", "is a constant answer"] == "CHTss: yes"
    assert pd.isna(table.loc["hellaswag", "best constant answer"])
    compared = paper_comparison()
    assert compared["tasks"].tolist() == [12, 8]
    assert compared["win rate"].iloc[0] == "0.83"


def test_scores_are_means_over_seeds_with_a_star_at_constant_answers():
    table = scores(rows(), "accuracy")
    assert list(table.index) == ["FC", "CHTss 90 %", CONSTANT]
    assert table.loc["FC"].tolist() == ["50.50*", "60.50", "70.50", "60.50"]
    assert table.loc[CONSTANT].tolist() == ["50.00"] * 4
    assert scores(rows(), "mcc").loc["CHTss 90 %", "rte"] == "0.100"


def test_settings_are_compared_with_the_dense_one_over_tasks_and_seeds():
    table = wins(rows())
    assert table.index.name == "against FC"
    [row] = table.to_dict("records")
    assert row["pairs"] == 6
    assert row["accuracy, win rate"] == "0.83"  # it ties at one of three tasks
    assert row["mcc, win rate"] == "1.00"
    assert wins(rows().query("method != 'dense'")).empty


def test_what_was_answered_is_not_asked_again():
    answered = pd.DataFrame({"hash": ["a", "a", "b"], "model": ["trained", UNTRAINED, "trained"], "task": ["rte"] * 3})
    assert missing_tasks(answered, "trained", "a", ["rte", "cb"]) == ["cb"]
    assert missing_tasks(answered, UNTRAINED, "b", ["rte", "cb"]) == ["rte", "cb"]


def test_a_directory_without_runs_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="there is no finished run in"):
        labelled_runs([tmp_path])


@pytest.mark.slow  # the harness takes seconds to be imported
def test_runs_of_a_study_answer_once(tmp_path, monkeypatch, capsys):
    pytest.importorskip("lm_eval")
    monkeypatch.setattr(table4_zeroshot, "FILE", tmp_path / "table4.csv")
    data_dir = write_glue(tmp_path)
    write_corpus(tmp_path)
    base = {**SIZES, "window": 128, "batch_windows": 1, "dataset": str(tmp_path), "cache_dir": str(tmp_path / "cache")}
    settings = ({"label": "FC", "method": "dense"}, {"label": "CHTs 70 %", "method": "chts", "density": 0.3})
    study = Study(name="methods", base=base, settings=settings, seeds=(0, 1), task="language")
    run_study(study, tmp_path / "runs")
    listed = labelled_runs([tmp_path / "runs"])
    assert [row["label"] for row in listed] == ["FC", "CHTs 70 %"] * 2
    assert [row["seed"] for row in listed] == [0, 0, 1, 1]
    assert [row["hash"] for row in listed] == [run.hash for run in study.runs()]
    answer_all(listed, ["rte", "cb"], data_dir=data_dir)
    written = read_rows()
    assert len(written) == 2 * (4 + 2 + 1)  # four runs, two as they began, one constant answer
    assert set(written.columns) == set(COLUMNS)
    assert ",0.0," not in (tmp_path / "table4.csv").read_text().split("\n")[1].partition("rte")[0]  # a seed is whole
    capsys.readouterr()
    answer_all(listed, ["rte", "cb", "copa"], data_dir=data_dir)
    assert capsys.readouterr().err.count("  copa  ") == 6
    again = read_rows()
    pd.testing.assert_frame_equal(again[: len(written)], written)
    assert len(again) == 3 * 7
    assert list(scores(again, "mcc").index) == ["FC", "CHTs 70 %", UNTRAINED, CONSTANT]
