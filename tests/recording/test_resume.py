"""A recorded loop that was stopped and continued equals an uninterrupted one; others are rejected."""

from pathlib import Path

import pytest

import topolearn as tl
from tests.recording.any_loop import STEPS, Loop, files
from topolearn.errors import (
    CheckpointError,
    CorruptFileError,
    InvalidValueError,
    MissingFileError,
)

OPTIONS = {"measures": ("closure", "hub_share"), "every": 2, "config": {"lr": 0.01}}


def stopped_and_continued(path, at, beyond, history="full", method="chts"):
    """Record up to a step with a checkpoint, go on a little, stop as if killed, and continue from the checkpoint."""
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
def test_a_run_that_was_stopped_and_continued_equals_an_uninterrupted_one(at, beyond, history, tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "whole", loop.topology, history=history, **OPTIONS) as recorder:
        loop.run(recorder)
    stopped_and_continued(tmp_path / "stopped", at, beyond, history)
    one, other = files(tmp_path / "stopped"), files(tmp_path / "whole")
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


def test_rows_logged_under_other_steps_are_dropped_by_the_scheduler_step(tmp_path):
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


def test_resume_starts_a_run_if_there_is_none(tmp_path, whole):
    loop = Loop()
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        loop = Loop()
        with tl.record(tmp_path / name, loop.topology, resume=True, **OPTIONS) as recorder:
            loop.run(recorder)
        assert files(tmp_path / name) == files(whole[0].path)
    with pytest.raises(MissingFileError, match=r"there is no run in .*nowhere to continue at step 40"):
        tl.record(tmp_path / "nowhere", loop.topology, resume=True)


def test_a_run_without_its_recording_file_is_not_restarted(tmp_path, tree):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, **OPTIONS)
    loop.run(recorder, until=10)
    recorder.abandon()
    (tmp_path / "run" / "recording.json").unlink()
    before = tree(tmp_path)
    for again in (loop, Loop()):
        with pytest.raises(CorruptFileError, match=r"recording\.json is missing, although .* has rows"):
            tl.record(tmp_path / "run", again.topology, resume=True, accept_changes=True, **OPTIONS)
        assert tree(tmp_path) == before


def test_a_restarted_run_keeps_its_earlier_files(tmp_path, whole):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, **OPTIONS)
    loop.run(recorder, until=10)
    recorder.abandon()
    loop = Loop()
    with pytest.warns(UserWarning, match=r"starts again; its 10 rows of metrics and 2 updates are kept in .*dropped-1"):
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
        ({"measures": ["gamma"]}, r"measures=\['gamma'\], but the run in .* was started with measures=\['closure'"),
        ({"every": 3}, "every=3, but the run in .* was started with every=2"),
        ({"history": "summary"}, "history='summary', but the run in .* was started with history='full'"),
    ],
)
def test_a_run_must_be_continued_with_its_original_options(options, message, tmp_path, tree):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=10)
    before = tree(tmp_path)
    with pytest.raises(InvalidValueError, match=message):
        tl.record(tmp_path / "run", loop.topology, resume=True, **{**OPTIONS, **options})
    assert tree(tmp_path) == before


def test_another_configuration_is_reported_and_the_first_kept(tmp_path):
    loop = Loop()
    tl.record(tmp_path / "run", loop.topology, measures=(), config={"lr": 0.1, "resume": False}).close()
    with pytest.warns(UserWarning, match="config differs from the recorded one in resume: .* keeps its original"):
        tl.record(tmp_path / "run", loop.topology, measures=(), config={"lr": 0.1, "resume": True}, resume=True).close()
    assert tl.Run(tmp_path / "run").config == {"lr": 0.1, "resume": False}


@pytest.mark.parametrize("history", ["full", "summary"])
def test_a_model_that_was_not_restored_is_rejected(history, tmp_path, tree):
    loop = Loop("chtss")
    with tl.record(tmp_path / "run", loop.topology, measures=(), history=history) as recorder:
        loop.run(recorder, until=30)
    other = Loop("chtss")
    other.topology.n_steps, other.topology.n_updates = 30, loop.topology.n_updates
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match=r"the links of layer '.' differ from those of the run in .* at step 30"):
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
