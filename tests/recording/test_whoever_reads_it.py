"""The run of a custom loop in everything that reads it: command line, loggers, TensorBoard, plots."""

from dataclasses import replace

import pytest

import topolearn as tl
from tests.recording.any_loop import STEPS, Loop
from tests.recording.twin import TwinConfig
from topolearn.cli import main
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.studies import Study, run_study
from topolearn.task_registry import TASKS


class Listener:
    def __init__(self):
        self.metrics, self.figures = [], []

    def log_metrics(self, metrics, step):
        self.metrics.append((step, metrics))

    def log_figure(self, name, figure, step):
        self.figures.append((name, step))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A recorded run, and a logger that received everything."""
    path, loop, listener = tmp_path_factory.mktemp("told") / "run", Loop(), Listener()
    with tl.record(path, loop.topology, measures=("closure",), every=3, loggers=[listener]) as recorder:
        loop.run(recorder)
    return tl.Run(path), listener


def test_loggers_receive_numbers_measures_overlaps_and_pictures(told):
    run, listener = told
    heard = {(step, name): value for step, metrics in listener.metrics for name, value in metrics.items()}
    for row in run.metrics.itertuples():
        assert heard[row.step, "loss"] == row.loss
    for row in run.measures.itertuples():
        assert heard[row.step, f"{row.layer}/closure"] == row.closure
    for row in run.history.updates.itertuples():
        assert heard[row.step, f"{row.layer}/overlap"] == row.overlap
    assert {step for _, step in listener.figures} == {0, STEPS}
    assert ("0/adjacency", STEPS) in listener.figures


def test_tensorboard_reads_a_recorded_loop(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from topolearn.recording import TensorBoardLogger

    loop = Loop()
    with tl.record(
        tmp_path / "run", loop.topology, measures=(), loggers=[TensorBoardLogger(tmp_path / "tb")]
    ) as recorder:
        loop.run(recorder, until=8)
    events = accumulator.EventAccumulator(str(tmp_path / "tb")).Reload()
    assert [event.step for event in events.Scalars("loss")] == list(range(1, 9))


def test_the_command_line_reports_and_diagnoses_it(told, capsys):
    run, _ = told
    assert main(["report", str(run.path)]) == 0
    page = (run.path / "report.html").read_text()
    assert "CHTs with 25 % of the links ran for 40 steps and ended with loss" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "After step 40" in page
    assert "accuracy" not in page.lower()
    assert main(["diagnose", str(run.path), "--measures", "closure", "--step", "8"]) == 0
    assert "closure" in capsys.readouterr().out
    assert main(["train", "--resume", str(run.path)]) == 2
    assert "was recorded in a custom loop: continue it from that loop" in capsys.readouterr().err


def test_it_is_compared_with_a_run_of_the_trainer(told, chts, copy, tmp_path):
    run, trained = told[0], tl.Run(copy(chts))
    page = run.report(compare=[trained], path=tmp_path / "beside.html").read_text()
    assert "best accuracy" in page
    assert "last loss" in page
    page = trained.report(compare=[run], path=tmp_path / "beside.html").read_text()
    assert f"{run.name} (CHTs) ran for 40 steps" in page


@pytest.mark.parametrize(
    "draw",
    [
        tl.plotting.metrics, tl.plotting.loss, tl.plotting.active_neurons, tl.plotting.overlap, tl.plotting.link_flow,
        tl.plotting.survival, tl.plotting.small_world_plane, tl.plotting.evolution,
        lambda run: tl.plotting.measure(run, "closure"), lambda run: tl.plotting.layer_metric(run, "itop"),
        lambda run: tl.plotting.adjacency_change(run, "0"), lambda run: tl.plotting.degree_change(run, "2"),
    ],
)  # fmt: skip
def test_every_picture_of_a_run_draws_it(draw, told):
    figure = draw(told[0])
    assert (getattr(figure, "figure", None) or figure).axes


def test_a_run_without_a_task_has_no_score(told):
    with pytest.raises(ValueError, match="has no task, so no score"):
        tl.plotting.score(told[0])


def test_a_configuration_file_names_its_task(tmp_path, capsys):
    (tmp_path / "other.toml").write_text('task = "cooking"\n')
    assert main(["train", str(tmp_path / "other.toml")]) == 2
    assert "unknown task 'cooking'" in capsys.readouterr().err
    config = tl.TrainConfig(epochs=3)
    config.save(tmp_path / "config.toml")
    assert (tmp_path / "config.toml").read_text().startswith('task = "classification"\n')
    assert tl.TrainConfig.load(tmp_path / "config.toml") == config


def test_a_registered_task_is_trained_and_resumed_by_its_row(tmp_path, monkeypatch):
    """A second task only takes one registry row: the same functions under another name."""
    TASKS.register("twin", replace(TASKS["classification"], name="twin", config="tests.recording.twin:TwinConfig"))
    try:
        config = TwinConfig(hidden=(16,), epochs=1, density=0.2, run_dir=str(tmp_path / "run"))
        run = tl.train(config, quiet=True)
        assert (run.path / "config.toml").read_text().startswith('task = "twin"\n')
        assert run.task is TASKS["twin"]
        assert type(tl.Run(run.path).config) is TwinConfig
        assert tl.resume(run.path, quiet=True).is_complete
        assert main(["train", str(run.path / "config.toml"), "--run-dir", str(tmp_path / "again"), "--quiet"]) == 0
        assert tl.Run(tmp_path / "again").task is TASKS["twin"]
        study = Study(name="twins", task="twin", base={"hidden": [16], "epochs": 1, "density": 0.2})
        (planned,) = study.runs()
        plain = Study(name="twins", base={"hidden": [16], "epochs": 1, "density": 0.2}).runs()[0]
        assert type(planned.config) is TwinConfig
        assert planned.hash != plain.hash
        assert run_study(study, tmp_path / "study", quiet=True)["state"].tolist() == ["done"]
        with pytest.raises(InvalidValueError, match=r"config\.toml has task='twin', not 'classification'"):
            tl.TrainConfig.load(run.path / "config.toml")
    finally:
        TASKS.unregister("twin")
    with pytest.raises(InvalidTypeError, match="config is a dict: pass the configuration of a task"):
        tl.train({"epochs": 1})
