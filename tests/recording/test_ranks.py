"""With several processes, only rank 0 records; the others accept the same calls."""

import importlib

import pytest
import torch

import topolearn as tl
from tests.processes import NEED_GLOO, run_ranks
from tests.recording.any_loop import STEPS, Loop
from tests.recording.rank_loop import rank
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.recording import Recorder, environment


@pytest.fixture
def second_rank(monkeypatch):
    monkeypatch.setattr(importlib.import_module("topolearn.recording.record"), "is_first_rank", lambda: False)


@pytest.mark.parametrize(("is_group", "rank", "records"), [(False, None, True), (True, 0, True), (True, 1, False)])
def test_the_first_rank_of_a_group_records(is_group, rank, records, monkeypatch):
    monkeypatch.setattr(environment.distributed, "is_initialized", lambda: is_group)
    monkeypatch.setattr(environment.distributed, "get_rank", lambda: rank)
    assert environment.is_first_rank() == records


def test_another_rank_writes_nothing_and_accepts_every_call(second_rank, tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology) as recorder:
        assert isinstance(recorder, Recorder)
        loop.run(recorder, until=10)
        assert recorder.measure() == {}
        recorder.snapshot()
        recorder.summary["best"] = 1
        with pytest.raises(InvalidTypeError, match="loss='low' is a str"):
            recorder.log(loss="low")
        with pytest.raises(InvalidValueError, match="step=-1"):
            recorder.log(loss=1.0, step=-1)
    assert loop.topology.n_updates == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@NEED_GLOO
def test_two_ranks_write_one_run(tmp_path):
    run_ranks(2, rank, tmp_path / "store", tmp_path)
    run = tl.Run(tmp_path / "run")
    assert run.is_complete
    assert len(run.metrics) == STEPS
    for index in (0, 1):
        cells = torch.load(tmp_path / f"{index}.pt")
        assert {name: graph.cells.tolist() for name, graph in run.history.at(STEPS).items()} == {
            name: each.tolist() for name, each in cells.items()
        }
