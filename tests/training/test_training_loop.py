"""The training loop: learning rate, batches, determinism, side effects, and what is rejected before it starts."""

import random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

import topolearn as tl
from topolearn.errors import (
    ExistingFileError,
    TopolearnError,
    TrainingError,
    UnknownNameError,
)
from topolearn.training import Dataset, mlp, resume, trainer


def toy(n=50, n_test=11, name="toy"):
    """Data whose first feature is the example's index."""
    x = torch.stack((torch.arange(float(n + n_test)), torch.zeros(n + n_test)), dim=1)
    y = torch.arange(n + n_test) % 2
    return Dataset(name, x[:n], y[:n], x[n:], y[n:])


def tensors(run, which="last"):
    return load_file(run.path / "checkpoints" / f"{which}.safetensors")


def same_tensors(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def rates():
    """The learning rate at each optimizer step."""
    seen = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: seen.append(optimizer.param_groups[0]["lr"]))
    yield seen
    hook.remove()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [0.1, 0.07, 0.04, 0.01, 0.01, 0.01]),
        ({"lr_decay": 1}, [0.1, 0.085, 0.07, 0.055, 0.04, 0.025]),
        ({"lr_end": 0}, [0.1, 0.2 / 3, 0.1 / 3, 0, 0, 0]),
        ({"lr_end": 1}, [0.1] * 6),
        ({"lr_decay": 0}, [0.1] * 6),
    ],
)
def test_learning_rate(values, expected, rates, small, tmp_path):
    """Two epochs of three batches."""
    values = {"lr": 0.1, "lr_end": 0.1, "lr_decay": 0.5, "epochs": 2, "batch_size": 17, "density": 0.5, **values}
    run = tl.train(small(tmp_path / "run", **values), data=toy(), quiet=True)
    assert rates == pytest.approx(expected, abs=1e-12)
    assert run.metrics["lr"].tolist() == pytest.approx([expected[2], expected[5]], abs=1e-12)


def test_accuracy_improves_on_digits(chts, dense):
    for run in (chts, dense):
        accuracy, loss = run.metrics["test_accuracy"], run.metrics["test_loss"]
        assert accuracy.iloc[-1] > accuracy.iloc[0] > 0.15
        assert accuracy.iloc[-1] > 0.6
        assert loss.iloc[-1] < loss.iloc[0]
        assert run.metrics["train_loss"].is_monotonic_decreasing


def test_batches_cover_every_example_once_per_epoch(small, tmp_path):
    data, seen = toy(), []
    mean, deviation = data.standardisation()

    def see(module, inputs):
        if isinstance(module, nn.Sequential):
            numbers = (inputs[0][:, 0] * deviation + mean).round().to(torch.int64).tolist()
            seen.append((module.training, numbers))

    hook = register_module_forward_pre_hook(see)
    try:
        tl.train(small(tmp_path / "run", epochs=2, batch_size=8, density=0.5), data=data, quiet=True)
    finally:
        hook.remove()
    epochs = [seen[:8], seen[8:]]
    orders = []
    for *batches, evaluation in epochs:
        assert [training for training, _ in batches] == [True] * 7
        assert [len(batch) for _, batch in batches] == [8] * 6 + [2]
        orders.append([number for _, batch in batches for number in batch])
        assert sorted(orders[-1]) == list(range(50))
        assert evaluation == (False, list(range(50, 61)))
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


def test_the_test_set_is_evaluated_whole_in_pieces(small, tmp_path, monkeypatch):
    whole = tl.train(small(tmp_path / "whole", epochs=1, density=0.5), data=toy(), quiet=True)
    monkeypatch.setattr(trainer, "EVALUATION_BATCH", dict.fromkeys(trainer.EVALUATION_BATCH, 4))
    pieces = tl.train(small(tmp_path / "pieces", epochs=1, density=0.5), data=toy(), quiet=True)
    for name in ("test_accuracy", "test_loss"):
        assert pieces.metrics[name][0] == pytest.approx(whole.metrics[name][0], rel=1e-5)


