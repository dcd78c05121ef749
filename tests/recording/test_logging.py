"""Logged values and the configuration are kept exactly, or rejected with a reason."""

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.errors import (
    InvalidTypeError,
    InvalidValueError,
)


def test_numbers_of_all_kinds_are_kept_to_the_last_bit(recorder):
    value = 0.1 + 0.2
    recorder.log(a=value, b=np.float32(value), c=torch.tensor(value), d=np.array([7]), e=3, f=10**15)
    recorder.log({"val/loss": 1e-300, "größe, m²": 2})
    row = tl.Run(recorder.path).metrics
    assert row.loc[0, ["a", "b", "c", "d", "e", "f"]].tolist() == [
        value, float(np.float32(value)), float(torch.tensor(value)), 7, 3, 10**15,
    ]  # fmt: skip
    assert row.loc[1, "val/loss"] == 1e-300
    assert row.loc[1, "größe, m²"] == 2
    assert row.loc[1, ["a", "b"]].isna().all()


def test_a_new_name_makes_a_column_and_leaves_the_rows_before(recorder):
    recorder.log(loss=1)
    recorder.log(loss=2, lr=0.1)
    recorder.log(accuracy=0.5)
    table = tl.Run(recorder.path).metrics
    assert table.columns.tolist() == ["step", "loss", "lr", "accuracy"]
    assert table["loss"].tolist()[:2] == [1, 2]
    assert table["accuracy"].isna().tolist() == [True, True, False]


def test_nan_is_kept_and_shown(recorder, loop):
    for loss in (1.0, math.nan, 0.5, math.inf):
        loop.step()
        recorder.log(loss=loss, lr=0.1)
    recorder.close()
    run = tl.Run(recorder.path)
    assert run.metrics["loss"].isna().tolist() == [False, True, False, False]
    assert run.metrics["loss"].iloc[-1] == math.inf
    assert run.not_finite == {"loss": [2, 4]}
    assert "loss was NaN or infinite at step 2, and once more later." in run.report().read_text()
    ax = tl.plotting.metrics(run, ["loss"])
    crosses = next(line for line in ax.lines if line.get_marker() == "x")
    assert crosses.get_xdata().tolist() == [2, 4]


def test_steps_follow_the_scheduler_or_are_given(recorder, loop):
    recorder.log(loss=1)
    loop.step()
    recorder.log(loss=2)
    recorder.log(loss=3)
    recorder.log({"step": 5, "loss": 4})
    recorder.log(loss=5, step=np.int64(9))
    table = tl.Run(recorder.path).metrics
    assert table["step"].tolist() == [0, 1, 1, 5, 9]
    assert table["n_steps"].fillna(-1).tolist() == [-1, -1, -1, 1, 1]
    with pytest.raises(InvalidValueError, match=r"step=8 is before the last logged step, 9: .* cannot go backwards"):
        recorder.log(loss=6, step=8)
    with pytest.raises(InvalidValueError, match="step=1 is before the last logged step, 9"):
        recorder.log(loss=6)
    assert len(tl.Run(recorder.path).metrics) == 5


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({}, InvalidValueError, "log\\(\\) got no numbers"),
        ({"step": 3}, InvalidValueError, "log\\(\\) got no numbers"),
        ({1: 2.0}, InvalidTypeError, "1 is a int: use a string as the name, such as 'loss'"),
        ({"": 2.0}, InvalidValueError, "'' must be a non-empty name"),
        ({"a\nb": 2.0}, InvalidValueError, r"'a\\nb' must be a non-empty name of printable characters"),
        ({"loss": "low"}, InvalidTypeError, "loss='low' is a str: log a number"),
        ({"loss": None}, InvalidTypeError, "loss=None is a NoneType: log a number, or leave it out"),
        ({"loss": True}, InvalidTypeError, "loss=True is a bool: log int\\(loss\\) instead"),
        ({"loss": [1.0]}, InvalidTypeError, "loss=.*is a list: log a number"),
        ({"loss": torch.ones(32)}, InvalidTypeError, "loss has 32 elements: log one number, such as their mean"),
        ({"loss": 1 + 2j}, InvalidTypeError, "is a complex"),
        ({"loss": 1.0, "n_steps": 3}, InvalidValueError, "n_steps is a column that the recorder writes"),
        ({"loss": 1.0, "step": -1}, InvalidValueError, "step=-1 must be at least 0"),
        ({"loss": 1.0, "step": 1.5}, InvalidTypeError, "step=1.5 must be a non-negative integer"),
        ({"loss": 1.0, "step": True}, InvalidTypeError, "step=True must be a non-negative integer"),
    ],
)
def test_what_cannot_be_logged(values, error, message, recorder):
    recorder.log(loss=1.0)
    before = (recorder.path / "metrics.csv").read_text()
    with pytest.raises(error, match=message):
        recorder.log(values)
    assert (recorder.path / "metrics.csv").read_text() == before
    recorder.log(loss=2.0)


class Colour(Enum):
    RED = "red"


@dataclass
class Settings:
    lr: float
    layers: tuple = (1, 2)


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        (None, {}),
        ({"lr": 1e-3, "name": None, "nested": {"a": [1, 2]}}, {"lr": 1e-3, "name": None, "nested": {"a": [1, 2]}}),
        ({"betas": (0.9, 0.999), "seed": np.int64(3)}, {"betas": [0.9, 0.999], "seed": 3}),
        ({"w": torch.tensor(0.5), "grid": np.arange(3)}, {"w": 0.5, "grid": [0, 1, 2]}),
        (
            {"device": torch.device("cpu"), "path": Path("a/b"), 3: Colour.RED},
            {"device": "cpu", "path": "a/b", "3": "red"},
        ),
        (Settings(0.1), {"lr": 0.1, "layers": [1, 2]}),
    ],
)
def test_a_configuration_is_given_back(config, kept, loop, tmp_path):
    tl.record(tmp_path / "run", loop.topology, measures=(), config=config).close()
    assert tl.Run(tmp_path / "run").config == kept


def test_the_configuration_of_a_task_makes_no_run_of_a_task(loop, tmp_path):
    config = tl.TrainConfig(epochs=3)
    with tl.record(tmp_path / "run", loop.topology, measures=(), config=config) as recorder:
        loop.run(recorder, until=5)
    run = tl.Run(tmp_path / "run")
    assert run.task is None
    assert run.config["epochs"] == 3
    assert "ran for 5 steps" in run.report().read_text()
