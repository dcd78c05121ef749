"""A logger added while a loop is recorded gets the current state, and then everything that follows."""

import pytest

import topolearn as tl
from tests.recording.any_loop import Loop
from topolearn.errors import InvalidTypeError


class Told:
    """A logger that keeps everything it receives."""

    def __init__(self):
        self.metrics, self.networks, self.is_finished = [], [], False

    def log_metrics(self, metrics, step):
        self.metrics.append((step, sorted(metrics)))

    def log_network(self, network, step):
        self.networks.append((step, network.n_links))

    def finish(self):
        self.is_finished = True


def test_a_late_logger_gets_everything_that_follows(tmp_path):
    loop, first, late = Loop(), Told(), Told()
    with tl.record(tmp_path / "run", loop.topology, measures=["none"], loggers=[first]) as recorder:
        loop.run(recorder, until=10)
        recorder.add_logger(late)
        assert late.networks == [(10, first.networks[-1][1])]
        assert {name for _, names in late.metrics for name in names} >= {"(network)/density", "(network)/n_links"}
        loop.run(recorder, until=20)
    assert late.networks[1:] == [each for each in first.networks if each[0] > 10]
    assert [each for each in late.metrics if each[0] > 10] == [each for each in first.metrics if each[0] > 10]
    assert late.is_finished


def test_a_logger_added_before_the_first_log_gets_the_step(tmp_path):
    loop, late = Loop(), Told()
    for _ in range(6):
        loop.step()
    with tl.record(tmp_path / "run", loop.topology, measures=["none"]) as recorder:
        recorder.add_logger(late)
    assert [step for step, _ in late.networks] == [6]


def test_a_dense_model_only_has_numbers(tmp_path):
    loop, late = Loop(method="dense"), Told()
    with tl.record(tmp_path / "run", loop.model, measures=["none"]) as recorder:
        recorder.add_logger(late)
    assert late.networks == []
    assert len(late.metrics) == 1


def test_an_object_that_is_not_a_logger_is_rejected(tmp_path):
    with (
        tl.record(tmp_path / "run", Loop().topology, measures=["none"]) as recorder,
        pytest.raises(InvalidTypeError, match="logger"),
    ):
        recorder.add_logger(print)