def state_of_the_process():
    numbers = np.random.get_state()  # noqa: NPY002  # the global one is what must not move
    return random.getstate(), numbers[1].tolist(), numbers[2:], torch.get_rng_state().tolist(), torch.get_num_threads()


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("method", ["chts", "dense"])
def test_state_of_the_caller_is_left_alone(method, small, tmp_path, two_threads):
    torch.manual_seed(12345)  # else the state could be the one that a training sets
    torch.rand(3)
    before = state_of_the_process()
    run = tl.train(small(tmp_path / "run", method=method, epochs=1), quiet=True)
    assert state_of_the_process() == before
    resume(run.path, quiet=True)
    assert state_of_the_process() == before
    run.load_model("last")
    assert state_of_the_process() == before
    with pytest.raises(TrainingError):
        tl.train(small(tmp_path / "lost", method=method, lr=1e6), quiet=True)
    assert state_of_the_process() == before


def test_threads_are_those_of_the_configuration(small, tmp_path, two_threads, monkeypatch):
    used = []
    evaluate = trainer.Trainer._evaluate
    monkeypatch.setattr(
        trainer.Trainer, "_evaluate", lambda self: (used.append(torch.get_num_threads()), evaluate(self))[1]
    )
    run = tl.train(small(tmp_path / "run", epochs=1, threads=1), quiet=True)
    assert used == [1]
    assert run.environment["threads"] == "1"


def test_same_seed_same_run_and_another_seed_another(chts, small, tmp_path):
    torch.manual_seed(99)
    random.seed(99)
    again = tl.train(small(tmp_path / "again"), quiet=True)
    for table in ("metrics", "layers"):
        one, other = (getattr(run, table).drop(columns="seconds", errors="ignore") for run in (chts, again))
        assert one.equals(other)
    for which in ("last", "best"):
        assert same_tensors(tensors(chts, which), tensors(again, which))
    assert [u.to_frame().to_dict() for u in again.history] == [u.to_frame().to_dict() for u in chts.history]

    other = tl.train(small(tmp_path / "other", seed=1), quiet=True)
    assert not chts.metrics["train_loss"].isin(other.metrics["train_loss"]).any()
    for name, graph in other.history.initial.items():
        assert not np.array_equal(graph.cells, chts.history.initial[name].cells)
    assert not torch.equal(tensors(chts)["model/head.weight"], tensors(other)["model/head.weight"])


@pytest.fixture
def heads():
    """The dtypes of what dense layers take from the layers before them, and of what they give."""
    seen = set()

    def see(layer, inputs, output):
        if type(layer) is nn.Linear:
            seen.add((inputs[0].dtype, output.dtype))

    hook = register_module_forward_hook(see)
    yield seen
    hook.remove()


@pytest.mark.parametrize(
    ("precision", "backend", "hidden", "head"),
    [
        ("bf16", "masked", torch.bfloat16, torch.bfloat16),
        ("bf16", "csr", torch.float32, torch.bfloat16),  # csr layers compute in the dtype of their values
        ("float32", "masked", torch.float32, torch.float32),
    ],
)
def test_bf16_is_used_for_products_and_not_for_storage(precision, backend, hidden, head, heads, small, tmp_path):
    run = tl.train(small(tmp_path / "run", precision=precision, backend=backend), quiet=True)
    assert run.config.precision == precision
    assert heads == {(hidden, head)}
    kept = tensors(run)
    assert {tensor.dtype for tensor in kept.values() if tensor.is_floating_point()} == {torch.float32}
    assert not torch.equal(kept["model/head.weight"], kept["model/head.weight"].bfloat16().float())
    model = run.load_model("last")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert run.summary["n_updates"] > 0
    for name, graph in run.history.at(10**9).items():
        assert graph == tl.topology_of(model)[name]
        assert graph.n_links == run.history.initial[name].n_links


