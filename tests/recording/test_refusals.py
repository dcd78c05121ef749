"""What a recorder rejects without losing data: options, directories, changed links, a full disk, errors."""

import errno
import os

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.recording.any_loop import Loop
from topolearn.errors import (
    ExistingFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    RecordingError,
    UnknownNameError,
)

SHARED = Loop().topology
NESTED = Loop(wrap=nn.Sequential).topology


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"measures": ["closur"]}, UnknownNameError, "did you mean 'closure'"),
        ({"measures": "closure"}, InvalidTypeError, r"use \['closure'\]"),
        ({"measures": ["transitivity"]}, InvalidValueError, "is defined for one-mode graphs"),
        ({"every": 0}, InvalidValueError, "every=0 must be at least 1"),
        ({"every": 1.5}, InvalidTypeError, "every=1.5 must be an integer"),
        ({"history": "all"}, InvalidValueError, "history='all' must be one of"),
        ({"config": 3}, InvalidTypeError, "config is a int: pass a mapping"),
        ({"loggers": [print]}, InvalidTypeError, "is not a logger"),
        ({"topology": "chts"}, InvalidTypeError, "topology is a str: pass a TopologyScheduler"),
        ({"topology": {}}, InvalidValueError, "has no scheduler"),
        ({"topology": {"a": 1}}, InvalidTypeError, r"topology\['a'\] is a int"),
        ({"topology": {"a": SHARED, "b": SHARED}}, InvalidValueError, "has the same scheduler twice"),
        ({"topology": {"a": NESTED, "a.0": SHARED}}, InvalidValueError, r"two layers are called 'a\.0\.0'"),
    ],
)
def test_nothing_is_created_when_an_option_is_rejected(options, error, message, loop, tmp_path):
    with pytest.raises(error, match=message):
        tl.record(tmp_path / "run", **{"topology": loop.topology, **options})
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_rejected(whole, loop, tmp_path, tree):
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
    with pytest.raises(InvalidValueError, match="cannot be created"):
        tl.record(tmp_path / "file" / "run", loop.topology)
    assert tree(tmp_path) == before


def test_two_recorders_on_one_directory(recorder):
    other = Loop()
    with pytest.raises(InvalidValueError, match=r"run is in use by process \d+, since 2\d{3}-"):
        tl.record(recorder.path, other.topology, measures=(), resume=True)
    recorder.close()
    with pytest.raises(RecordingError, match=r"recording into .* has ended"):
        recorder.log(loss=1.0)
    tl.record(recorder.path, other.topology, measures=(), resume=True).close()


def test_a_model_that_was_replaced_under_the_scheduler(recorder, loop):
    for _ in range(5):
        recorder.log(loss=loop.step())
    loop.model[0] = tl.sparsify(nn.Sequential(nn.Linear(12, 24)), loop.method, exclude=[])[0]
    with pytest.raises(
        InvalidValueError, match=r"at step 8 layer '0' of the model is not the one .*create a new Topology"
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
    with pytest.raises(InvalidValueError, match="the links of layer '0' do not follow from the recorded updates"):
        for _ in range(5):
            loop.step()
    with pytest.raises(RecordingError, match=r"has ended \(update 2 at step 8 was not recorded: the links"):
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
    with pytest.raises(InvalidValueError, match=r"update 1 does not follow update 1, .*load the state first"):
        for _ in range(6):
            loop.step()


def test_a_full_disk_loses_nothing_that_was_written(recorder, loop, monkeypatch):
    for _ in range(6):
        recorder.log(loss=loop.step())
    before = (recorder.path / "metrics.csv").read_bytes()
    write, room = os.write, [3]

    def full(file, data):
        """Write as many bytes as fit."""
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n_bytes, room[0] = room[0], 0
        return write(file, data[:n_bytes])

    monkeypatch.setattr("topolearn.files.os.write", full)
    with pytest.raises(
        RecordingError, match=r"cannot write to .* \(the disk is full\): everything recorded so far is kept"
    ) as raised:
        recorder.log(loss=1.0)
    assert raised.value.errno == errno.ENOSPC
    assert (recorder.path / "metrics.csv").read_bytes() == before
    with pytest.raises(RecordingError, match="the disk is full"):
        for _ in range(4):
            loop.step()
    assert loop.topology.n_updates == 2
    monkeypatch.setattr("topolearn.files.os.write", write)
    with pytest.raises(RecordingError, match=r"recording into .* has ended"):
        recorder.log(loss=1.0)
    run = tl.Run(recorder.path)
    assert run.metrics["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert run.network["index"].tolist() == [0, 1]


def test_a_recording_that_cannot_begin_leaves_the_loop_alone(loop, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("topolearn.recording.tables.growing.Table.append", lambda *_: 1 / 0)
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
