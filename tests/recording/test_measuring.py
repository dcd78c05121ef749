"""Measures during training: when they are taken, of which graphs, and where they are written and logged."""

import importlib.util
import json
import math

import pandas as pd
import pytest

import topolearn as tl
from topolearn.cli import main
from topolearn.diagnostics import MEASURES
from topolearn.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingPackageError,
    UndefinedMeasureWarning,
)
from topolearn.recording.writing.measuring import DEFAULT, NETWORK
from topolearn.training import Logger, TensorBoardLogger

NAMES = ["hidden1", "hidden2"]


class Listener:
    def __init__(self):
        self.metrics, self.figures = [], []

    def log_metrics(self, metrics, step):
        json.dumps(metrics)  # plain numbers by name
        self.metrics.append((step, metrics))

    def log_figure(self, name, figure, step):
        self.figures.append((name, step, len(figure.axes)))


def test_every_value_is_the_measure_of_the_graph_then(chts):
    table = chts.measures
    assert sorted(table["step"].unique()) == chts.history.steps
    for step, graphs in chts.history.replay():
        rows = table[table["step"] == step].set_index("layer")
        assert list(rows.index) == [*NAMES, NETWORK]
        for name in DEFAULT:
            if MEASURES[name].of == "network":
                assert rows.loc[NETWORK, name] == MEASURES[name](tl.LayeredNetwork(graphs))
                assert rows.loc[NAMES, name].isna().all()
            else:
                assert rows.loc[NAMES, name].tolist() == [MEASURES[name](graph) for graph in graphs.values()]


def test_the_last_values_of_the_network_are_in_the_metrics(chts):
    for row in chts.metrics.itertuples():
        known = chts.measures[(chts.measures["layer"] == NETWORK) & (chts.measures["step"] <= row.step)]
        assert row.hub_share == known["hub_share"].iloc[-1]


def test_measures_are_chosen_and_taken_at_intervals(small, tmp_path):
    run = tl.train(
        small(tmp_path / "run", measures=["n_components", "active_neurons"], measure_every=4, epochs=2), quiet=True
    )
    assert run.measures["index"].unique().tolist() == [0, 4, 8]
    assert run.measures.columns.tolist() == ["index", "step", "layer", "n_components", "active_neurons"]
    assert run.metrics.columns.tolist().count("active_neurons") == 1


def test_without_measures_there_is_no_table(small, tmp_path):
    for i, none in enumerate(([], ["none"])):
        run = tl.train(small(tmp_path / str(i), measures=none, epochs=1), quiet=True)
        assert run.measures.empty
        assert not (run.path / "measures.csv").exists()
        assert "closure" not in run.layers
        assert run.config.measures == ()


def test_a_dense_run_is_not_measured(dense):
    assert dense.measures.empty
    assert "closure" not in dense.layers


def test_undefined_values_are_empty_with_a_warning(small, tmp_path):
    parts = {"generator": "fixed_fan_in", "regrowth": "random"}
    with pytest.warns(UndefinedMeasureWarning, match="degree_correlation: degree_correlation is undefined"):
        run = tl.train(
            small(
                tmp_path / "run",
                epochs=1,
                hidden=(16, 16),
                density=0.125,
                measures=["degree_correlation"],
                overrides=parts,
            ),
            quiet=True,
        )
    assert math.isnan(run.measures["degree_correlation"].iloc[0])


def test_a_logger_receives_everything(small, tmp_path):
    listener = Listener()
    assert isinstance(listener, Logger)
    run = tl.train(small(tmp_path / "run", epochs=2), loggers=[listener], quiet=True)
    told = {}
    for step, metrics in listener.metrics:
        told |= {(step, name): value for name, value in metrics.items()}
    for row in run.measures.itertuples():
        if row.layer != NETWORK:
            assert told[row.step, f"{row.layer}/closure"] == row.closure
    for row in run.metrics.itertuples():
        assert told[row.step, "test_accuracy"] == row.test_accuracy
    for row in run.history.updates.itertuples():
        assert told[row.step, f"{row.layer}/overlap"] == row.overlap
    last = run.metrics["step"].iloc[-1]
    pictures = {(f"{name}/{what}", step) for name in NAMES for what in ("adjacency", "degrees") for step in (0, last)}
    assert {(name, step) for name, step, _ in listener.figures} == pictures


def test_logging_changes_nothing(small, tmp_path, chts):
    run = tl.train(small(tmp_path / "run", measures=[]), loggers=[Listener()], quiet=True)
    assert run.metrics["test_loss"].tolist() == chts.metrics["test_loss"].tolist()


def test_tensorboard_can_be_read_back(small, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = tl.train(small(tmp_path / "run", epochs=2, tensorboard=True), quiet=True)
    events = accumulator.EventAccumulator(str(run.path / "tensorboard")).Reload()
    curve = {event.step: event.value for event in events.Scalars("test_accuracy")}
    assert curve == pytest.approx(dict(zip(run.metrics["step"], run.metrics["test_accuracy"], strict=True)))
    closure = run.measures[run.measures["layer"] == "hidden1"]
    assert [event.value for event in events.Scalars("hidden1/closure")] == pytest.approx(closure["closure"].tolist())
    assert "hidden2/adjacency" in events.Tags()["images"]


def test_tensorboard_is_checked_before_anything_is_created(small, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else found(name))
    with pytest.raises(MissingPackageError, match="pip install tensorboard"):
        tl.train(small(tmp_path / "run", tensorboard=True), quiet=True)
    with pytest.raises(ImportError, match="TensorBoard is not installed"):
        TensorBoardLogger(tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("left", [None, "", "index,step,layer,closure\n"])
def test_a_run_without_its_measures_is_not_resumed(left, small, tmp_path):
    run = tl.train(small(tmp_path / "run", epochs=1, measures=["closure"]), quiet=True)
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace("epochs = 1", "epochs = 2"))
    (run.path / "measures.csv").unlink()
    if left is not None:
        (run.path / "measures.csv").write_text(left)
    with pytest.raises(CorruptFileError, match=r"measures.csv is missing, or has no row for update 4"):
        tl.resume(run.path, accept_changes=True, quiet=True)


def test_bad_measures_and_loggers_are_rejected(small, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(ValueError, match="unknown measure 'closur': did you mean 'closure'"):
        small(path, measures=["closur"])
    with pytest.raises(InvalidValueError, match="measures='transitivity' is defined for one-mode graphs"):
        small(path, measures=["transitivity"])
    with pytest.raises(InvalidValueError, match="measure_every=0 must be at least 1"):
        small(path, measure_every=0)
    for wrong in (print, Listener):
        with pytest.raises(InvalidTypeError, match=r"is not a logger: it needs log_metrics\(metrics, step\)"):
            tl.train(small(path), loggers=[wrong], quiet=True)
    assert not path.exists()


def test_the_command_line_takes_them(tmp_path, capsys):
    words = (
        "train --hidden 16 16 --epochs 1 --density 0.2 --threads 1 --quiet --measures closure gamma --history summary"
    )
    assert main([*words.split(), "--run-dir", str(tmp_path / "run")]) == 0
    run = tl.Run(tmp_path / "run")
    assert run.history.kept == "summary"
    assert pd.Index(["closure", "gamma"]).isin(run.measures.columns).all()
