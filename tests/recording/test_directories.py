"""Where a new run goes: into the next free directory, or in place of a run that is removed, and nothing else."""

import pytest
from torch import nn

import topolearn as tl
from topolearn.cli import main
from topolearn.errors import ExistingFileError, InvalidValueError, TopolearnError
from topolearn.recording.writing.holding import Hold

SMALL = {"epochs": 1, "hidden": (8,), "density": 0.3, "measures": ("none",), "threads": 1}


def trained(**values):
    options = {name: values.pop(name) for name in ("overwrite", "loggers") if name in values}
    return tl.train(tl.TrainConfig(**SMALL | values), quiet=True, **options)


def recorded(path, **options):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    with tl.record(path, model, measures=["none"], **options) as recorder:
        recorder.log(loss=1.0)
    return tl.Run(path)


def test_rerunning_a_cell_creates_another_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [trained() for _ in range(3)]
    assert [str(run.path) for run in runs] == [f"runs/digits-chts-0.3-s0{end}" for end in ("", "-2", "-3")]
    assert [run.config.run_dir for run in runs] == [str(run.path) for run in runs]
    assert runs[0].metrics["train_loss"].equals(runs[2].metrics["train_loss"])


def test_an_incomplete_earlier_run_is_reported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (trained().path / "summary.json").unlink()
    incomplete = r"runs/digits-chts-0\.3-s0 is not complete: .* use topolearn\.resume\('runs/digits-chts-0\.3-s0'\)"
    with pytest.warns(UserWarning, match=incomplete) as warned:
        assert trained().path.name == "digits-chts-0.3-s0-2"
    assert [each.filename for each in warned if "is not complete" in str(each.message)] == [__file__]


def test_a_damaged_run_does_not_prevent_a_new_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (trained().path / "summary.json").write_text("{")
    assert trained().path.name == "digits-chts-0.3-s0-2"


def test_a_run_is_overwritten_on_request(tmp_path):
    path = tmp_path / "run"
    trained(run_dir=str(path), epochs=2)
    message = r"continue it with topolearn\.resume\(.*, replace it with overwrite=True"
    with pytest.raises(ExistingFileError, match=message):
        trained(run_dir=str(path))
    assert len(tl.Run(path).metrics) == 2
    assert len(trained(run_dir=str(path), overwrite=True).metrics) == 1


def test_a_recording_is_overwritten_on_request(tmp_path):
    path = tmp_path / "run"
    recorded(path, config={"lr": 1})
    with pytest.raises(ExistingFileError, match="with resume=True, replace it with overwrite=True"):
        recorded(path)
    assert recorded(path, config={"lr": 2}, overwrite=True).config == {"lr": 2}
    with pytest.raises(InvalidValueError, match="resume=True continues the run that overwrite=True would remove"):
        recorded(path, resume=True, overwrite=True)


def test_only_runs_are_removed(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    for attempt in (lambda: trained(run_dir=str(tmp_path), overwrite=True), lambda: recorded(tmp_path, overwrite=True)):
        with pytest.raises(ExistingFileError, match="exists and is not a run: choose another run_dir"):
            attempt()
    assert (tmp_path / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("mine", ["notes.txt", ".git/HEAD", "src/main.py", "another run/config.toml"])
@pytest.mark.parametrize("kind", ["task", "loop"])
def test_a_run_among_other_files_is_not_removed(tmp_path, mine, kind, tree):
    path = tmp_path / "run"

    def write(**options):
        return recorded(path, **options) if kind == "loop" else trained(run_dir=str(path), **options)

    run = write()
    run.report()
    (path / mine).parent.mkdir(exist_ok=True)
    (path / mine).write_text("years")
    before = tree(path)
    with pytest.raises(ExistingFileError, match=rf"also holds {mine.split('/')[0]}, which no run writes"):
        write(overwrite=True)
    assert tree(path) == before
    (path / mine).unlink()
    if "/" in mine:
        (path / mine).parent.rmdir()
    write(overwrite=True)


def test_a_configuration_of_another_program_is_not_a_run(tmp_path):
    (tmp_path / "config.toml").write_text('[tool.other]\nname = "x"\n')
    with pytest.raises(ExistingFileError, match="exists and is not a run"):
        trained(run_dir=str(tmp_path), overwrite=True)
    assert (tmp_path / "config.toml").exists()


def test_the_current_directory_and_links_are_not_removed(tmp_path, monkeypatch):
    path = trained(run_dir=str(tmp_path / "run")).path
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, message in (("link", rf"is a symbolic link: name {path} itself"), ("dangling", "which is missing")):
        with pytest.raises(ExistingFileError, match=message):
            trained(run_dir=str(tmp_path / name), overwrite=True)
    monkeypatch.chdir(path)
    for name in (".", str(path)):
        with pytest.raises(ExistingFileError, match="is or contains the current directory"):
            trained(run_dir=name, overwrite=True)
    assert tl.Run(path).is_complete


def test_a_run_that_is_being_written_is_not_removed(tmp_path):
    path = trained(run_dir=str(tmp_path / "run")).path
    with Hold(path), pytest.raises(InvalidValueError, match="is in use by process"):
        trained(run_dir=str(path), overwrite=True)
    assert tl.Run(path).is_complete


def test_a_mistake_leaves_the_earlier_run_alone(tmp_path):
    path = trained(run_dir=str(tmp_path / "run")).path
    beyond = {"overrides": {"generator": "csti", "zeta": 7.0}}
    for wrong in ({"dataset": "nothing.npz"}, {"device": "cuda:99"}, beyond, {"loggers": [print]}):
        with pytest.raises(TopolearnError):
            trained(run_dir=str(path), overwrite=True, **wrong)
    assert tl.Run(path).is_complete


def test_the_command_overwrites_too(tmp_path, capsys):
    path = trained(run_dir=str(tmp_path / "run")).path
    words = ["train", "--epochs", "2", "--hidden", "8", "--density", "0.3", "--measures", "none", "--quiet"]
    assert main([*words, "--run-dir", str(path)]) == 2
    assert f"continue it with topolearn train --resume {path}, replace it with --overwrite" in capsys.readouterr().err
    assert main([*words, "--run-dir", str(path), "--overwrite"]) == 0
    assert len(tl.Run(path).metrics) == 2