def test_a_loss_that_is_not_finite_stops_the_run(small, tmp_path):
    with pytest.raises(TrainingError, match=r"not finite in epoch 1, at step \d+: lower lr=1000000\.0") as failure:
        tl.train(small(tmp_path / "run", lr=1e6), quiet=True)
    assert isinstance(failure.value, RuntimeError)
    run = tl.Run(tmp_path / "run")
    assert not run.is_complete
    assert run.metrics.empty
    assert not (run.path / "checkpoints").exists()


def test_a_test_loss_that_is_not_finite_stops_the_run(small, tmp_path):
    data = toy()
    data.train_x.mul_(1e-3)
    data.test_x[:, 1] = 1e38  # finite, but not when it is divided by the deviation of the training features
    with pytest.raises(TrainingError, match="not finite in epoch 1"):
        tl.train(small(tmp_path / "run", density=0.5), data=data, quiet=True)
    assert not tl.Run(tmp_path / "run").is_complete


def test_the_first_of_equally_good_epochs_is_the_best(small, tmp_path):
    run = tl.train(small(tmp_path / "run", lr=1e-15, weight_decay=0, method="static"), quiet=True)
    assert run.metrics["test_accuracy"].nunique() == 1
    assert run.summary["best_epoch"] == 1


def test_custom_data(small, tmp_path):
    data = toy(name="mine")
    run = tl.train(small(tmp_path / "run", density=0.5), data=data, quiet=True)
    assert run.config.dataset == "mine"
    assert run.is_complete
    model = run.load_model("last")
    assert (model.hidden1.in_features, model.head.out_features) == (2, 2)
    assert resume(run.path, data=data, quiet=True).is_complete
    with pytest.raises(UnknownNameError, match="unknown data set 'mine'"):
        resume(run.path, quiet=True)


def test_every_method_trains_and_static_ones_do_not_move(small, tmp_path):
    for name in tl.methods():
        run = tl.train(small(tmp_path / name, method=name, epochs=1), quiet=True)
        assert run.is_complete
        evolves = tl.method(name).evolves
        assert (run.summary["n_updates"] > 0) == evolves, name
        assert {"topolearn", "torch", "python", "platform", "device", "threads", "processes", "data"} == set(
            run.environment
        )


def test_an_update_at_every_step_is_kept_and_measured_once_per_epoch(small, tmp_path):
    run = tl.train(
        small(tmp_path / "run", method="deepr", update_interval=1, measure_every=None, measures=("closure",), epochs=2),
        quiet=True,
    )
    assert run.summary["n_updates"] == 89  # of 90 steps
    assert run.history.steps == list(range(90))
    assert run.measures["step"].unique().tolist() == [0, 45]
    assert run.history.updates["removed"].sum() > 10
    graphs = run.history.at(90)
    assert all(graphs[name] == graph for name, graph in tl.topology_of(run.load_model("last")).graphs.items())


def test_the_head_stays_dense_and_weights_stay_on_the_links(chts):
    model = chts.load_model("last")
    for name in ("hidden1", "hidden2"):
        layer = getattr(model, name)
        assert 0 < layer.n_links == layer.values.numel() < layer.in_features * layer.out_features
    assert type(model.head) is nn.Linear
    assert bool((model.head.weight != 0).all())


def test_mlp():
    model = mlp(64, [20, 30], 10)
    assert [type(module).__name__ for module in model] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    assert shapes == [(20, 64), (20,), (30, 20), (30,), (10, 30), (10,)]
    assert model(torch.zeros(3, 64)).shape == (3, 10)


def test_progress_is_shown_or_not(small, tmp_path, capsys):
    run = tl.train(small(tmp_path / "shown", epochs=2))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "CHTs on digits  epoch 2/2" in lines[1]
    assert f"accuracy {run.metrics['test_accuracy'][1]:.2%}" in lines[1]
    tl.train(small(tmp_path / "quiet", epochs=1), quiet=True)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_errors_of_training_are_caught_as_one_kind():
    assert issubclass(TrainingError, TopolearnError)
    assert issubclass(ExistingFileError, FileExistsError)
