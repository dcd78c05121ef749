"""`topolearn sweep`: the options that arrive, the output, and the exit status."""

from pathlib import Path

import pytest

from topolearn import studies
from topolearn.cli import main
from topolearn.training import trainer

STUDY = """
name = "small"
[base]
epochs = 1
hidden = [8]
batch_size = 256
density = 0.3
measures = ["none"]
history = "summary"
[[setting]]
label = "SET"
method = "set"
[[setting]]
label = "CHTs"
method = "chts"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(STUDY)
    Path("typo.toml").write_text("[base]\nepoch = 1\n")
    return tmp_path


def test_a_study_is_run_listed_and_retried(folder, monkeypatch, capsys):
    save = trainer.save_checkpoint

    def fails(path, model, optimizer, topology, counters, **words):
        if topology.method.name == "chts":
            raise RuntimeError("the fuse")
        save(path, model, optimizer, topology, counters, **words)

    monkeypatch.setattr(trainer, "save_checkpoint", fails)
    assert main(["sweep", "small.toml", "--list"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["run", "label", "seed", "state", "error"]
    assert [line.split()[1:] for line in shown[1:]] == [["SET", "0", "missing"], ["CHTs", "0", "missing"]]
    assert not Path("runs").exists()

    assert main(["sweep", "small.toml"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("small: 2 runs, 2 missing, 2 to do\n1/2  done ")
    assert "1 of 2 runs are not done; retry failed runs with --retry-failed:" in said.out
    assert [line.split()[1:4] for line in said.out.splitlines() if "the fuse" in line] == [["CHTs", "0", "failed"]]
    assert said.out.splitlines()[-1] == f"results {Path('runs/small/results.csv')}"

    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert main(["sweep", "small.toml", "--quiet"]) == 1
    capsys.readouterr()
    assert main(["sweep", "small.toml", "--retry-failed", "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[1].split() == ["n", "mean", "deviation", "low", "high"]
    assert [line.split()[:2] for line in lines[3:5]] == [["SET", "1"], ["CHTs", "1"]]


def test_options_arrive(folder, monkeypatch):
    given = {}

    def run_study(study, directory, **words):
        given.update(words, directory=directory, study=study.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "run_study", run_study)
    words = ["--executor", "slurm", "--jobs", "8", "--threads", "2", "--option", "slurm_partition=gpu"]
    assert main(["sweep", "small.toml", *words, "--option", "timeout_min=60", "--dir", "here", "--retry-failed"]) == 130
    assert given == {
        "study": "small",
        "directory": Path("here"),
        "executor": "slurm",
        "jobs": 8,
        "threads": 2,
        "retry_failed": True,
        "accept_changes": False,
        "options": {"slurm_partition": "gpu", "timeout_min": 60},
        "quiet": False,
    }


def test_an_interrupted_study_says_how_to_continue(folder, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "run_study", interrupted)
    assert main(["sweep", "small.toml"]) == 130
    assert (
        capsys.readouterr().err
        == "topolearn: interrupted; run the same command again to continue from the last checkpoints\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.toml"], "there is no study file nothing.toml"),
        (["typo.toml"], "typo.toml: there is no option 'epoch': did you mean 'epochs'?"),
        (["small.toml", "--jobs", "0"], "--jobs 0 must be a positive integer"),
        (["small.toml", "--threads", "0"], "--threads 0 must be a positive integer"),
        (["small.toml", "--executor", "slrum"], "unknown executor 'slrum': did you mean 'slurm'?"),
        (["small.toml", "--option", "address"], "--option 'address' must be NAME=VALUE"),
        (["small.toml", "--option", "address=x"], "executor 'processes' has no option 'address'"),
        (["small.toml", "--dir", "."], ". is not a results directory, as it has no study.toml"),
        (["small.toml", "--dir", ".", "--list"], ". is not a results directory, as it has no study.toml"),
        (["small.toml", "--dir", "small.toml/out"], "out cannot be created (Not a directory)"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_with_code_2(words, said, folder, capsys):
    assert main(["sweep", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err.splitlines()[-1]


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["sweep", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    words = ["STUDY.toml", "--dir DIR", "processes, dask, slurm", "--jobs", "--retry-failed", "--list", "[[setting]]"]
    assert [word for word in words if word not in shown] == []
    assert max(map(len, shown.splitlines())) <= 112
