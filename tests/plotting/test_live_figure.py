"""A live figure draws everything that any training logs, in one place."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

import topolearn as tl
from tests.recording.any_loop import Loop
from topolearn.errors import InvalidTypeError, MissingPackageError, UnknownNameError


class Place:
    """The output of a notebook, and the number of its updates."""

    def __init__(self):
        self.shown, self.updates = [], 0

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id is True
        self.shown.append(data)
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown[-1] = data
        self.updates += 1


@pytest.fixture
def place(monkeypatch):
    place = Place()
    monkeypatch.setattr("IPython.display.display", place.display)
    return place


def train(tmp_path, logger, steps=8):
    torch.manual_seed(0)  # with some initial weights the loss diverges
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    model = tl.sparsify(model, tl.method("set", density=0.4), seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(model, optimizer, tl.method("set", density=0.4), total_steps=100, interval=2)
    with tl.record(tmp_path / "run", topology, loggers=[logger]) as recorder:
        for step in range(steps):
            optimizer.zero_grad()
            model(torch.ones(3, 12)).square().sum().backward()
            optimizer.step()
            topology.step()
            recorder.log(loss=float(step))
    return tl.Run(recorder.path)


def test_a_live_figure_shows_everything_that_a_loop_logs(place, tmp_path):
    logger = tl.plotting.live(layer="0")
    run = train(tmp_path, logger)
    loss, topology, adjacency, degrees = logger.figure.axes[:4]
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [(step + 1, step) for step in range(8)])
    lines = {line.get_label(): line.get_xydata() for line in topology.lines}
    assert set(lines) == {"density", "active hidden neurons (both sides)", "overlap"}
    table = run.network.dropna(subset=["overlap"])[["step", "overlap"]]
    np.testing.assert_allclose(lines["overlap"], table.to_numpy(dtype=float))
    cells = np.asarray(adjacency.images[0].get_array())
    np.testing.assert_array_equal(cells, run.history.at(8)["0"].to_scipy().toarray())
    assert degrees.lines
    assert len(place.shown) == 1, "it was drawn in several places"
    assert place.shown[0]["image/png"].startswith(b"\x89PNG")


def test_the_last_numbers_of_a_dense_training_are_drawn(place, tmp_path):
    logger = tl.plotting.live(panels=[("loss",)])
    with tl.record(tmp_path / "run", nn.Linear(3, 2), loggers=[logger]) as recorder:
        for step in range(9):
            recorder.log(loss=float(step), other=1.0)
    assert logger.figure.axes[0].lines[0].get_xydata()[-1].tolist() == [9, 8]
    assert len(logger.figure.axes) == 1


def test_drawing_takes_a_small_share_of_the_time(place, monkeypatch):
    clock = iter(np.arange(0, 1e6, 1.0))  # every call of the clock takes a second, so drawing takes one
    monkeypatch.setattr("topolearn.plotting.live_figure.time.perf_counter", lambda: next(clock))
    logger = tl.plotting.live(panels=[("loss",)])
    for step in range(100):
        logger.log_metrics({"loss": 1.0}, step)
    assert 8 <= place.updates <= 10


def test_nothing_is_drawn_before_something_is_logged(place):
    logger = tl.plotting.live(panels=[("loss",)])
    logger.log_metrics({"other": 1.0}, 1)
    assert logger.figure is None
    assert not place.shown


def test_invalid_panels_and_layers_are_rejected(place, tmp_path):
    with pytest.raises(InvalidTypeError, match=r"panels=.*'loss'.*: pass a sequence of names for each panel"):
        tl.plotting.live(panels=["loss"])
    with pytest.raises(UnknownNameError, match="layer='hiden1'"):
        train(tmp_path, tl.plotting.live(layer="hiden1"))


def test_a_figure_follows_a_recorder(tmp_path, place):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, measures=["none"]) as recorder:
        figure = tl.plotting.live(recorder)
        loop.run(recorder)
    titles = [ax.get_title(loc="left") for ax in figure.figure.axes]
    assert "loss" in titles
    assert any(title.startswith("0\n") for title in titles)  # the first layer, by its name
    with pytest.raises(InvalidTypeError, match=r"is not a recorder: pass the result of tl\.record"):
        tl.plotting.live([("loss",)])


def test_without_ipython_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(MissingPackageError, match="pip install ipython"):
        tl.plotting.live()
