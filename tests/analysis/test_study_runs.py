"""Runs of a study are trained once, continued, and never taken for others."""

import pytest

from analysis.runs import finished_run
from topolearn.errors import InvalidValueError
from topolearn.training import TrainConfig, trainer


@pytest.fixture
def config(tmp_path):
    return TrainConfig(hidden=(16,), epochs=2, threads=1, overrides={"zeta": 0.2}, run_dir=tmp_path / "run")


def test_a_finished_run_is_not_trained_again(config, monkeypatch):
    first = finished_run(config)
    monkeypatch.setattr(trainer.Trainer, "run", None)
    again = finished_run(config)
    assert again.path == first.path
    assert again.summary == first.summary


def test_an_interrupted_run_is_continued(config, monkeypatch):
    save = trainer.save_checkpoint

    def stop_in_the_second_epoch(path, *args):
        if args[-1]["epoch"] == 2:
            raise KeyboardInterrupt
        save(path, *args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trainer, "save_checkpoint", stop_in_the_second_epoch)
        finished_run(config)
    run = finished_run(config)
    assert run.is_complete
    assert run.metrics["epoch"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "was made with epochs=2, not 3: choose another --runs folder"),
        ({"density": 0.2}, "was made with density=0.05, not 0.2"),
        ({"hidden": (20,)}, "was made with hidden="),
        ({"overrides": {"zeta": 0.1}}, "was made with zeta=0.2, not 0.1"),
    ],
)
def test_a_run_of_other_values_is_refused(config, change, message):
    finished_run(config)
    with pytest.raises(InvalidValueError, match=message):
        finished_run(config.with_values(change))
