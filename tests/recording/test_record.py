"""Recording any loop: what is written, when, of what; what is refused; and that it equals a run of the trainer."""

import errno
import math
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from tests.recording.any_loop import INTERVAL, STEPS, Loop, files
from topolearn.diagnostics import MEASURES
from topolearn.errors import (
    CheckpointError,
    ExistingFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    RecordingError,
    UnknownNameError,
)
from topolearn.recording.measuring import NETWORK
from topolearn.sampling import RandomField

UPDATES = list(range(INTERVAL, STEPS, INTERVAL))


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A recorded run that nobody stopped."""
    path, loop = tmp_path_factory.mktemp("whole") / "run", Loop()
    with tl.record(path, loop.topology, measures=("closure", "hub_share"), every=2, config={"lr": 0.01}) as recorder:
        loop.run(recorder)
    return tl.Run(path), loop


# --- what is written -------------------------------------------------------------------------------------------------


def test_each_log_is_a_row_and_each_update_records_itself(whole):
    run, loop = whole
    assert run.metrics.columns.tolist() == ["step", "loss"]
    assert run.metrics["step"].tolist() == list(range(1, STEPS + 1))
    assert run.history.steps == [0, *UPDATES]
    assert run.layers[["index", "step"]].drop_duplicates().to_numpy().tolist() == [
        [i, step] for i, step in enumerate([0, *UPDATES])
    ]
    assert len(run.layers) == 2 * (1 + len(UPDATES))
    assert run.network["step"].tolist() == [0, *UPDATES]
    assert run.history.at(STEPS) == dict(loop.topology.network().graphs)
    assert run.layers.groupby("layer")["itop"].last().to_dict() == loop.topology.itop_rate()


def test_measures_are_taken_at_the_start_and_after_every_so_many_updates(whole):
    run, _ = whole
    assert run.measures["index"].unique().tolist() == [0, 2, 4, 6, 8]
    for step, graphs in run.history.replay():
        rows = run.measures[run.measures["step"] == step].set_index("layer")
        for name in rows.index.drop(NETWORK, errors="ignore"):
            assert rows.loc[name, "closure"] == MEASURES["closure"](graphs[name])


def test_a_run_says_what_it_is(whole):
    run, _ = whole
    assert run.config == {"lr": 0.01}
    assert run.task is None
    assert (run.title, run.theta) == ("CHTs", 0.9)
    assert run.is_complete
    assert run.summary["n_updates"] == len(UPDATES)
    assert run.summary["n_steps"] == STEPS
    assert set(run.environment) == {"topolearn", "torch", "python", "platform", "device", "threads"}
    assert repr(run).endswith("CHTs, 40 rows of metrics)")
    assert not (run.path / ".lock").exists()
    with pytest.raises(InvalidValueError, match="recorded in a loop that keeps its own checkpoints"):
        run.load_model()


def test_a_loop_of_plain_pytorch_equals_a_run_of_the_trainer(tmp_path):
    """The same settings give the same links, and the same tables of them, to the last digit."""
    trained = tl.train(
        tl.TrainConfig(method="chts", density=0.1, hidden=(24, 24), epochs=2, update_interval=20, measure_every=2,
                       backend="masked", threads=1, run_dir=str(tmp_path / "trained")), quiet=True,
    )  # fmt: skip
    data, method = tl.training.load_dataset("digits"), tl.method("chts", density=0.1)
    mean, deviation = data.standardisation()
    torch.manual_seed(0)
    wide = [nn.Linear(64, 24, device="meta"), nn.ReLU(), nn.Linear(24, 24, device="meta"), nn.ReLU()]
    names = ("hidden1", "relu1", "hidden2", "relu2", "head")
    model = nn.Sequential()
    for name, layer in zip(names, [*wide, nn.Linear(24, 10)], strict=True):
        model.add_module(name, layer)
    model = tl.sparsify(model, method, backend="masked", seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.025, momentum=0.9, weight_decay=5e-4, fused=True)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=90, interval=20)
    with tl.record(tmp_path / "mine", topology, every=2) as recorder:
        for epoch in (1, 2):
            seed = RandomField(0, update=epoch, purpose="batches").integer
            order = torch.randperm(len(data.train_x), generator=torch.Generator().manual_seed(seed))
            for batch in order.split(32):
                passed = min(1.0, topology.n_steps / (0.9 * 90))
                optimizer.param_groups[0]["lr"] = 0.025 * (1 - (1 - 0.01) * passed)
                loss = nn.functional.cross_entropy(
                    model((data.train_x[batch].float() - mean) / deviation), data.train_y[batch]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                topology.step()
                recorder.log(loss=loss.item())
    mine = tl.Run(tmp_path / "mine")
    assert mine.history.steps == trained.history.steps
    for step in trained.history.steps:
        assert mine.history.at(step) == trained.history.at(step)
    for table in ("layers.csv", "network.csv", "measures.csv"):
        assert (mine.path / table).read_text() == (trained.path / table).read_text()
    assert mine.metrics["loss"].iloc[:45].mean() == pytest.approx(trained.metrics["train_loss"][0], rel=0.02)


@pytest.mark.parametrize("method", ["rigl", "set", "chtss", "deepr", "srigl", "static"])
def test_other_methods_are_recorded_as_they_go(method, tmp_path):
    loop = Loop(method, interval=1 if method == "deepr" else INTERVAL)
    with tl.record(tmp_path / "run", loop.topology, measures=()) as recorder:
        loop.run(recorder)
    run = tl.Run(tmp_path / "run")
    assert run.history.at(STEPS) == dict(loop.topology.network().graphs)
    assert len(run.history.steps) - 1 == loop.topology.n_updates
    assert (loop.topology.n_updates > 0) == (method != "static")
    assert run.measures.empty


@pytest.mark.parametrize("history", ["snapshots", "summary"])
def test_less_of_a_history(history, tmp_path, whole):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, every=3, history=history, measures=["closure"]) as recorder:
        loop.run(recorder)
    run = tl.Run(tmp_path / "run")
    assert run.history.updates.equals(whole[0].history.updates)
    if history == "snapshots":
        assert run.history.snapshots == [0, *UPDATES[2::3], STEPS]
        assert run.history.at(STEPS) == whole[0].history.at(STEPS)
    assert "<html" in run.report().read_text()


def test_recording_may_begin_late(tmp_path, whole):
    loop = Loop()
    for _ in range(10):
        loop.step()
    with tl.record(tmp_path / "run", loop.topology, measures=["closure"]) as recorder:
        loop.run(recorder)
    run = tl.Run(tmp_path / "run")
    assert run.history.steps == [10, *UPDATES[2:]]
    assert run.history.at(10) == whole[0].history.at(10)
    assert run.history.at(STEPS) == whole[0].history.at(STEPS)
    assert run.network["index"].tolist() == list(range(len(UPDATES) - 1))
    with pytest.raises(InvalidValueError, match="step=9 must be at least 10"):
        run.history.at(9)


# --- several schedulers, and none ------------------------------------------------------------------------------------


def test_several_schedulers_share_a_run_under_their_names(tmp_path):
    loops = {"generator": Loop("chts"), "critic": Loop("rigl", interval=5, seed=1)}
    topologies = {name: loop.topology for name, loop in loops.items()}
    with tl.record(tmp_path / "run", topologies, measures=["closure", "hub_share"]) as recorder:
        for _ in range(STEPS):
            recorder.log({f"{name}/loss": loop.step() for name, loop in loops.items()})
            loops["critic"].step() if loops["critic"].topology.n_steps < STEPS else None
    run = tl.Run(tmp_path / "run")
    assert run.history.layers == ["generator.0", "generator.2", "critic.0", "critic.2"]
    assert run.title == "CHTs, RigL"
    last = run.history.at(10**6)
    for name, loop in loops.items():
        for layer, graph in loop.topology.network().graphs.items():
            assert last[f"{name}.{layer}"] == graph
    n_updates = sum(topology.n_updates for topology in topologies.values())
    assert run.network["index"].tolist() == list(range(n_updates + 1))
    assert run.network["step"].is_monotonic_increasing
    assert len(run.layers) == 4 + 2 * n_updates
    assert len(run.history.updates) == 2 * n_updates
    moved = run.history.updates.groupby("layer", sort=False).size().to_dict()
    assert moved["generator.0"] == topologies["generator"].n_updates
    assert tl.diagnostics.itop_rate(run.history)["critic.0"] == topologies["critic"].itop_rate()["0"]
    assert len(tl.diagnostics.link_ages(run.history, "critic.2")) == last["critic.2"].n_links
    assert "<html" in run.report().read_text()


def test_a_static_model_is_measured_on_request(tmp_path):
    model = Loop("static").model
    with tl.record(tmp_path / "run", model, measures=["closure", "hub_share"]) as recorder:
        recorder.log(loss=1.0)
        recorder.log(loss=0.5)
        values = recorder.measure()
        recorder.log(loss=0.25, step=10)
        recorder.measure()
    run = tl.Run(tmp_path / "run")
    assert run.metrics["step"].tolist() == [1, 2, 10]
    assert run.measures["step"].unique().tolist() == [2, 10]
    assert values["0/closure"] == MEASURES["closure"](tl.topology_of(model).graphs["0"])
    assert run.history.at(0) == dict(tl.topology_of(model).graphs)
    assert run.title == "Static"
    assert "<html" in run.report().read_text()


def test_a_dense_model_has_no_history(tmp_path):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    with tl.record(tmp_path / "run", model, measures=["closure"]) as recorder:
        recorder.log(loss=1.0)
        assert recorder.measure() == {"0/closure": 1.0}
    run = tl.Run(tmp_path / "run")
    assert run.history.layers == []
    assert run.layers[["layer", "n_links", "density"]].to_numpy().tolist() == [["0", 48, 1.0]]
    assert not (run.path / "topology").exists()
    assert run.title == "Dense"
    assert "<html" in run.report().read_text()


def test_a_model_without_a_linear_layer_can_log(tmp_path):
    with tl.record(tmp_path / "run", nn.Conv2d(1, 2, 3), measures=()) as recorder:
        recorder.log(loss=1.0)
    run = tl.Run(tmp_path / "run")
    assert run.metrics["loss"].tolist() == [1.0]
    assert run.layers.empty
    assert "took 1 step, loss 1 at the end" in run.report().read_text()


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorder(loop, tmp_path):
    with tl.record(tmp_path / "run", loop.topology, measures=()) as recorder:
        yield recorder


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
    with pytest.raises(InvalidValueError, match=r"step=8 lies before 9, the step logged last: .* do not go backwards"):
        recorder.log(loss=6, step=8)
    with pytest.raises(InvalidValueError, match="step=1 lies before 9"):
        recorder.log(loss=6)
    assert len(tl.Run(recorder.path).metrics) == 5


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({}, InvalidValueError, "log\\(\\) has no number to keep"),
        ({"step": 3}, InvalidValueError, "log\\(\\) has no number to keep"),
        ({1: 2.0}, InvalidTypeError, "1 is a int: log numbers under names, such as 'loss'"),
        ({"": 2.0}, InvalidValueError, "'' must be a name"),
        ({"a\nb": 2.0}, InvalidValueError, r"'a\\nb' must be a name of one or more printable characters"),
        ({"loss": "low"}, InvalidTypeError, "loss='low' is a str: log a number"),
        ({"loss": None}, InvalidTypeError, "loss=None is a NoneType: log a number, or leave it out"),
        ({"loss": True}, InvalidTypeError, "loss=True is a truth value"),
        ({"loss": [1.0]}, InvalidTypeError, "loss=.*is a list: log a number"),
        ({"loss": torch.ones(32)}, InvalidTypeError, "loss has 32 elements: log one number, such as their mean"),
        ({"loss": 1 + 2j}, InvalidTypeError, "is a complex"),
        ({"loss": 1.0, "n_steps": 3}, InvalidValueError, "n_steps is the recorder's own column"),
        ({"loss": 1.0, "step": -1}, InvalidValueError, "step=-1 must be at least 0"),
        ({"loss": 1.0, "step": 1.5}, InvalidTypeError, "step=1.5 must be an integer"),
        ({"loss": 1.0, "step": True}, InvalidTypeError, "step=True must be an integer"),
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


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"measures": ["closur"]}, UnknownNameError, "did you mean 'closure'"),
        ({"measures": "closure"}, InvalidTypeError, r"use \['closure'\]"),
        ({"measures": ["transitivity"]}, InvalidValueError, "graphs without sides"),
        ({"every": 0}, InvalidValueError, "every=0 must be at least 1"),
        ({"every": 1.5}, InvalidTypeError, "every=1.5 must be an integer"),
        ({"history": "all"}, InvalidValueError, "history='all' must be one of"),
        ({"config": 3}, InvalidTypeError, "config is a int: give a mapping"),
        ({"loggers": [print]}, InvalidTypeError, "is not a logger"),
        ({"topology": "chts"}, InvalidTypeError, "topology is a str: give a TopologyScheduler"),
        ({"topology": {}}, InvalidValueError, "names no scheduler"),
        ({"topology": {"a": 1}}, InvalidTypeError, r"topology\['a'\] is a int"),
    ],
)
def test_nothing_is_made_when_an_option_is_refused(options, error, message, loop, tmp_path):
    with pytest.raises(error, match=message):
        tl.record(tmp_path / "run", **{"topology": loop.topology, **options})
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_refused(whole, loop, tmp_path, tree):
    run, _ = whole
    before = tree(run.path)
    with pytest.raises(ExistingFileError, match="exists: continue it with resume=True"):
        tl.record(run.path, loop.topology)
    assert tree(run.path) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "model").mkdir()  # as transformers write it
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "model" / name).write_text("{}")
    with pytest.raises(MissingFileError, match=r"no run in .*model: a run is a directory with"):
        tl.Run(tmp_path / "model")
    before = tree(tmp_path)
    for name in ("mine", "file", "model"):
        with pytest.raises(InvalidValueError, match=f"{name} is not a run directory"):
            tl.record(tmp_path / name, loop.topology, resume=True)
    with pytest.raises(InvalidValueError, match="cannot be made"):
        tl.record(tmp_path / "file" / "run", loop.topology)
    assert tree(tmp_path) == before


def test_two_recorders_on_one_directory(recorder):
    other = Loop()
    with pytest.raises(InvalidValueError, match="another recorder is at work"):
        tl.record(recorder.path, other.topology, measures=(), resume=True)
    recorder.close()
    with pytest.raises(RecordingError, match="no longer recorded"):
        recorder.log(loss=1.0)
    tl.record(recorder.path, other.topology, measures=(), resume=True).close()


def test_a_model_that_was_replaced_under_the_scheduler(recorder, loop):
    for _ in range(5):
        recorder.log(loss=loop.step())
    loop.model[0] = tl.sparsify(nn.Sequential(nn.Linear(12, 24)), loop.method, exclude=[])[0]
    with pytest.raises(
        InvalidValueError, match=r"at step 8 layer '0' of the model is not the one .*make a new Topology"
    ):
        for _ in range(5):
            loop.step()
    assert tl.Run(recorder.path).history.steps == [0, 4]


def test_links_that_were_changed_behind_the_recorder(recorder, loop):
    for _ in range(5):
        loop.step()
    layer = loop.topology.layers["0"]
    cells = layer.cells()
    free = next(cell for cell in range(12 * 24) if cell not in cells.tolist())
    layer.set_links(torch.cat((cells[1:], torch.tensor([free]))).sort().values)
    with pytest.raises(InvalidValueError, match="the links of layer '0' are not those that the recorded updates make"):
        for _ in range(5):
            loop.step()
    with pytest.raises(RecordingError, match=r"no longer recorded \(update 2 at step 8 was not recorded: the links"):
        recorder.log(loss=1.0)
    recorder.close()
    run = tl.Run(recorder.path)
    assert run.history.steps == [0, 4]
    assert not run.is_complete
    assert run.summary["n_updates"] == 1


def test_a_state_that_is_loaded_while_it_is_recorded(recorder, loop):
    state = loop.state()
    for _ in range(6):
        loop.step()
    loop.load(state)
    with pytest.raises(InvalidValueError, match=r"update 1 follows update 1 .*load it first"):
        for _ in range(6):
            loop.step()


def test_a_full_disk_loses_nothing_that_was_written(recorder, loop, monkeypatch):
    for _ in range(6):
        recorder.log(loss=loop.step())
    before = (recorder.path / "metrics.csv").read_bytes()
    write, room = os.write, [3]

    def full(file, data):
        """Write as many bytes as there is room for."""
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n_bytes, room[0] = room[0], 0
        return write(file, data[:n_bytes])

    monkeypatch.setattr("topolearn.files.os.write", full)
    with pytest.raises(
        RecordingError, match=r"cannot be written \(the disk is full\): what was recorded is kept"
    ) as refusal:
        recorder.log(loss=1.0)
    assert refusal.value.errno == errno.ENOSPC
    assert (recorder.path / "metrics.csv").read_bytes() == before
    with pytest.raises(RecordingError, match="the disk is full"):
        for _ in range(4):
            loop.step()
    assert loop.topology.n_updates == 2
    monkeypatch.setattr("topolearn.files.os.write", write)
    with pytest.raises(RecordingError, match="no longer recorded"):
        recorder.log(loss=1.0)
    run = tl.Run(recorder.path)
    assert run.metrics["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert run.network["index"].tolist() == [0, 1]


def test_a_recording_that_cannot_begin_leaves_the_loop_alone(loop, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("topolearn.recording.tables.Table.append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tl.record(tmp_path / "run", loop.topology)
    for _ in range(6):
        loop.step()
    assert loop.topology.n_updates == 1
    with tl.record(tmp_path / "run", Loop().topology, resume=True) as recorder:  # which begins again
        recorder.log(loss=1.0)
    assert tl.Run(tmp_path / "run").is_complete


def test_an_error_in_the_loop_leaves_an_incomplete_run(loop, tmp_path):
    with pytest.raises(ZeroDivisionError), tl.record(tmp_path / "run", loop.topology, measures=()) as recorder:
        loop.run(recorder, until=10)
        recorder.summary["best"] = 3
        1 / 0  # noqa: B018  # what goes wrong
    run = tl.Run(tmp_path / "run")
    assert not run.is_complete
    assert (run.summary["best"], run.summary["n_updates"]) == (3, 2)
    assert "The run has not finished: 10 of 40 steps are done." in run.report().read_text()


# --- going on --------------------------------------------------------------------------------------------------------

OPTIONS = {"measures": ("closure", "hub_share"), "every": 2, "config": {"lr": 0.01}}


def stopped_and_continued(path, at, beyond, history="full", method="chts"):
    """Record until a step with a checkpoint there, go on a little, stop as if killed, and continue from it."""
    loop = Loop(method)
    recorder = tl.record(path, loop.topology, history=history, **OPTIONS)
    loop.run(recorder, until=at)
    state = loop.state()
    loop.run(recorder, until=at + beyond)
    recorder.abandon()
    again = Loop(method)
    again.load(state)
    with tl.record(path, again.topology, history=history, resume=True, **OPTIONS) as recorder:
        again.run(recorder)


@pytest.mark.parametrize("history", ["full", "snapshots", "summary"])
@pytest.mark.parametrize(("at", "beyond"), [(1, 0), (4, 3), (13, 9), (24, 1), (STEPS, 0)])
def test_a_run_that_was_stopped_and_continued_is_the_one_that_was_not(at, beyond, history, tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "whole", loop.topology, history=history, **OPTIONS) as recorder:
        loop.run(recorder)
    stopped_and_continued(tmp_path / "stopped", at, beyond, history)
    one, other = files(tmp_path / "stopped"), files(tmp_path / "whole")
    if history == "snapshots":  # one is taken whenever a recorder is closed, and none was at the stop
        assert one["graphs"].keys() == other["graphs"].keys()
    assert one == other


def test_a_closed_run_is_prolonged(tmp_path, whole):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=18)
    assert tl.Run(tmp_path / "run").is_complete
    recorder = tl.record(tmp_path / "run", loop.topology, resume=True, **OPTIONS)
    assert not tl.Run(tmp_path / "run").is_complete
    with recorder:
        loop.run(recorder)
    assert files(tmp_path / "run") == files(whole[0].path)


def test_rows_logged_under_other_steps_are_dropped_by_the_scheduler_s(tmp_path):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, measures=())
    for i in range(10):
        recorder.log(loss=loop.step(), step=1000 * (i + 1))
        if i == 5:
            state = loop.state()
    recorder.abandon()
    again = Loop()
    again.load(state)
    with tl.record(tmp_path / "run", again.topology, measures=(), resume=True):
        assert tl.Run(tmp_path / "run").metrics["step"].tolist() == [1000, 2000, 3000, 4000, 5000, 6000]


def test_resume_begins_a_run_where_there_is_none(tmp_path, whole):
    loop = Loop()
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        loop = Loop()
        with tl.record(tmp_path / name, loop.topology, resume=True, **OPTIONS) as recorder:
            loop.run(recorder)
        assert files(tmp_path / name) == files(whole[0].path)
    with pytest.raises(MissingFileError, match=r"there is no run in .*nowhere to continue at step 40"):
        tl.record(tmp_path / "nowhere", loop.topology, resume=True)


def test_a_run_that_begins_again_keeps_what_it_had(tmp_path, whole):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, **OPTIONS)
    loop.run(recorder, until=10)
    recorder.abandon()
    loop = Loop()
    with pytest.warns(UserWarning, match=r"begins again; its 10 rows of metrics and 2 updates are kept in .*dropped-1"):
        recorder = tl.record(tmp_path / "run", loop.topology, resume=True, **OPTIONS)
    with recorder:
        loop.run(recorder)
    assert files(tmp_path / "run") == files(whole[0].path)
    kept = tl.Run(tmp_path / "run" / "dropped-1")
    assert len(kept.metrics) == 10
    assert kept.history.at(10) == whole[0].history.at(10)
    assert kept.config == {"lr": 0.01}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ["gamma"]}, r"measures=\['gamma'\], but the run in .* was begun with measures=\['closure'"),
        ({"every": 3}, "every=3, but the run in .* was begun with every=2"),
        ({"history": "summary"}, "history='summary', but the run in .* was begun with history='full'"),
    ],
)
def test_a_run_is_continued_as_it_was_begun(options, message, tmp_path, tree):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=10)
    before = tree(tmp_path)
    with pytest.raises(InvalidValueError, match=message):
        tl.record(tmp_path / "run", loop.topology, resume=True, **{**OPTIONS, **options})
    assert tree(tmp_path) == before


def test_another_configuration_is_told_and_the_first_kept(tmp_path):
    loop = Loop()
    tl.record(tmp_path / "run", loop.topology, measures=(), config={"lr": 0.1, "resume": False}).close()
    with pytest.warns(UserWarning, match="config differs from that of the run in resume: .* keeps that"):
        tl.record(tmp_path / "run", loop.topology, measures=(), config={"lr": 0.1, "resume": True}, resume=True).close()
    assert tl.Run(tmp_path / "run").config == {"lr": 0.1, "resume": False}


@pytest.mark.parametrize("history", ["full", "summary"])
def test_a_model_that_was_not_restored_is_refused(history, tmp_path, tree):
    loop = Loop("chtss")
    with tl.record(tmp_path / "run", loop.topology, measures=(), history=history) as recorder:
        loop.run(recorder, until=30)
    other = Loop("chtss")
    other.topology.n_steps, other.topology.n_updates = 30, loop.topology.n_updates
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match=r"the links of layer '.' are not those of the run in .* at step 30"):
        tl.record(tmp_path / "run", other.topology, measures=(), history=history, resume=True)
    assert tree(tmp_path) == before


def test_a_run_of_an_earlier_version_opens_and_is_not_continued(copy):
    run = tl.Run(copy(tl.Run(Path(__file__).parent / "earlier_run")))
    assert run.metrics["epoch"].tolist() == [1, 2]
    assert run.history.steps == [0, 10, 20, 30, 40]
    assert run.network["active_neurons"].tolist() == run.metrics["active_neurons"].tolist()
    assert run.history.at(40) == tl.topology_of(run.load_model("last")).graphs
    assert (
        len(run.history.events("hidden1"))
        == run.history.updates.query("layer == 'hidden1'")[["removed", "percolated", "regrown"]].to_numpy().sum()
    )
    assert (run.title, run.theta, run.task.name) == ("CHTs", 0.9, "classification")
    assert "<html" in run.report().read_text()
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace("epochs = 2", "epochs = 3"))
    with pytest.raises(InvalidValueError, match="was recorded by an earlier version of topolearn"):
        tl.resume(run.path, quiet=True)
    assert run.history.steps == [0, 10, 20, 30, 40]
