"""``topolearn evaluate`` as it is typed: what is rejected before anything is evaluated."""

import pytest

from topolearn.cli import main
from topolearn.tasks import packages
from topolearn.training import TrainConfig, train


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "mlp"
    train(TrainConfig(method="static", density=0.1, epochs=1, hidden=(8,), run_dir=str(path)), quiet=True)
    return path


def rejected(capsys, *words):
    assert main(["evaluate", *map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    return line


def test_an_unknown_task_is_rejected_with_the_nearest_name(capsys, tmp_path):
    line = rejected(capsys, tmp_path / "run", "--tasks", "cola,rt")
    assert "unknown zero-shot task 'rt': did you mean 'rte'? Known names: cola, sst2," in line
    assert "tasks=[] must be a list of one or more names" in rejected(capsys, tmp_path / "run", "--tasks", ",")


def test_anything_but_the_run_of_a_language_model_is_rejected(capsys, tmp_path, classifier):
    assert f"{tmp_path / 'run'}" in rejected(capsys, tmp_path / "run")
    assert "is not the run of a language model: give a run with task = 'language'" in rejected(capsys, classifier)
    assert "the same run is given twice" in rejected(capsys, classifier, classifier)


def test_a_table_that_cannot_be_written_is_rejected(capsys, tmp_path):
    line = rejected(capsys, tmp_path / "run", "--output", tmp_path / "missing" / "table.csv")
    assert "there is no directory" in line


def test_without_the_harness_the_extra_is_named(monkeypatch):
    def no_harness(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(packages.importlib, "import_module", no_harness)
    with pytest.raises(ImportError, match=r"No module named 'lm_eval': pip install 'topolearn\[eval\]'"):
        packages.eval_package("lm_eval")
