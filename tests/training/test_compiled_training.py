"""`topolearn.train` takes compiled steps if it can, and otherwise reports the reason once."""

import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.training.trainer import Trainer

CONFIG = {
    "hidden": (32, 32), "epochs": 3, "batch_size": 32, "update_interval": 10, "threads": 1, "density": 0.2,
    "backend": "csr", "measures": ("none",),
}  # fmt: skip


def trained(path, **values):
    return tl.train(tl.TrainConfig(**CONFIG | values, run_dir=str(path)), quiet=True)


@pytest.mark.parametrize("method", ["chts", "chtss", "rigl", "mest", "srigl", "granet", "cht", "static"])
def test_a_compiled_training_equals_one_with_autograd(method, tmp_path, monkeypatch):
    """The same links at each update, and the same losses up to rounding."""
    compiled = trained(tmp_path / "compiled", method=method)
    monkeypatch.setattr(Trainer, "_n_compiled", lambda trainer, n_left: 0)
    by_autograd = trained(tmp_path / "autograd", method=method)
    for step in compiled.history.graph_steps:
        one, other = compiled.history.at(step), by_autograd.history.at(step)
        assert {name: g.cells.tolist() for name, g in one.items()} == {
            name: g.cells.tolist() for name, g in other.items()
        }
    columns = ["train_loss", "test_loss", "n_links"]
    np.testing.assert_allclose(compiled.metrics[columns], by_autograd.metrics[columns], rtol=1e-3)
    assert compiled.metrics["lr"].tolist() == by_autograd.metrics["lr"].tolist()


def test_most_steps_of_a_training_are_compiled(tmp_path, monkeypatch):
    take, taken = Trainer._take_step, []
    monkeypatch.setattr(Trainer, "_take_step", lambda trainer, *given: taken.append(1) or take(trainer, *given))
    trained(tmp_path / "chts")
    assert not taken
    run = trained(tmp_path / "rigl", method="rigl")
    assert len(taken) == run.summary["n_updates"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"method": "deepr", "update_interval": None}, "method 'deepr' acts at each step"),
        ({"precision": "bf16"}, "precision='bf16' uses autocast"),
        ({}, None),
        ({"backend": "masked"}, None),
    ],
)
def test_the_reason_why_steps_are_not_compiled_is_reported_once(values, reason, tmp_path, capsys):
    tl.train(tl.TrainConfig(**CONFIG | values, run_dir=str(tmp_path / "run")))
    said = capsys.readouterr().err.count("steps run with autograd, not in compiled code")
    assert said == (reason is not None)
    trained(tmp_path / "quiet", **values)
    assert not capsys.readouterr().err


def test_csr_is_chosen_for_more_layers_if_steps_are_compiled(tmp_path):
    """By default, and not for methods that act at each step, or in bf16."""
    cases = {"chts": {}, "deepr": {"method": "deepr"}, "bf16": {"precision": "bf16"}}
    settled = {}
    for name, values in cases.items():
        config = tl.TrainConfig(epochs=1, hidden=(32,), density=0.3, run_dir=str(tmp_path / name), **values)
        settled[name] = tl.train(config, quiet=True)
    assert {name: run.config.backend for name, run in settled.items()} == {
        "chts": "csr", "deepr": "masked", "bf16": "masked",
    }  # fmt: skip


def test_steps_are_counted_up_to_the_next_one_at_which_the_topology_may_change():
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    method = tl.method("rigl", density=0.5)
    model = tl.sparsify(model, method, backend="csr")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=21, interval=5)
    assert topology.n_replayable == 4
    with pytest.raises(tl.errors.InvalidValueError, match=r"replayed=7 steps after step 0 pass step 5"):
        topology.step(replayed=7)
    with pytest.raises(tl.errors.InvalidValueError, match="replayed=-1 must be the number of replayed steps"):
        topology.step(replayed=-1)
    assert topology.step(replayed=3) is None
    assert (topology.n_steps, topology.n_replayable) == (3, 1)
    with pytest.raises(tl.errors.InvalidValueError, match=r"step 5 was replayed .* needs its gradients"):
        topology.step(replayed=2)
