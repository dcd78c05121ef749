"""Recording a custom loop with one scheduler, with several, or with none: what is written, and when."""

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.recording.any_loop import INTERVAL, STEPS, Loop
from topolearn import version
from topolearn.diagnostics import MEASURES
from topolearn.errors import (
    InvalidValueError,
)
from topolearn.recording import environment
from topolearn.recording.writing.measuring import NETWORK
from topolearn.sampling import RandomField

UPDATES = list(range(INTERVAL, STEPS, INTERVAL))


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


def test_measures_are_taken_at_the_start_and_at_intervals(whole):
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
    assert set(run.environment) == {"topolearn", "torch", "python", "platform", "device", "threads", "processes"}
    assert repr(run).endswith("CHTs, 40 rows of metrics)")
    assert not (run.path / ".lock").read_text()  # nobody holds it
    with pytest.raises(InvalidValueError, match="recorded in a custom loop, which keeps its own checkpoints"):
        run.load_model()


def test_a_checkout_that_is_not_installed_has_no_version(monkeypatch):
    def missing(name):
        raise version.PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    assert environment.environment([])["topolearn"] == "a checkout that is not installed"


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
    assert "ran for 1 step and ended with loss 1" in run.report().read_text()
